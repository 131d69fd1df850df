//! Private keys of a key management server as the host uses them: those that
//! were fetched, and those with which the server signs.

use std::sync::Arc;

use der::Decode as _;
use smime::crypto::signature::{Scheme, verify};
use smime::crypto::{DigestAlgorithm, Software};
use smime::x509::Certificate;
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::error::KmipError;
use super::message::{self, Operation};
use super::servers::Servers;
use crate::locked::Locked;
use crate::services::PrivateKey;
use crate::{KeyError, Refusal, SoftwareKey};

/// What the server says a key is for (KMIP 1.2, section 9.1.3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) signs: bool,
    pub(super) unwraps: bool,
}

impl Usage {
    /// Reads a usage mask. A server that has none to tell sets no bounds.
    pub(super) fn of(mask: Option<u32>) -> Self {
        const SIGN: u32 = 0x01;
        const DECRYPT: u32 = 0x08;
        const UNWRAP_KEY: u32 = 0x20;
        const DERIVE_KEY: u32 = 0x200;
        const KEY_AGREEMENT: u32 = 0x800;
        let allows = |bits| mask.is_none_or(|mask| mask & bits != 0);
        Self { signs: allows(SIGN), unwraps: allows(DECRYPT | UNWRAP_KEY | DERIVE_KEY | KEY_AGREEMENT) }
    }
}

/// A key that was fetched. It lies in locked memory, and is unpacked for each
/// use alone: what aws-lc makes of it is erased when it is done.
pub(super) struct FetchedKey {
    pkcs8: Memory,
    usage: Usage,
}

enum Memory {
    Locked(Locked),
    /// The system locks no more: the key serves the one message and is not held.
    Loose(Zeroizing<Vec<u8>>),
}

impl FetchedKey {
    /// Takes a key as PKCS #8.
    pub(super) fn new(pkcs8: Zeroizing<Vec<u8>>, usage: Usage) -> Self {
        let pkcs8 = match Locked::new(&pkcs8) {
            Ok(locked) => Memory::Locked(locked),
            Err(reason) => {
                tracing::warn!("a private key is not held, but fetched for each message: {reason}");
                Memory::Loose(pkcs8)
            }
        };
        Self { pkcs8, usage }
    }

    /// Whether it may be held.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self.pkcs8, Memory::Locked(_))
    }

    fn unpacked(&self, allowed: bool) -> Result<SoftwareKey, KeyError> {
        if !allowed {
            return Err(KeyError::Unsupported);
        }
        let pkcs8 = match &self.pkcs8 {
            Memory::Locked(locked) => locked,
            Memory::Loose(octets) => octets.as_slice(),
        };
        SoftwareKey::from_pkcs8(pkcs8).map_err(|_| KeyError::Unsupported)
    }
}

impl PrivateKey for FetchedKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.unpacked(self.usage.signs)?.sign(algorithm, digest, message)
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        self.unpacked(self.usage.unwraps)?.unwrap_key(recipient_info, length)
    }

    fn waits(&self) -> bool {
        false
    }
}

/// Fetches a key when it is needed.
pub(super) type Fetch = Box<dyn Fn() -> Result<Arc<dyn PrivateKey>, KeyError> + Send + Sync>;

/// A key with which the server signs. What it returns is verified with the
/// certificate: so the key is the right one, and the server computed soundly.
pub(super) struct ServerKey {
    /// The servers.
    pub(super) servers: Arc<Servers>,
    /// The keys that may be meant; the certificate tells which.
    pub(super) identifiers: Vec<String>,
    /// The certificate.
    pub(super) certificate: Certificate,
    /// Fetches the key itself, for what the server does not do.
    pub(super) fetch: Fetch,
}

impl PrivateKey for ServerKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let identifier = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest_identifier = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let digest_algorithm = DigestAlgorithm::from_oid(digest_identifier.oid);
        let hash = match Scheme::read(&identifier, digest_algorithm) {
            Ok(Scheme::Pkcs1v15(digest)) => hashing_algorithm(digest).ok_or(KeyError::Unsupported)?,
            // How long the salt of PSS is KMIP 1.2 cannot say; nor do its servers know curves.
            _ => return (self.fetch)()?.sign(algorithm, digest, message),
        };
        for key in &self.identifiers {
            let signature = self.servers.converse(|conversation| {
                let request = message::sign(key, hash, message);
                conversation.ask(Operation::Sign, &request, |payload| message::signature(payload, key))
            });
            let signature = signature.map_err(unavailable)?;
            let public_key = self.certificate.public_key();
            if verify(public_key, &identifier, digest_algorithm, message, &signature, &Software).is_ok() {
                return Ok(signature);
            }
        }
        let reason = "the key management server signed with another key than that of the certificate";
        Err(KeyError::Refused(Refusal::Unavailable(reason.to_owned())))
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        (self.fetch)()?.unwrap_key(recipient_info, length)
    }
}

/// What KMIP calls a digest (KMIP 1.2, section 9.1.3.2.16); none where nothing
/// new is signed with it.
fn hashing_algorithm(digest: DigestAlgorithm) -> Option<u32> {
    match digest {
        DigestAlgorithm::Sha256 => Some(6),
        DigestAlgorithm::Sha384 => Some(7),
        DigestAlgorithm::Sha512 => Some(8),
        _ => None,
    }
}

fn unavailable(error: KmipError) -> KeyError {
    KeyError::Refused(Refusal::Unavailable(error.to_string()))
}
