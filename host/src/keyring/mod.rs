//! The embedded keyring: one SQLite file a tenant, with the seed's two stores in
//! it — pairs of a mail address and a private key (421, fig. 5), and pairs of a
//! mail address and a public key (422, fig. 6).
//!
//! Private keys are sealed (see [`mod@seal`]); certificates are no secret. An
//! address may have any number of either: see [`mod@order`] for which goes first.
//!
//! ```no_run
//! use host::keyring::{Bundle, ImportOptions, Keyring};
//!
//! let keyring = Keyring::open_or_create("nec.keyring".as_ref())?;
//! let mut bundle = Bundle::default();
//! bundle.read("taro.p12", &std::fs::read("taro.p12")?, Some("secret"))?;
//! for filed in keyring.import(bundle, &ImportOptions::default())? {
//!     println!("{}: {}", filed.record.address, filed.record.facts.algorithm);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod binding;
mod editing;
mod error;
mod export;
mod facts;
mod files;
mod filing;
mod generate;
mod harvest;
mod import;
mod judge;
pub mod order;
mod private_key;
mod record;
mod request;
mod rotate;
mod rows;
mod schema;
pub mod seal;
mod services;
mod store;

pub use address::normalise;
pub use error::{ImportError, KeyringError};
pub use export::{Container, certificate_pem};
pub(crate) use facts::hex;
pub use facts::{Algorithm, CertificateFacts, printed_name};
pub use filing::{Filed, ImportOptions};
pub(crate) use generate::{DAY, SLACK, in_days, pair, personal, serial_number, time, validity};
pub use generate::{GenerateOptions, KeyAlgorithm};
pub use harvest::KeyringHarvest;
pub use import::{Bundle, password, pem};
pub use judge::Authorities;
pub(crate) use private_key::PrivateKeyMaterial;
pub use record::{Kind, Record, Source};
pub use request::RequestedKey;
pub use services::KeyringServices;
pub(crate) use store::Failure;
pub use store::Keyring;

#[cfg(test)]
mod tests;
