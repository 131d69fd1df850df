//! A private key: a handle on one that the host keeps. With the feature
//! `key-export` the key itself is fetched for each use, where the host gives it.

use smime::host::{KeyError, PrivateKey};

use crate::bindings::wasmime::filter::keys;
use crate::convert;

/// A handle on a private key.
pub(crate) struct Key(keys::PrivateKey);

impl Key {
    pub(crate) fn new(handle: keys::PrivateKey) -> Self {
        Self(handle)
    }
}

impl PrivateKey for Key {
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        #[cfg(feature = "key-export")]
        if let Some(mut key) = exported::fetch(&self.0)? {
            return key.sign(algorithm, digest, message);
        }
        self.0.sign(algorithm, digest, message).map_err(convert::key_error)
    }

    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        #[cfg(feature = "key-export")]
        if let Some(mut key) = exported::fetch(&self.0)? {
            return key.unwrap_key(recipient_info, length);
        }
        self.0.unwrap_key(recipient_info, length).map_err(convert::key_error)
    }
}

#[cfg(feature = "key-export")]
mod exported {
    use smime::crypto::private_key::SoftwareKey;
    use smime::host::KeyError;
    use zeroize::Zeroizing;

    use crate::bindings::wasmime::filter::{entropy, key_export, keys};

    /// The key in the clear, if the host hands it out. Both copies, the encoded
    /// one and the numbers, are erased when they are dropped.
    pub(super) fn fetch(handle: &keys::PrivateKey) -> Result<Option<SoftwareKey<fn(u32) -> Vec<u8>>>, KeyError> {
        let Some(pkcs8) = key_export::pkcs8(handle) else { return Ok(None) };
        let pkcs8 = Zeroizing::new(pkcs8);
        let draw: fn(u32) -> Vec<u8> = entropy::draw;
        SoftwareKey::from_pkcs8(&pkcs8, draw).map(Some)
    }
}
