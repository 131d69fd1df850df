//! Cryptography, thin over RustCrypto: mechanism only, no policy.

pub mod chaining;
pub mod cipher;
pub mod curve;
pub mod digest;
pub mod key_agreement;
pub mod key_derivation;
pub mod key_encapsulation;
pub mod key_transport;
pub mod key_wrap;
pub mod lattice;
pub mod parameters;
pub mod private_key;
pub mod public_key;
pub mod random;
pub mod signature;

pub use digest::DigestAlgorithm;

/// Digests and content encryption: what grows with the message. A host may do
/// them faster than a sandbox can (`wit/accelerator.wit`); [`Software`] does
/// them here. Both give the same octets.
///
/// Keys are 16, 24 or 32 octets. A key, IV or nonce of another length is a
/// mistake of the caller: it yields no octets at all, which no encryption here
/// ever does, or none.
pub trait Bulk {
    /// The digest of `data`.
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8>;

    /// AES-CBC with PKCS #7 padding; `iv` is 16 octets.
    fn aes_cbc_encrypt(&self, key: &[u8], iv: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
        cipher::aes_cbc_encrypt(key, iv, plaintext)
    }

    /// The reverse; none if the padding is wrong, or the length is no multiple
    /// of 16 octets.
    fn aes_cbc_decrypt(&self, key: &[u8], iv: &[u8], ciphertext: Vec<u8>) -> Option<Vec<u8>> {
        cipher::aes_cbc_decrypt(key, iv, ciphertext)
    }

    /// AES-GCM; `nonce` is 12 octets, and the tag of 16 octets is appended.
    fn aes_gcm_seal(&self, key: &[u8], nonce: &[u8], associated_data: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
        cipher::aes_gcm_seal(key, nonce, associated_data, plaintext)
    }

    /// The reverse, with the tag at the end of `ciphertext`; none if it is
    /// wrong.
    fn aes_gcm_open(&self, key: &[u8], nonce: &[u8], associated_data: &[u8], ciphertext: Vec<u8>) -> Option<Vec<u8>> {
        cipher::aes_gcm_open(key, nonce, associated_data, ciphertext, cipher::TAG_LEN)
    }
}

/// [`Bulk`] in software, inside the sandbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

impl Bulk for Software {
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
        algorithm.compute(data)
    }
}
