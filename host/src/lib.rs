//! The embedding of Wasmime: a fresh sandbox for each message, with the keys
//! outside.
//!
//! A mail server that wants to filter messages makes one [`Runtime`], which
//! holds the compiled component, and one [`Tenant`] for each organisation, which
//! holds its services; then, for each message:
//!
//! ```no_run
//! # fn tenant() -> host::Tenant { unimplemented!() }
//! use host::{Content, Direction, Envelope, Runtime, RuntimeOptions, Verdict};
//!
//! let runtime = Runtime::new(RuntimeOptions::default())?;
//! let envelope = Envelope {
//!     direction: Direction::Outbound,
//!     submitter: Some("taro@nec.co.jp".into()),
//!     sender: Some("taro@nec.co.jp".into()),
//!     recipients: vec!["alice@abc.com".into()],
//! };
//! let message = b"From: taro@nec.co.jp\r\n\r\nHello\r\n";
//! match runtime.run(&tenant(), &envelope, message).verdict {
//!     Verdict::Deliver(deliveries) => {
//!         for delivery in deliveries {
//!             let octets = match &delivery.content {
//!                 Content::Unchanged => &message[..],
//!                 Content::Rewritten(octets) => octets,
//!             };
//!             println!("{} octets for {:?}", octets.len(), delivery.recipients);
//!         }
//!     }
//!     Verdict::Reject(reply) | Verdict::Defer(reply) => println!("{} {}", reply.code, reply.text),
//! }
//! # Ok::<(), host::RuntimeError>(())
//! ```
//!
//! Whatever goes wrong in the sandbox, the verdict is one that the mail server
//! can act on: what it does not say is not delivered.
#![deny(unsafe_code)] // but for one call in `cache`, one in `keyring`, and those of `locked`

pub mod authority;
mod bindings;
mod cache;
mod call;
mod check;
pub mod directory;
mod engine;
mod event;
mod handle;
mod imports;
pub mod keyring;
pub mod kmip;
mod limits;
mod locked;
pub mod mailbox;
pub mod memory;
mod pairing;
mod permits;
pub mod pkcs11;
mod recipient;
pub mod remote;
mod runtime;
mod scope;
mod secret_file;
pub mod services;
pub mod smimea;
pub mod software_key;
mod stop;
mod workers;

pub use bindings::plain::wasmime::filter::types::{Content, Delivery, Direction, Envelope, Refusal, Reply, Verdict};
pub use bindings::wasmime::filter::audit::{Field as EventField, FieldValue, Severity};
pub use bindings::wasmime::filter::keys::{Entry, KeyError};
pub use bindings::wasmime::filter::policy::{
    Assumption, Demand, HeaderProtection, InboundPolicy, Order, OutboundPolicy, SignatureForm,
};
pub use event::Event;
pub use limits::Limits;
pub use pairing::Companions;
pub use runtime::{COMPONENT, Outcome, Runtime, RuntimeError, RuntimeOptions, Statistics};
pub use scope::Scope;
pub use secret_file::{SecretError, SecretFile};
pub use services::{
    Authorise, Certificates, Clock, Entropy, Harvest, Identity, Policies, PrivateKey, PrivateKeys, Tenant, Trust,
};
pub use software_key::SoftwareKey;
