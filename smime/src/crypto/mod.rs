//! Cryptography, thin over RustCrypto: mechanism only, no policy.

pub mod digest;

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
