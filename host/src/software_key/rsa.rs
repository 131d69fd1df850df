//! RSA private keys, over aws-lc: in constant time, and at the speed of the
//! machine.
//!
//! One thing aws-lc does not offer is OAEP with a mask of another digest than the
//! label's (SHA-256 with MGF1-SHA-1 is what some Java senders write). For those
//! messages alone the key is used through the `rsa` crate, which blinds, too,
//! but is the slower and the younger of the two.

use aws_lc_rs::rand::SystemRandom;
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
use smime::cms::recipient::KeyTransRecipientInfo;
use smime::crypto::DigestAlgorithm;
use smime::crypto::key_transport::Scheme as KeyTransport;
use smime::crypto::parameters::{Oaep, Pss};
use smime::crypto::signature::Scheme as Signature;
use zeroize::Zeroizing;

use super::LoadError;
use super::random::or_random;
use crate::KeyError;

/// An RSA private key of 2048 to 8192 bits.
pub(super) struct Key {
    signing: Option<KeyPair>,
    pkcs1v15: Option<Pkcs1PrivateDecryptingKey>,
    oaep: Option<OaepPrivateDecryptingKey>,
    pss_only: bool,
}

impl Key {
    /// A key that is marked for RSASSA-PSS or RSAES-OAEP does nothing else.
    pub(super) fn read(info: &PrivateKeyInfoRef<'_>) -> Result<Self, LoadError> {
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
        })
    }

    pub(super) fn sign(&self, scheme: &Signature, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if self.pss_only && !matches!(scheme, Signature::Pss(_)) {
            return Err(KeyError::Unsupported);
        }
        let encoding = encoding(scheme).ok_or(KeyError::Unsupported)?;
        let key = self.signing.as_ref().ok_or(KeyError::Unsupported)?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| KeyError::Unsupported)?;
        Ok(signature)
    }

    /// The content-encryption key, or a random one. None where aws-lc does not
    /// offer the scheme.
    pub(super) fn unwrap_key(
        &self,
        recipient: &KeyTransRecipientInfo,
        length: u32,
    ) -> Result<Option<Vec<u8>>, KeyError> {
        let encrypted_key = recipient.encrypted_key.as_slice();
        match recipient.scheme.as_ref().ok_or(KeyError::Unsupported)? {
            KeyTransport::Pkcs1v15 => {
                let key = self.pkcs1v15.as_ref().ok_or(KeyError::Unsupported)?;
                or_random(length, key.min_output_size(), |out| {
                    key.decrypt(encrypted_key, out).ok().map(|key| key.len())
                })
                .map(Some)
            }
            KeyTransport::Oaep(oaep) => {
                let key = self.oaep.as_ref().ok_or(KeyError::Unsupported)?;
                let Some(algorithm) = algorithm(oaep) else { return Ok(None) };
                let label = (!oaep.label.is_empty()).then_some(oaep.label.as_slice());
                or_random(length, key.min_output_size(), |out| {
                    key.decrypt(algorithm, encrypted_key, out, label).ok().map(|key| key.len())
                })
                .map(Some)
            }
        }
    }
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
pub(super) fn as_plain_rsa(pkcs1: &[u8]) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
    let key = OctetStringRef::new(pkcs1).map_err(|_| LoadError::Malformed)?;
    let info = PrivateKeyInfoRef::new(algorithm, key);
    info.to_der().map(Zeroizing::new).map_err(|_| LoadError::Malformed)
}
