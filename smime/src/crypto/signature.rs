//! Signatures, verified by the algorithm identifier they come with: RSASSA
//! with PKCS #1 v1.5 padding and PSS (RFC 3370, RFC 4056, RFC 5754).
//!
//! This is mechanism. Whether SHA-1 is good enough is for others to say.

use const_oid::db::rfc5912::{
    ID_RSASSA_PSS, RSA_ENCRYPTION, SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION,
    SHA_512_WITH_RSA_ENCRYPTION,
};
use rsa::traits::SignatureScheme as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::parameters::Pss;
use super::public_key::{PublicKey, Purpose};
use super::{Bulk, DigestAlgorithm};

/// Why a signature does not verify.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The algorithm, or its parameters, are not implemented.
    Unsupported,
    /// The key is not for this algorithm, or too small, too large or
    /// otherwise unfit.
    Key,
    /// The signature is not one of this message by this key, or the algorithm
    /// contradicts the digest.
    Mismatch,
}

/// Verifies `signature` over `message`.
///
/// `algorithm` is what stands in `SignerInfo.signatureAlgorithm` or in a
/// certificate; `digest` the digest algorithm that stands beside it, if one
/// does: `rsaEncryption` leaves the digest to it, and any other algorithm must
/// agree with it. `bulk` hashes the message.
pub fn verify(
    public_key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<DigestAlgorithm>,
    message: &[u8],
    signature: &[u8],
    bulk: &dyn Bulk,
) -> Result<(), SignatureError> {
    let scheme = Scheme::read(algorithm, digest)?;
    // The key is judged before a long message is hashed for nothing.
    let key = scheme.key(public_key)?;
    scheme.verify(&key, &bulk.digest(scheme.digest(), message), signature)
}

/// Verifies `signature` over a message whose digest is `hash`; the rest as in
/// [`verify`].
pub fn verify_prehashed(
    public_key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<DigestAlgorithm>,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let scheme = Scheme::read(algorithm, digest)?;
    scheme.verify(&scheme.key(public_key)?, hash, signature)
}

/// A signature algorithm with all of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 with this digest.
    Pkcs1v15(DigestAlgorithm),
    /// RSASSA-PSS.
    Pss(Pss),
}

impl Scheme {
    /// Reads an algorithm identifier, and the digest algorithm beside it if
    /// there is one. [`SignatureError::Unsupported`] for what is not
    /// implemented, [`SignatureError::Mismatch`] where the two contradict.
    pub fn read(algorithm: &AlgorithmIdentifierOwned, digest: Option<DigestAlgorithm>) -> Result<Self, SignatureError> {
        let named = match algorithm.oid {
            ID_RSASSA_PSS => {
                let parameters = algorithm.parameters.as_ref().and_then(Pss::read);
                let pss = parameters.ok_or(SignatureError::Unsupported)?;
                agree(pss.digest, digest)?;
                return Ok(Self::Pss(pss));
            }
            RSA_ENCRYPTION => digest,
            SHA_1_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha1),
            SHA_256_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha256),
            SHA_384_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha384),
            SHA_512_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha512),
            _ => None,
        };
        let named = named.ok_or(SignatureError::Unsupported)?;
        // NULL is prescribed, and absence is to be accepted (RFC 4055, section 5).
        if !algorithm.parameters.as_ref().is_none_or(|p| p.is_null()) {
            return Err(SignatureError::Unsupported);
        }
        agree(named, digest)?;
        Ok(Self::Pkcs1v15(named))
    }

    /// The digest of the message that is signed.
    pub fn digest(&self) -> DigestAlgorithm {
        match self {
            Self::Pkcs1v15(digest) => *digest,
            Self::Pss(pss) => pss.digest,
        }
    }

    /// Whether a key with this purpose may be used with this scheme (RFC 4055,
    /// section 3.3).
    pub(crate) fn allowed(&self, purpose: &Purpose) -> bool {
        match (self, purpose) {
            (_, Purpose::Any) | (Self::Pss(_), Purpose::Pss(None)) => true,
            (Self::Pss(pss), Purpose::Pss(Some(least))) => pss.digest == least.digest && pss.salt_len >= least.salt_len,
            _ => false,
        }
    }

    fn key(&self, info: &SubjectPublicKeyInfoOwned) -> Result<RsaPublicKey, SignatureError> {
        let public_key = PublicKey::read(info).map_err(|_| SignatureError::Key)?;
        self.allowed(&public_key.purpose).then_some(public_key.key).ok_or(SignatureError::Key)
    }

    fn verify(&self, key: &RsaPublicKey, hash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let result = match self {
            Self::Pkcs1v15(digest) => pkcs1v15(*digest).verify(key, hash, signature),
            Self::Pss(Pss { digest, salt_len }) => {
                let salt_len = usize::from(*salt_len);
                match digest {
                    DigestAlgorithm::Sha1 => rsa::Pss::<Sha1>::new_with_salt(salt_len).verify(key, hash, signature),
                    DigestAlgorithm::Sha256 => rsa::Pss::<Sha256>::new_with_salt(salt_len).verify(key, hash, signature),
                    DigestAlgorithm::Sha384 => rsa::Pss::<Sha384>::new_with_salt(salt_len).verify(key, hash, signature),
                    DigestAlgorithm::Sha512 => rsa::Pss::<Sha512>::new_with_salt(salt_len).verify(key, hash, signature),
                }
            }
        };
        result.map_err(|_| SignatureError::Mismatch)
    }
}

/// The padding of RSASSA-PKCS1-v1_5 with the `DigestInfo` of `digest`.
pub(crate) fn pkcs1v15(digest: DigestAlgorithm) -> Pkcs1v15Sign {
    match digest {
        DigestAlgorithm::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
        DigestAlgorithm::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        DigestAlgorithm::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        DigestAlgorithm::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    }
}

fn agree(named: DigestAlgorithm, beside: Option<DigestAlgorithm>) -> Result<(), SignatureError> {
    if beside.is_none_or(|digest| digest == named) { Ok(()) } else { Err(SignatureError::Mismatch) }
}
