//! RSA private keys in the memory of the host, over aws-lc: in constant time, and
//! at the speed of the machine.
//!
//! One thing aws-lc does not offer is OAEP with a mask of another digest than the
//! label's (SHA-256 with MGF1-SHA-1 is what some Java senders write). For those
//! messages alone the key is used through the `rsa` crate, which blinds, too,
//! but is the slower and the younger of the two.

use std::fmt;

use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use const_oid::db::rfc5912::{ID_RSAES_OAEP, ID_RSASSA_PSS, RSA_ENCRYPTION};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef};
use smime::crypto::key_transport::Scheme as KeyTransport;
use smime::crypto::parameters::{Oaep, Pss};
use smime::crypto::signature::Scheme as Signature;
use smime::crypto::{DigestAlgorithm, private_key};
use smime::host::PrivateKey as _;
use spki::AlgorithmIdentifierOwned;
use subtle::{Choice, ConditionallySelectable as _};
use zeroize::Zeroizing;

use crate::recipient::{KeyTransRecipientInfo, Unreadable};
use crate::services::PrivateKey;
use crate::{KeyError, Refusal};

/// An RSA private key of 2048 to 8192 bits. Loading it takes a fraction of a
/// millisecond: keep it loaded.
pub struct SoftwareKey {
    signing: Option<KeyPair>,
    pkcs1v15: Option<Pkcs1PrivateDecryptingKey>,
    oaep: Option<OaepPrivateDecryptingKey>,
    pss_only: bool,
    pkcs8: Zeroizing<Vec<u8>>,
    exportable: bool,
}

/// Why a private key cannot be loaded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It is no PKCS #8 `PrivateKeyInfo` in DER, or its numbers do not fit each
    /// other.
    Malformed,
    /// It is no RSA key.
    Unsupported,
    /// Its modulus has less than 2048 or more than 8192 bits.
    Size,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the private key does not parse as PKCS #8, or its numbers do not fit each other",
            Self::Unsupported => "the private key is not an RSA key, and no other kind is implemented",
            Self::Size => "the private key has less than 2048 or more than 8192 bits",
        })
    }
}

impl std::error::Error for LoadError {}

impl SoftwareKey {
    /// Loads a key from the DER of a PKCS #8 `PrivateKeyInfo` (RFC 5958). A key
    /// that is marked for RSASSA-PSS or RSAES-OAEP does nothing else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, LoadError> {
        let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| LoadError::Malformed)?;
        let (signs, opens) = match info.algorithm.oid {
            RSA_ENCRYPTION => (true, true),
            ID_RSASSA_PSS => (true, false),
            ID_RSAES_OAEP => (false, true),
            _ => return Err(LoadError::Unsupported),
        };
        let pkcs1 = info.private_key.as_bytes();
        check_size(pkcs1)?;
        let signing = KeyPair::from_der(pkcs1).map_err(|_| LoadError::Malformed)?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(&as_plain_rsa(pkcs1)?).map_err(|_| LoadError::Malformed)?;
        let oaep = OaepPrivateDecryptingKey::new(decrypting.clone()).map_err(|_| LoadError::Malformed)?;
        let pkcs1v15 = Pkcs1PrivateDecryptingKey::new(decrypting).map_err(|_| LoadError::Malformed)?;
        Ok(Self {
            signing: signs.then_some(signing),
            pkcs1v15: (signs && opens).then_some(pkcs1v15),
            oaep: opens.then_some(oaep),
            pss_only: !opens,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            exportable: false,
        })
    }

    /// Lets components that import `key-export` have the key in the clear.
    pub fn exportable(mut self) -> Self {
        self.exportable = true;
        self
    }
}

impl PrivateKey for SoftwareKey {
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let scheme = Signature::read(&algorithm, DigestAlgorithm::from_oid(digest.oid));
        let scheme = scheme.map_err(|_| KeyError::Unsupported)?;
        if self.pss_only && !matches!(scheme, Signature::Pss(_)) {
            return Err(KeyError::Unsupported);
        }
        let encoding = encoding(&scheme).ok_or(KeyError::Unsupported)?;
        let key = self.signing.as_ref().ok_or(KeyError::Unsupported)?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| KeyError::Unsupported)?;
        Ok(signature)
    }

    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        let recipient = KeyTransRecipientInfo::from_der(recipient_info).map_err(|unreadable| match unreadable {
            Unreadable::Malformed => KeyError::Malformed,
            Unreadable::OtherKind => KeyError::Unsupported,
        })?;
        let encrypted_key = recipient.encrypted_key;
        match KeyTransport::read(&recipient.algorithm).ok_or(KeyError::Unsupported)? {
            KeyTransport::Pkcs1v15 => {
                let key = self.pkcs1v15.as_ref().ok_or(KeyError::Unsupported)?;
                or_random(length, key.min_output_size(), |out| {
                    key.decrypt(encrypted_key, out).ok().map(|key| key.len())
                })
            }
            KeyTransport::Oaep(oaep) => match algorithm(&oaep) {
                Some(algorithm) => {
                    let key = self.oaep.as_ref().ok_or(KeyError::Unsupported)?;
                    let label = (!oaep.label.is_empty()).then_some(oaep.label.as_slice());
                    or_random(length, key.min_output_size(), |out| {
                        key.decrypt(algorithm, encrypted_key, out, label).ok().map(|key| key.len())
                    })
                }
                None => self.unwrap_with_other_mask(recipient_info, length),
            },
        }
    }

    fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.exportable.then(|| self.pkcs8.clone())
    }
}

