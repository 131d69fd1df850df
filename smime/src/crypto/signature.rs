//! Signatures, verified by the algorithm identifier they come with: RSASSA
//! with PKCS #1 v1.5 padding and PSS (RFC 3370, RFC 4056, RFC 5754), ECDSA (RFC
//! 5753), Ed25519 (RFC 8419) and ML-DSA (RFC 9882).
//!
//! This is mechanism. Whether SHA-1 is good enough is for others to say.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_RSASSA_PSS, RSA_ENCRYPTION,
    SHA_1_WITH_RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};
use const_oid::db::rfc8410::ID_ED_25519;
use rsa::Pkcs1v15Sign;
use rsa::traits::SignatureScheme as _;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::lattice::MlDsa;
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
    let hash = scheme.digest().map(|digest| bulk.digest(digest, message));
    scheme.verify(&key, message, hash.as_deref(), signature)
}

/// Verifies `signature` over a message whose digest by `digest` is `hash`, which
/// spares hashing it again; the rest as in [`verify`].
pub fn verify_prehashed(
    public_key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: DigestAlgorithm,
    message: &[u8],
    hash: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let scheme = Scheme::read(algorithm, Some(digest))?;
    scheme.verify(&scheme.key(public_key)?, message, Some(hash), signature)
}

/// A signature algorithm with all of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 with this digest.
    Pkcs1v15(DigestAlgorithm),
    /// RSASSA-PSS.
    Pss(Pss),
    /// ECDSA with this digest.
    Ecdsa(DigestAlgorithm),
    /// Ed25519, over the message itself: the digest beside it is that of the
    /// content alone.
    Ed25519,
    /// ML-DSA, over the message itself, with an empty context.
    MlDsa(MlDsa),
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
            ID_ED_25519 if algorithm.parameters.is_none() => return Ok(Self::Ed25519),
            RSA_ENCRYPTION => digest,
            SHA_1_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha1),
            SHA_256_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha256),
            SHA_384_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha384),
            SHA_512_WITH_RSA_ENCRYPTION => Some(DigestAlgorithm::Sha512),
            _ => None,
        };
        if let Some(set) = MlDsa::from_oid(algorithm.oid).filter(|_| algorithm.parameters.is_none()) {
            return Ok(Self::MlDsa(set));
        }
        let ecdsa = ecdsa(algorithm.oid);
        let named = named.or(ecdsa).ok_or(SignatureError::Unsupported)?;
        // With RSA NULL is prescribed, and absence is to be accepted (RFC 4055,
        // section 5); with ECDSA absence is, and some write NULL (RFC 5758).
        if !algorithm.parameters.as_ref().is_none_or(|p| p.is_null()) {
            return Err(SignatureError::Unsupported);
        }
        agree(named, digest)?;
        Ok(if ecdsa.is_some() { Self::Ecdsa(named) } else { Self::Pkcs1v15(named) })
    }

    /// The digest of the message that is signed; none where the message itself is.
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        match self {
            Self::Pkcs1v15(digest) | Self::Ecdsa(digest) => Some(*digest),
            Self::Pss(pss) => Some(pss.digest),
            Self::Ed25519 | Self::MlDsa(_) => None,
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

    fn key(&self, info: &SubjectPublicKeyInfoOwned) -> Result<PublicKey, SignatureError> {
        let key = PublicKey::read(info).map_err(|_| SignatureError::Key)?;
        let fits = match (self, &key) {
            (Self::Pkcs1v15(_) | Self::Pss(_), PublicKey::Rsa(key)) => self.allowed(&key.purpose),
            (Self::Ecdsa(_), PublicKey::Ec(_)) | (Self::Ed25519, PublicKey::Ed25519(_)) => true,
            (Self::MlDsa(set), PublicKey::MlDsa(own, _)) => set == own,
            _ => false,
        };
        fits.then_some(key).ok_or(SignatureError::Key)
    }

    /// `hash` is the digest of the message by [`Self::digest`], if that is one.
    fn verify(
        &self,
        key: &PublicKey,
        message: &[u8],
        hash: Option<&[u8]>,
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let verified = match (self, key, hash) {
            (Self::Pkcs1v15(digest), PublicKey::Rsa(key), Some(hash)) => {
                pkcs1v15(*digest).verify(&key.key, hash, signature).is_ok()
            }
            (Self::Pss(pss), PublicKey::Rsa(key), Some(hash)) => verify_pss(pss, &key.key, hash, signature),
            (Self::Ecdsa(_), PublicKey::Ec(point), Some(hash)) => point.verifies(hash, signature),
            (Self::Ed25519, PublicKey::Ed25519(key), _) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            (Self::MlDsa(set), PublicKey::MlDsa(_, key), _) => set.verifies(key, message, signature),
            _ => return Err(SignatureError::Key),
        };
        if verified { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn verify_pss(pss: &Pss, key: &rsa::RsaPublicKey, hash: &[u8], signature: &[u8]) -> bool {
    let salt_len = usize::from(pss.salt_len);
    match pss.digest {
        DigestAlgorithm::Sha1 => rsa::Pss::<Sha1>::new_with_salt(salt_len).verify(key, hash, signature),
        DigestAlgorithm::Sha256 => rsa::Pss::<Sha256>::new_with_salt(salt_len).verify(key, hash, signature),
        DigestAlgorithm::Sha384 => rsa::Pss::<Sha384>::new_with_salt(salt_len).verify(key, hash, signature),
        DigestAlgorithm::Sha512 => rsa::Pss::<Sha512>::new_with_salt(salt_len).verify(key, hash, signature),
    }
    .is_ok()
}

/// The digest of an algorithm of ECDSA (RFC 5758, section 3.2).
fn ecdsa(oid: ObjectIdentifier) -> Option<DigestAlgorithm> {
    match oid {
        ECDSA_WITH_SHA_1 => Some(DigestAlgorithm::Sha1),
        ECDSA_WITH_SHA_256 => Some(DigestAlgorithm::Sha256),
        ECDSA_WITH_SHA_384 => Some(DigestAlgorithm::Sha384),
        ECDSA_WITH_SHA_512 => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

const ECDSA_WITH_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

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
