//! Key transport with RSA: a content-encryption key, encrypted to the key of a
//! certificate (RFC 3370, section 4.2.1; RFC 3560).

use const_oid::db::rfc5912::{ID_RSAES_OAEP, RSA_ENCRYPTION};
use der::asn1::Any;
use rsa::traits::PaddingScheme as _;
use rsa::{Oaep as Padding, Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::DigestAlgorithm;
use super::parameters::Oaep;
use super::public_key::{PublicKey, Purpose};
use super::random::{Draw, Drawn};

/// OAEP padding with both digests of `$oaep` as types, in each combination.
macro_rules! with_digests {
    ($oaep:expr, $padding:ident => $result:expr) => {
        match $oaep.digest {
            DigestAlgorithm::Sha1 => with_digests!($oaep, Sha1, $padding => $result),
            DigestAlgorithm::Sha256 => with_digests!($oaep, Sha256, $padding => $result),
            DigestAlgorithm::Sha384 => with_digests!($oaep, Sha384, $padding => $result),
            DigestAlgorithm::Sha512 => with_digests!($oaep, Sha512, $padding => $result),
        }
    };
    ($oaep:expr, $digest:ty, $padding:ident => $result:expr) => {
        match $oaep.mask_digest {
            DigestAlgorithm::Sha1 => with_digests!($oaep, $digest, Sha1, $padding => $result),
            DigestAlgorithm::Sha256 => with_digests!($oaep, $digest, Sha256, $padding => $result),
            DigestAlgorithm::Sha384 => with_digests!($oaep, $digest, Sha384, $padding => $result),
            DigestAlgorithm::Sha512 => with_digests!($oaep, $digest, Sha512, $padding => $result),
        }
    };
    ($oaep:expr, $digest:ty, $mask:ty, $padding:ident => $result:expr) => {{
        let $padding = Padding::<$digest, $mask>::new_with_mgf_hash_and_label($oaep.label.clone());
        $result
    }};
}

/// The key transport algorithms that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5.
    Pkcs1v15,
    /// RSAES-OAEP with SHA-1.
    OaepSha1,
    /// RSAES-OAEP with SHA-256.
    OaepSha256,
    /// RSAES-OAEP with SHA-384.
    OaepSha384,
    /// RSAES-OAEP with SHA-512.
    OaepSha512,
}

/// A key transport algorithm with all of its parameters: what is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RSAES-PKCS1-v1_5.
    Pkcs1v15,
    /// RSAES-OAEP.
    Oaep(Oaep),
}

/// Why a content-encryption key is not transported.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransportError {
    /// The key is not for this algorithm, or too small, too large or
    /// otherwise unfit.
    Key,
    /// The content-encryption key is too long for it.
    TooLong,
    /// The source of randomness gave less than it was asked for.
    Random,
}

impl From<KeyTransport> for Scheme {
    fn from(algorithm: KeyTransport) -> Self {
        match algorithm {
            KeyTransport::Pkcs1v15 => Self::Pkcs1v15,
            KeyTransport::OaepSha1 => Self::Oaep(Oaep::new(DigestAlgorithm::Sha1)),
            KeyTransport::OaepSha256 => Self::Oaep(Oaep::new(DigestAlgorithm::Sha256)),
            KeyTransport::OaepSha384 => Self::Oaep(Oaep::new(DigestAlgorithm::Sha384)),
            KeyTransport::OaepSha512 => Self::Oaep(Oaep::new(DigestAlgorithm::Sha512)),
        }
    }
}

impl Scheme {
    /// Reads the `keyEncryptionAlgorithm` of a `KeyTransRecipientInfo`; none if
    /// it is not implemented.
    pub fn read(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        let parameters = algorithm.parameters.as_ref();
        match algorithm.oid {
            RSA_ENCRYPTION if parameters.is_none_or(|p| p.is_null()) => Some(Self::Pkcs1v15),
            ID_RSAES_OAEP => Oaep::read(parameters).map(Self::Oaep),
            _ => None,
        }
    }

    /// Writes the `keyEncryptionAlgorithm`. None if it cannot be encoded, as
    /// with a label of more than 256 MiB.
    pub fn algorithm(&self) -> Option<AlgorithmIdentifierOwned> {
        match self {
            Self::Pkcs1v15 => Some(AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::null()) }),
            Self::Oaep(oaep) => oaep.algorithm(),
        }
    }

    /// Encrypts a content-encryption key to a public key: the octets of
    /// `KeyTransRecipientInfo.encryptedKey`, as long as the modulus.
    pub fn encrypt(
        &self,
        public_key: &SubjectPublicKeyInfoOwned,
        content_key: &[u8],
        draw: Draw<'_>,
    ) -> Result<Vec<u8>, KeyTransportError> {
        let public_key = match PublicKey::read(public_key) {
            Ok(PublicKey::Rsa(key)) if key.is_written_for() && self.allowed(&key.purpose) => key,
            _ => return Err(KeyTransportError::Key),
        };
        self.pad_and_encrypt(&public_key.key, content_key, &mut Drawn::new(draw)).map_err(|e| match e {
            rsa::Error::MessageTooLong => KeyTransportError::TooLong,
            rsa::Error::Rng => KeyTransportError::Random,
            _ => KeyTransportError::Key,
        })
    }

    /// Whether a key with this purpose may be used with this scheme.
    pub(crate) fn allowed(&self, purpose: &Purpose) -> bool {
        match (self, purpose) {
            (_, Purpose::Any) | (Self::Oaep(_), Purpose::Oaep(None)) => true,
            // RFC 4055, section 4.1: digest and mask are the key's, the label is not.
            (Self::Oaep(oaep), Purpose::Oaep(Some(fixed))) => {
                oaep.digest == fixed.digest && oaep.mask_digest == fixed.mask_digest
            }
            _ => false,
        }
    }

    fn pad_and_encrypt(&self, key: &RsaPublicKey, content_key: &[u8], random: &mut Drawn<'_>) -> rsa::Result<Vec<u8>> {
        match self {
            Self::Pkcs1v15 => Pkcs1v15Encrypt.encrypt(random, key, content_key),
            Self::Oaep(oaep) => with_digests!(oaep, padding => padding.encrypt(random, key, content_key)),
        }
    }

    /// Decrypts. What comes out of PKCS #1 v1.5 may be made up: the library
    /// answers bad padding with a plaintext drawn from the key and the
    /// ciphertext, so nothing is to be concluded from success.
    pub(crate) fn decrypt(
        &self,
        key: &RsaPrivateKey,
        encrypted_key: &[u8],
        draw: Draw<'_>,
    ) -> rsa::Result<Zeroizing<Vec<u8>>> {
        let mut random = Drawn::new(draw);
        let random = Some(&mut random);
        let plaintext = match self {
            Self::Pkcs1v15 => Pkcs1v15Encrypt.decrypt(random, key, encrypted_key),
            Self::Oaep(oaep) => with_digests!(oaep, padding => padding.decrypt(random, key, encrypted_key)),
        };
        plaintext.map(Zeroizing::new)
    }
}
