//! Private keys in a token that they do not leave: a hardware security module, or
//! one in software, by PKCS #11 (7 of the seed's third embodiment).
//!
//! From top to bottom: `keys` finds the identities of an address; `objects` looks
//! through the token; `key` signs and decrypts, with `rsa` or `elliptic`, `padding`
//! being what the host does of it; `sessions` lends a session and replaces those that are lost; `token`
//! opens them and logs in; `module` loads the library.

mod elliptic;
mod error;
mod key;
mod keys;
mod module;
mod objects;
mod padding;
mod rsa;
mod sessions;
mod token;

pub use error::Pkcs11Error;
pub use keys::{Pkcs11Keys, Pkcs11Options};
