//! Private keys in a key management server (7 of the seed's third embodiment),
//! by the Key Management Interoperability Protocol, KMIP 1.2, over mutual TLS.
//!
//! From top to bottom: `keys` finds the identities of an address; `hold` keeps
//! them for a time; `objects` asks for what is filed under a name, and reads it
//! back; `servers` chooses who is asked; `connection` carries a question there
//! and the answer back; `message` and `ttlv` are the words.

mod connection;
mod error;
mod hold;
mod key;
mod keys;
mod message;
mod objects;
mod servers;
mod tls;
mod ttlv;

pub use error::KmipError;
pub use keys::{KmipKeys, KmipOptions};
pub use tls::KmipCredentials;
