//! RSA private keys in software.

use der::Decode;
use der::asn1::Any;
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use rsa::traits::{PublicKeyParts as _, SignatureScheme as _};
use rsa::{Pss as PssPadding, RsaPrivateKey};
use sha2::{Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierOwned;

use super::{Opened, out_of_randomness};
use crate::crypto::parameters::Pss;
use crate::crypto::public_key::{self, Purpose, RsaKey};
use crate::crypto::random::{Draw, Drawn};
use crate::crypto::signature::{self, Scheme};
use crate::crypto::{DigestAlgorithm, key_transport};
use crate::host::KeyError;

/// An RSA private key of 2048 to 4096 bits. It is erased when it is dropped.
pub(super) struct Key {
    key: RsaPrivateKey,
    purpose: Purpose,
}

impl Key {
    pub(super) fn read(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let algorithm =
            AlgorithmIdentifierOwned { oid: info.algorithm.oid, parameters: info.algorithm.parameters.map(Any::from) };
        let purpose = Purpose::read(&algorithm).map_err(|_| KeyError::Unsupported)?;
        let parts = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).map_err(|_| KeyError::Malformed)?;
        let bits = public_key::bits(parts.modulus.as_bytes());
        if !(public_key::MODULUS_MIN_BITS..=public_key::MODULUS_MAX_BITS).contains(&bits) {
            return Err(KeyError::Unsupported);
        }
        let key = RsaPrivateKey::try_from(parts).map_err(|_| KeyError::Malformed)?;
        Ok(Self { key, purpose })
    }

    pub(super) fn fits(&self, public_key: &RsaKey) -> bool {
        public_key.key.n().as_ref() == self.key.n().as_ref() && public_key.key.e() == self.key.e()
    }

    pub(super) fn sign(&self, scheme: &Scheme, message: &[u8], draw: Draw<'_>) -> Result<Vec<u8>, KeyError> {
        if !scheme.allowed(&self.purpose) {
            return Err(KeyError::Unsupported);
        }
        let hash = scheme.digest().map(|digest| digest.compute(message)).unwrap_or_default();
        let random = &mut Drawn::new(draw);
        let signature = match scheme {
            // Nothing new is signed with SHA-1.
            Scheme::Pkcs1v15(DigestAlgorithm::Sha1) | Scheme::Pss(Pss { digest: DigestAlgorithm::Sha1, .. }) => {
                return Err(KeyError::Unsupported);
            }
            Scheme::Pkcs1v15(digest) => signature::pkcs1v15(*digest).sign(Some(random), &self.key, &hash),
            Scheme::Pss(Pss { digest: DigestAlgorithm::Sha256, salt_len }) => {
                PssPadding::<Sha256>::new_with_salt((*salt_len).into()).sign(Some(random), &self.key, &hash)
            }
            Scheme::Pss(Pss { digest: DigestAlgorithm::Sha384, salt_len }) => {
                PssPadding::<Sha384>::new_with_salt((*salt_len).into()).sign(Some(random), &self.key, &hash)
            }
            Scheme::Pss(Pss { digest: DigestAlgorithm::Sha512, salt_len }) => {
                PssPadding::<Sha512>::new_with_salt((*salt_len).into()).sign(Some(random), &self.key, &hash)
            }
            Scheme::Ecdsa(_) | Scheme::Ed25519 | Scheme::MlDsa(_) => return Err(KeyError::Unsupported),
        };
        signature.map_err(failure)
    }

    pub(super) fn open(&self, scheme: &key_transport::Scheme, encrypted_key: &[u8], draw: Draw<'_>) -> Opened {
        if !scheme.allowed(&self.purpose) {
            return Err(KeyError::Unsupported);
        }
        match scheme.decrypt(&self.key, encrypted_key, draw) {
            Ok(key) => Ok(Some(key)),
            Err(rsa::Error::Rng) => Err(out_of_randomness()),
            Err(_) => Ok(None),
        }
    }
}

fn failure(error: rsa::Error) -> KeyError {
    if error == rsa::Error::Rng { out_of_randomness() } else { KeyError::Unsupported }
}