impl SoftwareKey {
    /// What the head of this file tells.
    fn unwrap_with_other_mask(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        // One that fails draws nothing: the key is not used without blinding.
        let draw = |len: u32| random(len).unwrap_or_default();
        private_key::SoftwareKey::from_pkcs8(&self.pkcs8, draw)
            .and_then(|mut key| key.unwrap_key(recipient_info, length))
            .map_err(|e| match e {
                smime::host::KeyError::Unsupported => KeyError::Unsupported,
                smime::host::KeyError::Malformed => KeyError::Malformed,
                smime::host::KeyError::Refused(_) => out_of_randomness(),
            })
    }
}

/// The key that `decrypt` writes at the head of its buffer of `size` octets, if
/// that has `length` octets, else a random one: nobody learns which (RFC 3218,
/// section 2.3.2). The random one is drawn first and always, so that the cost is
/// the same.
fn or_random(length: u32, size: usize, decrypt: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<Vec<u8>, KeyError> {
    let mut key = random(length).ok_or_else(out_of_randomness)?;
    // Long enough to hold what is compared, whatever is decrypted.
    let mut buffer = Zeroizing::new(vec![0; size.max(key.len())]);
    let decrypted = decrypt(&mut buffer);
    let good = Choice::from(u8::from(decrypted == Some(key.len())));
    for (octet, real) in key.iter_mut().zip(buffer.iter()) {
        octet.conditional_assign(real, good);
    }
    Ok(key)
}

fn random(len: u32) -> Option<Vec<u8>> {
    let mut octets = vec![0; usize::try_from(len).ok()?];
    rand::fill(&mut octets).ok()?;
    Some(octets)
}

fn out_of_randomness() -> KeyError {
    KeyError::Refused(Refusal::Unavailable("the random generator failed".to_owned()))
}

/// What aws-lc calls a signature scheme; none where it does not sign with it: SHA-1,
/// and salts that are not as long as the digest.
fn encoding(scheme: &Signature) -> Option<&'static dyn RsaEncoding> {
    match scheme {
        Signature::Pkcs1v15(DigestAlgorithm::Sha256) => Some(&RSA_PKCS1_SHA256),
        Signature::Pkcs1v15(DigestAlgorithm::Sha384) => Some(&RSA_PKCS1_SHA384),
        Signature::Pkcs1v15(DigestAlgorithm::Sha512) => Some(&RSA_PKCS1_SHA512),
        Signature::Pss(Pss { digest: DigestAlgorithm::Sha256, salt_len: 32 }) => Some(&RSA_PSS_SHA256),
        Signature::Pss(Pss { digest: DigestAlgorithm::Sha384, salt_len: 48 }) => Some(&RSA_PSS_SHA384),
        Signature::Pss(Pss { digest: DigestAlgorithm::Sha512, salt_len: 64 }) => Some(&RSA_PSS_SHA512),
        _ => None,
    }
}

/// What aws-lc calls an OAEP; none where label and mask have two digests.
fn algorithm(oaep: &Oaep) -> Option<&'static OaepAlgorithm> {
    match (oaep.digest, oaep.mask_digest) {
        (DigestAlgorithm::Sha1, DigestAlgorithm::Sha1) => Some(&OAEP_SHA1_MGF1SHA1),
        (DigestAlgorithm::Sha256, DigestAlgorithm::Sha256) => Some(&OAEP_SHA256_MGF1SHA256),
        (DigestAlgorithm::Sha384, DigestAlgorithm::Sha384) => Some(&OAEP_SHA384_MGF1SHA384),
        (DigestAlgorithm::Sha512, DigestAlgorithm::Sha512) => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    }
}

/// The sizes that aws-lc takes, to tell a key that is too small from one that is
/// broken.
fn check_size(pkcs1: &[u8]) -> Result<(), LoadError> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(pkcs1).map_err(|_| LoadError::Malformed)?;
    let modulus = key.modulus.as_bytes();
    let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    let bits = (modulus.len() * 8).saturating_sub(leading);
    if (2048..=8192).contains(&bits) { Ok(()) } else { Err(LoadError::Size) }
}

/// PKCS #8 that says `rsaEncryption`, which is all that aws-lc reads.
fn as_plain_rsa(pkcs1: &[u8]) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
    let key = OctetStringRef::new(pkcs1).map_err(|_| LoadError::Malformed)?;
    let info = PrivateKeyInfoRef::new(algorithm, key);
    info.to_der().map(Zeroizing::new).map_err(|_| LoadError::Malformed)
}

#[cfg(test)]
#[path = "software_key/tests.rs"]
mod tests;
