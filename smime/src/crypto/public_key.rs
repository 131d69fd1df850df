//! Public keys out of a `SubjectPublicKeyInfo`, of the kinds that are used here:
//! RSA (RFC 4055), elliptic curves (RFC 5480, RFC 8410), lattices (RFC 9881, RFC
//! 9935).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, ID_RSAES_OAEP, ID_RSASSA_PSS, RSA_ENCRYPTION};
use const_oid::db::rfc8410::{ID_ED_25519, ID_X_25519};
use spki::SubjectPublicKeyInfoOwned;

use super::curve::{Curve, Point};
use super::lattice::{MlDsa, MlKem};

mod rsa;

pub(crate) use rsa::bits;
pub use rsa::{MODULUS_MAX_BITS, MODULUS_MAX_READ_BITS, MODULUS_MIN_BITS, Purpose, RsaKey};

/// A public key of a kind and a size that is used here.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// RSA.
    Rsa(RsaKey),
    /// A point of P-256, P-384 or P-521.
    Ec(Point),
    /// Ed25519: signatures alone.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// X25519: key agreement alone.
    X25519(x25519_dalek::PublicKey),
    /// ML-DSA, encoded: signatures alone.
    MlDsa(MlDsa, Vec<u8>),
    /// ML-KEM, encoded: key encapsulation alone.
    MlKem(MlKem, Vec<u8>),
}

/// The key is of a kind that is not used, does not parse, or is too small, too
/// large or otherwise unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitKey;

/// In which way a content-encryption key gets to the owner of a key (RFC 5652,
/// section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManagement {
    /// It is encrypted with the key: `KeyTransRecipientInfo`.
    Transport,
    /// It is encrypted with what two keys agree on: `KeyAgreeRecipientInfo`.
    Agreement,
    /// It is encrypted with what the key encapsulates: `KEMRecipientInfo` (RFC
    /// 9629).
    Encapsulation,
}

impl PublicKey {
    /// Reads a key. What is cheap to see is judged first, so that a huge key
    /// costs nothing; a point that is not on its curve is unfit.
    pub fn read(info: &SubjectPublicKeyInfoOwned) -> Result<Self, UnfitKey> {
        let parameters = info.algorithm.parameters.as_ref();
        let bits = info.subject_public_key.as_bytes().ok_or(UnfitKey)?;
        match info.algorithm.oid {
            RSA_ENCRYPTION | ID_RSASSA_PSS | ID_RSAES_OAEP => RsaKey::read(info).map(Self::Rsa),
            ID_EC_PUBLIC_KEY => {
                // Curves by other ways than a name are not to be used (RFC 5480, section 2.1.1).
                let curve = parameters.and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
                let curve = curve.and_then(Curve::from_oid).ok_or(UnfitKey)?;
                Point::read(curve, bits).map(Self::Ec).ok_or(UnfitKey)
            }
            ID_ED_25519 if parameters.is_none() => {
                let bits = bits.try_into().map_err(|_| UnfitKey)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(bits).map_err(|_| UnfitKey)?;
                // Of a key of small order everything is a signature.
                if key.is_weak() { Err(UnfitKey) } else { Ok(Self::Ed25519(key)) }
            }
            ID_X_25519 if parameters.is_none() => {
                let bits: [u8; 32] = bits.try_into().map_err(|_| UnfitKey)?;
                Ok(Self::X25519(bits.into()))
            }
            oid if parameters.is_none() => {
                let signing = MlDsa::from_oid(oid).filter(|set| set.public_key_len() == bits.len());
                let sealing = MlKem::from_oid(oid).filter(|set| set.public_key_len() == bits.len());
                let signing = signing.map(|set| Self::MlDsa(set, bits.to_vec()));
                signing.or(sealing.map(|set| Self::MlKem(set, bits.to_vec()))).ok_or(UnfitKey)
            }
            _ => Err(UnfitKey),
        }
    }

    /// Whether it verifies signatures.
    pub fn verifies(&self) -> bool {
        match self {
            Self::Rsa(key) => !matches!(key.purpose, Purpose::Oaep(_)),
            Self::Ec(_) | Self::Ed25519(_) | Self::MlDsa(..) => true,
            Self::X25519(_) | Self::MlKem(..) => false,
        }
    }

    /// How content-encryption keys get to its owner; none if they cannot.
    pub fn key_management(&self) -> Option<KeyManagement> {
        match self {
            Self::Rsa(key) if key.is_written_for() && !matches!(key.purpose, Purpose::Pss(_)) => {
                Some(KeyManagement::Transport)
            }
            Self::Ec(_) | Self::X25519(_) => Some(KeyManagement::Agreement),
            Self::MlKem(..) => Some(KeyManagement::Encapsulation),
            Self::Rsa(_) | Self::Ed25519(_) | Self::MlDsa(..) => None,
        }
    }
}
