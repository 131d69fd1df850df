//! The curves P-256, P-384 and P-521 (RFC 5480), over RustCrypto: signatures by
//! a point, and agreement with it.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{SECP_256_R_1, SECP_384_R_1, SECP_521_R_1};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use signature::hazmat::PrehashVerifier as _;
use zeroize::Zeroizing;

use super::DigestAlgorithm;
use super::random::Drawn;

/// A curve over a prime field that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

impl Curve {
    /// The curve that an object identifier names, if it is one of these.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SECP_256_R_1 => Some(Self::P256),
            SECP_384_R_1 => Some(Self::P384),
            SECP_521_R_1 => Some(Self::P521),
            _ => None,
        }
    }

    /// The digest that is as strong as the curve (RFC 5753, section 7).
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::P256 => DigestAlgorithm::Sha256,
            Self::P384 => DigestAlgorithm::Sha384,
            Self::P521 => DigestAlgorithm::Sha512,
        }
    }

    /// The length of a coordinate, in octets.
    pub fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A point of a curve, other than the one at infinity: a public key.
#[derive(Clone, Debug)]
pub enum Point {
    /// Of P-256.
    P256(p256::PublicKey),
    /// Of P-384.
    P384(p384::PublicKey),
    /// Of P-521.
    P521(p521::PublicKey),
}

/// What an ephemeral key and a point agree on.
pub(crate) struct Agreed {
    /// The public half of the ephemeral key.
    pub(crate) ephemeral: Vec<u8>,
    /// The shared secret, Z (SEC 1, section 3.3.1).
    pub(crate) secret: Zeroizing<Vec<u8>>,
}

impl Point {
    /// Reads an `ECPoint` (RFC 5480, section 2.2); none if it is not on the
    /// curve.
    pub fn read(curve: Curve, encoded: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(encoded).ok().map(Self::P256),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(encoded).ok().map(Self::P384),
            Curve::P521 => p521::PublicKey::from_sec1_bytes(encoded).ok().map(Self::P521),
        }
    }

    /// Its curve.
    pub fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::P521(_) => Curve::P521,
        }
    }

    /// Whether `signature`, an `ECDSA-Sig-Value` in DER, is one of a message
    /// whose digest is `hash`.
    pub(crate) fn verifies(&self, hash: &[u8], signature: &[u8]) -> bool {
        // A digest that is shorter than half the order is as good as any, and
        // refused by the library: zeros before it change nothing.
        let mut padded = vec![0; self.curve().field_len().div_ceil(2).saturating_sub(hash.len())];
        padded.extend_from_slice(hash);
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                p256::ecdsa::VerifyingKey::from(key).verify_prehash(&padded, &signature).is_ok()
            }),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                p384::ecdsa::VerifyingKey::from(key).verify_prehash(&padded, &signature).is_ok()
            }),
            Self::P521(key) => p521::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                p521::ecdsa::VerifyingKey::from(key).verify_prehash(&padded, &signature).is_ok()
            }),
        }
    }

    /// Agrees with a new ephemeral key. None if the source of randomness fails.
    pub(crate) fn agree(&self, random: &mut Drawn<'_>) -> Option<Agreed> {
        macro_rules! agree {
            ($curve:ident, $key:expr) => {{
                let ephemeral = $curve::SecretKey::try_generate_from_rng(random).ok()?;
                let secret = ephemeral.diffie_hellman($key);
                Agreed {
                    ephemeral: ephemeral.public_key().to_sec1_point(false).as_bytes().to_vec(),
                    secret: Zeroizing::new(secret.raw_secret_bytes().to_vec()),
                }
            }};
        }
        Some(match self {
            Self::P256(key) => agree!(p256, key),
            Self::P384(key) => agree!(p384, key),
            Self::P521(key) => agree!(p521, key),
        })
    }
}
