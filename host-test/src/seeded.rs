//! Randomness that is the same each time: for tests only.

use std::sync::{Arc, Mutex, PoisonError};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use host::{Entropy, Identity, KeyError, PrivateKey, Refusal};
use smime::crypto::private_key::SoftwareKey;
use smime::host::PrivateKey as _;
use zeroize::Zeroizing;

use crate::native;

/// A generator with a fixed seed. Clones draw from the same stream.
#[derive(Clone)]
pub struct SeededEntropy(Arc<Mutex<ChaCha20Rng>>);

impl SeededEntropy {
    /// The generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    /// The next `len` octets.
    pub fn take(&self, len: u32) -> Vec<u8> {
        let mut octets = vec![0; len as usize];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut octets);
        octets
    }
}

impl Entropy for SeededEntropy {
    fn draw(&self, len: u32) -> Result<Vec<u8>, Refusal> {
        Ok(self.take(len))
    }
}

/// A key that works as the one within a component with `key-export` does: the same
/// code, and the same stream of randomness. So signatures and all that is drawn
/// after them agree, wherever the key is used.
pub struct SeededKey {
    pkcs8: Zeroizing<Vec<u8>>,
    entropy: SeededEntropy,
    exportable: bool,
}

impl SeededKey {
    /// The key of a PKCS #8 `PrivateKeyInfo` in DER, which is handed out or not.
    pub fn new(pkcs8: &[u8], entropy: &SeededEntropy, exportable: bool) -> Self {
        Self { pkcs8: Zeroizing::new(pkcs8.to_vec()), entropy: entropy.clone(), exportable }
    }

    /// The identity of this key.
    pub fn identity(self, certificate: &[u8], chain: &[Vec<u8>]) -> Identity {
        Identity { certificate: certificate.to_vec(), chain: chain.to_vec(), key: Arc::new(self), retired: false }
    }

    fn with_key(
        &self,
        operation: impl FnOnce(&mut SoftwareKey<&mut dyn FnMut(u32) -> Vec<u8>>) -> Result<Vec<u8>, smime::host::KeyError>,
    ) -> Result<Vec<u8>, KeyError> {
        let mut draw = |len| self.entropy.take(len);
        SoftwareKey::from_pkcs8(&self.pkcs8, &mut draw as &mut dyn FnMut(u32) -> Vec<u8>)
            .and_then(|mut key| operation(&mut key))
            .map_err(native::key_error_to_contract)
    }
}

impl PrivateKey for SeededKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.with_key(|key| key.sign(algorithm, digest, message))
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        self.with_key(|key| key.unwrap_key(recipient_info, length))
    }

    fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.exportable.then(|| self.pkcs8.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream_and_another_does_not() {
        let (one, same, other) = (SeededEntropy::new(1), SeededEntropy::new(1), SeededEntropy::new(2));
        let first = one.take(40);
        assert_eq!(first, same.take(40));
        assert_ne!(first, other.take(40));
        assert_ne!(first, one.take(40));
    }
}
