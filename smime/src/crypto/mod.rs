//! Cryptography, thin over RustCrypto: mechanism only, no policy.

pub mod digest;
pub mod key_transport;
pub mod parameters;
pub mod private_key;
pub mod public_key;
pub mod random;
pub mod signature;

pub use digest::DigestAlgorithm;

/// Digests and content encryption: what grows with the message. A host may do
/// them faster than a sandbox can (`wit/accelerator.wit`); [`Software`] does
/// them here. Both give the same octets.
pub trait Bulk {
    /// The digest of `data`.
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8>;
}

/// [`Bulk`] in software, inside the sandbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

impl Bulk for Software {
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
        algorithm.compute(data)
    }
}
