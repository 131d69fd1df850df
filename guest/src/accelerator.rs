//! Digests and content encryption by the host.

use smime::crypto::cipher::TAG_LEN;
use smime::crypto::{Bulk, DigestAlgorithm, chaining};

use crate::bindings::wasmime::filter::accelerator;
use crate::in_place;

/// The host's bulk primitives. They give the octets that the logic's own would.
pub(crate) struct Accelerator;

impl Bulk for Accelerator {
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
        match algorithm {
            DigestAlgorithm::Sha256 => accelerator::sha256(data),
            DigestAlgorithm::Sha384 => accelerator::sha384(data),
            DigestAlgorithm::Sha512 => accelerator::sha512(data),
            // Of the past, and not worth an import.
            DigestAlgorithm::Sha1 => algorithm.compute(data),
        }
    }

    fn aes_cbc_encrypt(&self, key: &[u8], iv: &[u8], plaintext: Vec<u8>) -> Vec<u8> {
        chaining::encrypt(iv, plaintext, |iv, text| accelerator::aes_cbc_encrypt(key, iv, text))
    }

    fn aes_cbc_decrypt(&self, key: &[u8], iv: &[u8], ciphertext: Vec<u8>) -> Option<Vec<u8>> {
        let seal = |iv: &[u8], text: &[u8]| accelerator::aes_cbc_encrypt(key, iv, text);
        chaining::decrypt(iv, ciphertext, seal, |iv, text| accelerator::aes_cbc_decrypt(key, iv, text))
    }

    fn aes_gcm_seal(&self, key: &[u8], nonce: &[u8], associated_data: &[u8], mut plaintext: Vec<u8>) -> Vec<u8> {
        plaintext.reserve_exact(TAG_LEN);
        in_place::seal(key, nonce, associated_data, plaintext)
    }

    fn aes_gcm_open(&self, key: &[u8], nonce: &[u8], associated_data: &[u8], ciphertext: Vec<u8>) -> Option<Vec<u8>> {
        in_place::open(key, nonce, associated_data, ciphertext)
    }
}
