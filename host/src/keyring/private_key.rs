//! Private keys on their way into a keyring: whatever form they come in, they
//! are checked, matched to certificates by their public key, and kept as PKCS #8.

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _,
};
use const_oid::db::{rfc5912, rfc8410};
use der::Decode;
use der::asn1::OctetStringRef;
use pkcs8::PrivateKeyInfoRef;
use sha2::{Digest, Sha256};
use smime::crypto::private_key;
use smime::host::KeyError;
use zeroize::Zeroizing;

use super::facts::modulus_bits;

/// A private key, checked to be sound.
pub(crate) struct PrivateKeyMaterial {
    /// The key, as DER of a PKCS #8 `PrivateKeyInfo`.
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
    /// SHA-256 of the bits of its public key, as in a certificate.
    pub(crate) key_id: [u8; 32],
}

impl PrivateKeyMaterial {
    /// Reads a PKCS #8 `PrivateKeyInfo`. The error says what is wrong with it.
    pub(crate) fn from_pkcs8(encoded: &[u8]) -> Result<Self, String> {
        let info = PrivateKeyInfoRef::from_der(encoded).map_err(|_| NOT_SOUND)?;
        match info.algorithm.oid {
            // A key for PSS alone is the same key: its certificate says what it is for.
            rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS => Self::from_pkcs1(info.private_key.as_bytes()),
            rfc5912::ID_EC_PUBLIC_KEY => Self::elliptic(|curve| EcdsaKeyPair::from_pkcs8(curve, encoded).ok()),
            rfc8410::ID_ED_25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(encoded).map_err(|_| NOT_SOUND)?;
                Ok(Self::new(encoded, pair.public_key().as_ref()))
            }
            rfc8410::ID_X_25519 => {
                let octets = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(|_| NOT_SOUND)?;
                let key = agreement::PrivateKey::from_private_key(&agreement::X25519, octets.as_bytes());
                let public = key.map_err(|_| NOT_SOUND)?.compute_public_key().map_err(|_| NOT_SOUND)?;
                Ok(Self::new(encoded, public.as_ref()))
            }
            other => match private_key::SoftwareKey::from_pkcs8(encoded, |_| Vec::new()) {
                Ok(key) => key.lattice_public_key().map(|public| Self::new(encoded, &public)).ok_or(NOT_SOUND.into()),
                Err(KeyError::Malformed) => Err(NOT_SOUND.into()),
                Err(_) => Err(format!(
                    "a private key of algorithm {other} is not read; RSA, elliptic curves, ML-DSA and ML-KEM (with \
                     their seeds) are"
                )),
            },
        }
    }

    /// Reads a PKCS #1 `RSAPrivateKey`.
    pub(crate) fn from_pkcs1(encoded: &[u8]) -> Result<Self, String> {
        let key = pkcs1::RsaPrivateKeyRef::from_der(encoded).map_err(|_| NOT_SOUND)?;
        let bits = modulus_bits(key.modulus.as_bytes());
        if bits < 2048 {
            return Err(format!(
                "the private key has {bits} bits, and 2048 are the least that is secure; get a new certificate for a new key"
            ));
        }
        if bits > 4096 {
            return Err(format!("the private key has {bits} bits; more than 4096 cost too much to use"));
        }
        let pair = rsa::KeyPair::from_der(encoded).map_err(|_| NOT_SOUND)?;
        let pkcs8 = pair.as_der().map_err(|_| NOT_SOUND)?;
        Ok(Self::new(pkcs8.as_ref(), pair.public_key().as_ref()))
    }

    /// Reads a SEC 1 `ECPrivateKey`.
    pub(crate) fn from_sec1(encoded: &[u8]) -> Result<Self, String> {
        Self::elliptic(|curve| EcdsaKeyPair::from_private_key_der(curve, encoded).ok())
    }

    fn elliptic(
        read: impl Fn(&'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair>,
    ) -> Result<Self, String> {
        let curves =
            [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING];
        let pair = curves
            .into_iter()
            .find_map(read)
            .ok_or("the private key is on none of the curves P-256, P-384 and P-521")?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| NOT_SOUND)?;
        Ok(Self::new(pkcs8.as_ref(), pair.public_key().as_ref()))
    }

    fn new(pkcs8: &[u8], public: &[u8]) -> Self {
        Self { pkcs8: Zeroizing::new(pkcs8.to_vec()), key_id: Sha256::digest(public).into() }
    }
}

const NOT_SOUND: &str = "the private key is not sound";
