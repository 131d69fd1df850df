//! Signatures and key encapsulation that a quantum computer does not break:
//! ML-DSA (FIPS 204) and ML-KEM (FIPS 203), over RustCrypto.

use const_oid::ObjectIdentifier;
use ml_dsa::{MlDsa65, MlDsa87, MlDsaParams};
use ml_kem::{MlKem768, MlKem1024};
use zeroize::Zeroizing;

/// A parameter set of ML-DSA that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlDsa {
    /// ML-DSA-65: as strong as AES-192.
    MlDsa65,
    /// ML-DSA-87: as strong as AES-256.
    MlDsa87,
}

impl MlDsa {
    /// The parameter set that an object identifier names, if it is one of these.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            ID_ML_DSA_65 => Some(Self::MlDsa65),
            ID_ML_DSA_87 => Some(Self::MlDsa87),
            _ => None,
        }
    }

    /// Its object identifier (RFC 9882, section 2).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlDsa65 => ID_ML_DSA_65,
            Self::MlDsa87 => ID_ML_DSA_87,
        }
    }

    /// The length of its public keys, in octets.
    pub(crate) fn public_key_len(self) -> usize {
        match self {
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Whether `signature` is one of `message` by `public_key`, with an empty
    /// context.
    pub(crate) fn verifies(self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::MlDsa65 => verify::<MlDsa65>(public_key, message, signature),
            Self::MlDsa87 => verify::<MlDsa87>(public_key, message, signature),
        }
        .is_some_and(|verified| verified)
    }
}

fn verify<P: MlDsaParams>(public_key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = ml_dsa::VerifyingKey::<P>::decode(&public_key.try_into().ok()?);
    let signature = ml_dsa::Signature::<P>::try_from(signature).ok()?;
    Some(key.verify_with_context(message, b"", &signature))
}

/// A parameter set of ML-KEM that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlKem {
    /// ML-KEM-768: as strong as AES-192.
    MlKem768,
    /// ML-KEM-1024: as strong as AES-256.
    MlKem1024,
}

/// A shared secret, and the ciphertext from which its receiver gets it.
pub(crate) struct Encapsulated {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) secret: Zeroizing<Vec<u8>>,
}

impl MlKem {
    /// The parameter set that an object identifier names, if it is one of these.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            ID_ML_KEM_768 => Some(Self::MlKem768),
            ID_ML_KEM_1024 => Some(Self::MlKem1024),
            _ => None,
        }
    }

    /// Its object identifier (RFC 9936, section 2).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlKem768 => ID_ML_KEM_768,
            Self::MlKem1024 => ID_ML_KEM_1024,
        }
    }

    /// The length of its public keys, in octets.
    pub(crate) fn public_key_len(self) -> usize {
        match self {
            Self::MlKem768 => 1184,
            Self::MlKem1024 => 1568,
        }
    }

    /// A new shared secret for the holder of `public_key`, out of 32 `random`
    /// octets. None if that is no key.
    pub(crate) fn encapsulate(self, public_key: &[u8], random: &[u8; 32]) -> Option<Encapsulated> {
        macro_rules! encapsulate {
            ($set:ty) => {{
                let key = ml_kem::EncapsulationKey::<$set>::new(&public_key.try_into().ok()?).ok()?;
                let (ciphertext, secret) = key.encapsulate_deterministic(&(*random).into());
                Encapsulated { ciphertext: ciphertext.to_vec(), secret: Zeroizing::new(secret.to_vec()) }
            }};
        }
        Some(match self {
            Self::MlKem768 => encapsulate!(MlKem768),
            Self::MlKem1024 => encapsulate!(MlKem1024),
        })
    }
}

const ID_ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
const ID_ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");
const ID_ML_KEM_768: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.2");
const ID_ML_KEM_1024: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.3");
