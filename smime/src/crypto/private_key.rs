//! A private key in software: for the component that runs on hosts without
//! cryptography (`key-export`), and for tests. Elsewhere keys stay with the
//! host.

use core::iter;

use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, ID_RSAES_OAEP, ID_RSASSA_PSS, RSA_ENCRYPTION};
use const_oid::db::rfc8410::{ID_ED_25519, ID_X_25519};
use der::Decode;
use pkcs8::PrivateKeyInfoRef;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::DigestAlgorithm;
use super::public_key::PublicKey;
use super::signature;
use crate::cms::recipient::EncryptedKey;
use crate::error::CmsError;
use crate::host::{KeyError, PrivateKey, Refusal};

mod elliptic;
mod lattice;
mod rsa;

/// A private key, with the randomness it needs: `draw` gives as many random
/// octets as it is asked for. It is RSA of 2048 to 4096 bits, on P-256, P-384 or
/// P-521, Ed25519, X25519, ML-DSA or ML-KEM, and erased when it is dropped.
pub struct SoftwareKey<D> {
    key: Key,
    draw: D,
}

enum Key {
    Rsa(rsa::Key),
    Elliptic(elliptic::Key),
    Lattice(lattice::Key),
}

/// What opening an encrypted key yields; none where it was encrypted to another
/// key, or damaged.
type Opened = Result<Option<Zeroizing<Vec<u8>>>, KeyError>;

impl<D: FnMut(u32) -> Vec<u8>> SoftwareKey<D> {
    /// Reads a PKCS #8 `PrivateKeyInfo` in DER (RFC 5958).
    /// [`KeyError::Malformed`] if it does not parse or its numbers do not fit
    /// each other, [`KeyError::Unsupported`] if it is of another kind or size.
    pub fn from_pkcs8(encoded: &[u8], draw: D) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(encoded).map_err(|_| KeyError::Malformed)?;
        let key = match info.algorithm.oid {
            RSA_ENCRYPTION | ID_RSASSA_PSS | ID_RSAES_OAEP => Key::Rsa(rsa::Key::read(&info)?),
            ID_EC_PUBLIC_KEY => Key::Elliptic(elliptic::Key::read_ec(&info)?),
            ID_ED_25519 => Key::Elliptic(elliptic::Key::read_ed25519(&info)?),
            ID_X_25519 => Key::Elliptic(elliptic::Key::read_x25519(&info)?),
            _ => Key::Lattice(lattice::Key::read(&info)?),
        };
        Ok(Self { key, draw })
    }

    /// The bits of the public key, of a key of ML-DSA or ML-KEM: nothing else
    /// tells whose it is.
    pub fn lattice_public_key(&self) -> Option<Vec<u8>> {
        match &self.key {
            Key::Lattice(key) => Some(key.public_key()),
            _ => None,
        }
    }

    /// Whether this is the private key of a public key.
    pub fn fits(&self, public_key: &SubjectPublicKeyInfoOwned) -> bool {
        match (&self.key, PublicKey::read(public_key)) {
            (Key::Rsa(key), Ok(PublicKey::Rsa(public))) => key.fits(&public),
            (Key::Elliptic(key), Ok(public)) => key.fits(&public),
            (Key::Lattice(key), Ok(PublicKey::MlDsa(_, public) | PublicKey::MlKem(_, public))) => {
                key.public_key() == public
            }
            _ => false,
        }
    }

    fn open(&mut self, recipient: &EncryptedKey) -> Opened {
        match (&self.key, recipient) {
            (Key::Rsa(key), EncryptedKey::Transport(recipient)) => {
                let scheme = recipient.scheme.as_ref().ok_or(KeyError::Unsupported)?;
                key.open(scheme, &recipient.encrypted_key, &mut self.draw)
            }
            (Key::Elliptic(key), EncryptedKey::Agreement(recipient)) => key.open(recipient),
            (Key::Lattice(key), EncryptedKey::Encapsulation(recipient)) => key.open(recipient),
            _ => Err(KeyError::Unsupported),
        }
    }
}

impl<D: FnMut(u32) -> Vec<u8>> PrivateKey for SoftwareKey<D> {
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let digest = DigestAlgorithm::from_oid(digest.oid).ok_or(KeyError::Unsupported)?;
        let scheme = signature::Scheme::read(&algorithm, Some(digest)).map_err(|_| KeyError::Unsupported)?;
        match &self.key {
            Key::Rsa(key) => key.sign(&scheme, message, &mut self.draw),
            Key::Elliptic(key) => key.sign(&scheme, message),
            Key::Lattice(key) => key.sign(&scheme, message, &mut self.draw),
        }
    }

    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        let recipient = EncryptedKey::from_der(recipient_info).map_err(|e| match e {
            CmsError::Algorithm => KeyError::Unsupported,
            _ => KeyError::Malformed,
        })?;
        let len = usize::try_from(length).ok().filter(|len| (1..=CONTENT_KEY_MAX_LEN).contains(len));
        let len = len.ok_or(KeyError::Unsupported)?;
        // RFC 3218, section 2.3.2: the key to go on with when there is none is
        // drawn first and always, so that its time does not tell.
        let mut key = (self.draw)(length);
        if key.len() != len {
            return Err(out_of_randomness());
        }
        let opened = self.open(&recipient)?.unwrap_or_default();
        let right_len = opened.len().ct_eq(&len);
        for (octet, real) in key.iter_mut().zip(opened.iter().chain(iter::repeat(&0))) {
            octet.conditional_assign(real, right_len);
        }
        Ok(key)
    }
}

/// The longest content-encryption key, in octets.
const CONTENT_KEY_MAX_LEN: usize = 64;

fn out_of_randomness() -> KeyError {
    KeyError::Refused(Refusal::Unavailable("the source of randomness gave too little".to_owned()))
}
