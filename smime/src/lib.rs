//! The logic of Wasmime, a secure mail proxy: it signs and encrypts messages
//! that leave an organisation, and verifies and decrypts those that arrive
//! (S/MIME 4.0, RFC 8551).
//!
//! This is a plain library. It does no I/O, knows no time and holds no key: all
//! of that it asks of a [`Host`], which mirrors the WIT contract in `wit/`.
//! [`process`] is the one thing it does.
#![forbid(unsafe_code)]

pub mod budget;
mod buffer;
pub mod cms;
pub mod crypto;
pub mod domain;
pub mod error;
pub mod filter;
pub mod host;
pub mod mime;
pub mod verdict;
pub mod x509;

pub use error::Error;
pub use filter::process;
pub use host::{Host, PrivateKey};
pub use verdict::{Content, Delivery, Direction, Envelope, Reply, Verdict};
