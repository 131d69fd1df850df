//! A private key in a token, which does not leave it.

use std::sync::Arc;

use der::Decode as _;
use smime::cms::recipient::EncryptedKey;
use smime::crypto::DigestAlgorithm;
use smime::crypto::signature::Scheme as Signature;
use spki::AlgorithmIdentifierOwned;

use super::error::Pkcs11Error;
use super::objects::{KeyKind, TokenObject};
use super::sessions::Sessions;
use super::{elliptic, rsa};
use crate::services::PrivateKey;
use crate::{KeyError, Refusal, recipient};

/// A private key in a token.
pub(super) struct TokenKey {
    /// Sessions with the token.
    pub(super) sessions: Arc<Sessions>,
    /// Where it is in the token.
    pub(super) object: TokenObject,
}

impl PrivateKey for TokenKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let scheme = Signature::read(&algorithm, DigestAlgorithm::from_oid(digest.oid));
        let scheme = scheme.map_err(|_| KeyError::Unsupported)?;
        if !self.object.signs {
            return Err(KeyError::Unsupported);
        }
        let object = self.object.clone();
        match object.kind {
            KeyKind::Rsa { .. } => rsa::sign(&self.sessions, object, &scheme, message),
            KeyKind::Ec(curve) => elliptic::sign_ecdsa(&self.sessions, object, curve, &scheme, message),
            KeyKind::Ed25519 => elliptic::sign_ed25519(&self.sessions, object, &scheme, message),
        }
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        if !self.object.decrypts {
            return Err(KeyError::Unsupported);
        }
        let object = self.object.clone();
        match (object.kind, recipient::read(recipient_info)?) {
            (KeyKind::Rsa { modulus_len }, EncryptedKey::Transport(recipient)) => {
                rsa::unwrap_key(&self.sessions, object, modulus_len, recipient, length)
            }
            (KeyKind::Ec(curve), EncryptedKey::Agreement(recipient)) => {
                elliptic::unwrap_key(&self.sessions, object, curve, &recipient, length)
            }
            _ => Err(KeyError::Unsupported),
        }
    }
}

impl From<Pkcs11Error> for KeyError {
    /// Whatever befalls a token, mail waits for it to be mended.
    fn from(error: Pkcs11Error) -> Self {
        Self::Refused(Refusal::Unavailable(error.to_string()))
    }
}
