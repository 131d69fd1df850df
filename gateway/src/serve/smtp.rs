//! SMTP and LMTP: a mail server hands mail to the gateway, which hands it on to
//! the next hop in the same transaction.
//!
//! There is no queue: the client hears of success only after the next hop has said
//! so. From the wire upwards: [`lines`] and [`data`] read octets strictly,
//! [`command`] knows the language ([`path`], [`parameters`], [`xforward`]),
//! [`session`] keeps its order, and [`transaction`] carries a message through.

mod command;
mod data;
pub mod lines;
mod message;
pub mod parameters;
pub mod path;
pub mod reply;
mod session;
mod tls;
pub mod trace;
mod transaction;
pub mod xforward;

pub use session::serve;
pub use tls::acceptor;
