//! Private keys in the memory of the host, over aws-lc.

use std::fmt;

use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, ID_RSAES_OAEP, ID_RSASSA_PSS, RSA_ENCRYPTION};
use const_oid::db::rfc8410::{ID_ED_25519, ID_X_25519};
use der::Decode;
use pkcs8::PrivateKeyInfoRef;
use smime::cms::recipient::EncryptedKey;
use smime::crypto::signature::Scheme as Signature;
use smime::crypto::{DigestAlgorithm, private_key};
use smime::host::PrivateKey as _;
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::services::PrivateKey;
use crate::{KeyError, recipient};

mod elliptic;
pub(crate) mod random;
mod rsa;

/// A private key: RSA of 2048 to 8192 bits, on P-256, P-384 or P-521, Ed25519,
/// X25519, ML-DSA or ML-KEM. Loading it takes a fraction of a millisecond: keep it loaded.
pub struct SoftwareKey {
    key: Key,
    pkcs8: Zeroizing<Vec<u8>>,
    exportable: bool,
}

enum Key {
    Rsa(rsa::Key),
    Elliptic(elliptic::Key),
    /// Of ML-DSA or ML-KEM: the code of the sandbox reads it anew for each use.
    Lattice,
}

/// Why a private key cannot be loaded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It is no PKCS #8 `PrivateKeyInfo` in DER, or its numbers do not fit each
    /// other.
    Malformed,
    /// It is of a kind that is not implemented.
    Unsupported,
    /// Its modulus has less than 2048 or more than 8192 bits.
    Size,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the private key does not parse as PKCS #8, or its numbers do not fit each other",
            Self::Unsupported => "the private key is of a kind that is not implemented",
            Self::Size => "the private key has less than 2048 or more than 8192 bits",
        })
    }
}

impl std::error::Error for LoadError {}

impl SoftwareKey {
    /// Loads a key from the DER of a PKCS #8 `PrivateKeyInfo` (RFC 5958). An RSA
    /// key that is marked for RSASSA-PSS or RSAES-OAEP does nothing else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, LoadError> {
        let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| LoadError::Malformed)?;
        let key = match info.algorithm.oid {
            RSA_ENCRYPTION | ID_RSASSA_PSS | ID_RSAES_OAEP => Key::Rsa(rsa::Key::read(&info)?),
            ID_EC_PUBLIC_KEY => Key::Elliptic(elliptic::Key::read_ec(&info, pkcs8)?),
            ID_ED_25519 => Key::Elliptic(elliptic::Key::read_ed25519(pkcs8)?),
            ID_X_25519 => Key::Elliptic(elliptic::Key::read_x25519(&info)?),
            _ => match private_key::SoftwareKey::from_pkcs8(pkcs8, draw) {
                Ok(_) => Key::Lattice,
                Err(smime::host::KeyError::Malformed) => return Err(LoadError::Malformed),
                Err(_) => return Err(LoadError::Unsupported),
            },
        };
        Ok(Self { key, pkcs8: Zeroizing::new(pkcs8.to_vec()), exportable: false })
    }

    /// Lets components that import `key-export` have the key in the clear.
    pub fn exportable(mut self) -> Self {
        self.exportable = true;
        self
    }
}

impl PrivateKey for SoftwareKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if matches!(self.key, Key::Lattice) {
            return self.by_library(|key| key.sign(algorithm, digest, message));
        }
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let scheme = Signature::read(&algorithm, DigestAlgorithm::from_oid(digest.oid));
        let scheme = scheme.map_err(|_| KeyError::Unsupported)?;
        match &self.key {
            Key::Rsa(key) => key.sign(&scheme, message),
            Key::Elliptic(key) => key.sign(&scheme, message),
            Key::Lattice => Err(KeyError::Unsupported),
        }
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        match (&self.key, &recipient::read(recipient_info)?) {
            (Key::Rsa(key), EncryptedKey::Transport(recipient)) => match key.unwrap_key(recipient, length)? {
                Some(key) => Ok(key),
                None => self.by_library(|key| key.unwrap_key(recipient_info, length)),
            },
            (Key::Elliptic(key), EncryptedKey::Agreement(recipient)) => key.unwrap_key(recipient, length),
            (Key::Lattice, EncryptedKey::Encapsulation(_)) => {
                self.by_library(|key| key.unwrap_key(recipient_info, length))
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.exportable.then(|| self.pkcs8.clone())
    }

    fn waits(&self) -> bool {
        false
    }
}

impl SoftwareKey {
    /// What aws-lc does not offer, with the code of the sandbox.
    fn by_library(
        &self,
        operation: impl FnOnce(&mut private_key::SoftwareKey<fn(u32) -> Vec<u8>>) -> Result<Vec<u8>, smime::host::KeyError>,
    ) -> Result<Vec<u8>, KeyError> {
        let key = private_key::SoftwareKey::from_pkcs8(&self.pkcs8, draw as fn(u32) -> Vec<u8>);
        key.and_then(|mut key| operation(&mut key)).map_err(|e| match e {
            smime::host::KeyError::Unsupported => KeyError::Unsupported,
            smime::host::KeyError::Malformed => KeyError::Malformed,
            smime::host::KeyError::Refused(_) => random::out_of_randomness(),
        })
    }
}

/// Random octets for the code of the sandbox. One that fails draws nothing: a key
/// is not used without blinding.
fn draw(len: u32) -> Vec<u8> {
    random::random(len).unwrap_or_default()
}

#[cfg(test)]
mod tests;
