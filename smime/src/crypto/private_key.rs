//! A private key in software: for the component that runs on hosts without
//! cryptography (`key-export`), and for tests. Elsewhere keys stay with the
//! host.

use core::iter;

use der::asn1::{Any, AnyRef, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use rsa::traits::{PublicKeyParts as _, SignatureScheme as _};
use rsa::{Pss as PssPadding, RsaPrivateKey};
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::DigestAlgorithm;
use super::parameters::Pss;
use super::public_key::{self, PublicKey, Purpose};
use super::random::Drawn;
use super::{key_transport, signature};
use crate::host::{KeyError, PrivateKey, Refusal};

/// An RSA private key of 2048 to 4096 bits, with the randomness it needs:
/// `draw` gives as many random octets as it is asked for. It is erased when it
/// is dropped.
pub struct SoftwareKey<D> {
    key: RsaPrivateKey,
    purpose: Purpose,
    draw: D,
}

impl<D: FnMut(u32) -> Vec<u8>> SoftwareKey<D> {
    /// Reads a PKCS #8 `PrivateKeyInfo` in DER (RFC 5958).
    /// [`KeyError::Malformed`] if it does not parse or its numbers do not fit
    /// each other, [`KeyError::Unsupported`] if it is no RSA key or not of
    /// these sizes.
    pub fn from_pkcs8(encoded: &[u8], draw: D) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(encoded).map_err(|_| KeyError::Malformed)?;
        let algorithm =
            AlgorithmIdentifierOwned { oid: info.algorithm.oid, parameters: info.algorithm.parameters.map(Any::from) };
        let purpose = Purpose::read(&algorithm).map_err(|_| KeyError::Unsupported)?;
        let parts = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).map_err(|_| KeyError::Malformed)?;
        let bits = public_key::bits(parts.modulus.as_bytes());
        if !(public_key::MODULUS_MIN_BITS..=public_key::MODULUS_MAX_BITS).contains(&bits) {
            return Err(KeyError::Unsupported);
        }
        let key = RsaPrivateKey::try_from(parts).map_err(|_| KeyError::Malformed)?;
        Ok(Self { key, purpose, draw })
    }

    /// Whether this is the private key of a public key.
    pub fn fits(&self, public_key: &SubjectPublicKeyInfoOwned) -> bool {
        PublicKey::read(public_key)
            .is_ok_and(|public| public.key.n().as_ref() == self.key.n().as_ref() && public.key.e() == self.key.e())
    }
}

impl<D: FnMut(u32) -> Vec<u8>> PrivateKey for SoftwareKey<D> {
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(|_| KeyError::Malformed)?;
        let digest = AlgorithmIdentifierOwned::from_der(digest).map_err(|_| KeyError::Malformed)?;
        let digest = DigestAlgorithm::from_oid(digest.oid).ok_or(KeyError::Unsupported)?;
        let scheme = signature::Scheme::read(&algorithm, Some(digest)).map_err(|_| KeyError::Unsupported)?;
        if !scheme.allowed(&self.purpose) {
            return Err(KeyError::Unsupported);
        }
        let hash = scheme.digest().compute(message);
        let random = &mut Drawn::new(&mut self.draw);
        let signature = match scheme {
            // Nothing new is signed with SHA-1.
            signature::Scheme::Pkcs1v15(DigestAlgorithm::Sha1)
            | signature::Scheme::Pss(Pss { digest: DigestAlgorithm::Sha1, .. }) => return Err(KeyError::Unsupported),
            signature::Scheme::Pkcs1v15(digest) => signature::pkcs1v15(digest).sign(Some(random), &self.key, &hash),
            signature::Scheme::Pss(Pss { digest: DigestAlgorithm::Sha256, salt_len }) => {
                PssPadding::<Sha256>::new_with_salt(salt_len.into()).sign(Some(random), &self.key, &hash)
            }
            signature::Scheme::Pss(Pss { digest: DigestAlgorithm::Sha384, salt_len }) => {
                PssPadding::<Sha384>::new_with_salt(salt_len.into()).sign(Some(random), &self.key, &hash)
            }
            signature::Scheme::Pss(Pss { digest: DigestAlgorithm::Sha512, salt_len }) => {
                PssPadding::<Sha512>::new_with_salt(salt_len.into()).sign(Some(random), &self.key, &hash)
            }
        };
        signature.map_err(failure)
    }

    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError> {
        let (scheme, encrypted_key) = key_transport_recipient(recipient_info)?;
        let len = usize::try_from(length).ok().filter(|len| (1..=CONTENT_KEY_MAX_LEN).contains(len));
        let len = len.ok_or(KeyError::Unsupported)?;
        if !scheme.allowed(&self.purpose) {
            return Err(KeyError::Unsupported);
        }
        // RFC 3218, section 2.3.2: the key to go on with when there is none is
        // drawn first and always, so that its time does not tell.
        let mut key = (self.draw)(length);
        if key.len() != len {
            return Err(out_of_randomness());
        }
        let opened = match scheme.decrypt(&self.key, encrypted_key, &mut self.draw) {
            Ok(opened) => opened,
            Err(rsa::Error::Rng) => return Err(out_of_randomness()),
            Err(_) => Default::default(),
        };
        let right_len = opened.len().ct_eq(&len);
        for (octet, real) in key.iter_mut().zip(opened.iter().chain(iter::repeat(&0))) {
            octet.conditional_assign(real, right_len);
        }
        Ok(key)
    }
}

/// The longest content-encryption key, in octets.
const CONTENT_KEY_MAX_LEN: usize = 64;

/// Reads what matters of a `KeyTransRecipientInfo` in DER; whom it is for is
/// for its finder to know.
///
/// ```text
/// KeyTransRecipientInfo ::= SEQUENCE {
///   version CMSVersion,  -- always set to 0 or 2
///   rid RecipientIdentifier,
///   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///   encryptedKey EncryptedKey }
/// ```
/// RFC 5652, section 6.2.1. Every other kind of recipient is tagged otherwise.
fn key_transport_recipient(encoded: &[u8]) -> Result<(key_transport::Scheme, &[u8]), KeyError> {
    let recipient = AnyRef::from_der(encoded).map_err(|_| KeyError::Malformed)?;
    if recipient.tag() != Tag::Sequence {
        return Err(KeyError::Unsupported);
    }
    let read = || -> der::Result<_> {
        let mut reader = SliceReader::new(recipient.value())?;
        AnyRef::decode(&mut reader)?.tag().assert_eq(Tag::Integer)?;
        AnyRef::decode(&mut reader)?;
        let algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let encrypted_key = <&OctetStringRef>::decode(&mut reader)?;
        reader.finish()?;
        Ok((algorithm, encrypted_key.as_bytes()))
    };
    let (algorithm, encrypted_key) = read().map_err(|_| KeyError::Malformed)?;
    Ok((key_transport::Scheme::read(&algorithm).ok_or(KeyError::Unsupported)?, encrypted_key))
}

fn failure(error: rsa::Error) -> KeyError {
    if error == rsa::Error::Rng { out_of_randomness() } else { KeyError::Unsupported }
}

fn out_of_randomness() -> KeyError {
    KeyError::Refused(Refusal::Unavailable("the source of randomness gave too little".to_owned()))
}
