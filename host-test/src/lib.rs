//! The wasmtime harness: scripted services, a fixed clock and seeded randomness,
//! so that a message gives the same verdict, octet by octet, however it is run;
//! and a conformance kit for components and hosts.
//!
//! [`Script`] tells who has which keys and what the policies are. [`Script::run`]
//! gives a message to the built-in or another [`host::Runtime`],
//! [`Script::run_natively`] to the library without a sandbox. Each run starts
//! from the same seed.

pub mod compare;
pub mod hostile;
pub mod hsm;
pub mod native;
pub mod script;
pub mod seeded;
pub mod sizes;
pub mod variants;
pub mod vector;

pub use script::Script;
pub use variants::Variants;
