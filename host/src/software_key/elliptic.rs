//! Private keys on elliptic curves, over aws-lc.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey, X25519};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair,
};
use const_oid::ObjectIdentifier;
use der::Decode;
use der::asn1::OctetStringRef;
use pkcs8::PrivateKeyInfoRef;
use smime::cms::recipient::KeyAgreeRecipientInfo;
use smime::crypto::DigestAlgorithm;
use smime::crypto::curve::Curve;
use smime::crypto::signature::Scheme as Signature;
use zeroize::Zeroizing;

use super::LoadError;
use crate::{KeyError, recipient};

/// A private key on one of the curves.
pub(super) enum Key {
    /// On P-256, P-384 or P-521: signs with the digest that is as strong, and
    /// agrees.
    Ec { signing: EcdsaKeyPair, digest: DigestAlgorithm, agreeing: agreement::PrivateKey },
    /// Signs alone.
    Ed25519(Ed25519KeyPair),
    /// Agrees alone.
    X25519(agreement::PrivateKey),
}

impl Key {
    /// Reads an `id-ecPublicKey` (RFC 5915); `encoded` is all of the PKCS #8.
    pub(super) fn read_ec(info: &PrivateKeyInfoRef<'_>, encoded: &[u8]) -> Result<Self, LoadError> {
        let named = info.algorithm.parameters.and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        let curve = named.and_then(Curve::from_oid).ok_or(LoadError::Unsupported)?;
        let (signing, agreeing) = match curve {
            Curve::P256 => (&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDH_P256),
            Curve::P384 => (&ECDSA_P384_SHA384_ASN1_SIGNING, &ECDH_P384),
            Curve::P521 => (&ECDSA_P521_SHA512_ASN1_SIGNING, &ECDH_P521),
        };
        Ok(Self::Ec {
            signing: EcdsaKeyPair::from_private_key_der(signing, encoded).map_err(|_| LoadError::Malformed)?,
            digest: curve.digest(),
            agreeing: agreement::PrivateKey::from_private_key_der(agreeing, encoded)
                .map_err(|_| LoadError::Malformed)?,
        })
    }

    /// Reads an `id-Ed25519` (RFC 8410, section 7), with the public key or
    /// without.
    pub(super) fn read_ed25519(encoded: &[u8]) -> Result<Self, LoadError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(encoded).map(Self::Ed25519).map_err(|_| LoadError::Malformed)
    }

    /// Reads an `id-X25519`.
    pub(super) fn read_x25519(info: &PrivateKeyInfoRef<'_>) -> Result<Self, LoadError> {
        let key = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(|_| LoadError::Malformed)?;
        let key = agreement::PrivateKey::from_private_key(&X25519, key.as_bytes());
        key.map(Self::X25519).map_err(|_| LoadError::Malformed)
    }

    pub(super) fn sign(&self, scheme: &Signature, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match (self, scheme) {
            (Self::Ec { signing, digest, .. }, Signature::Ecdsa(wanted)) if digest == wanted => signing
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError::Unsupported),
            (Self::Ed25519(key), Signature::Ed25519) => Ok(key.sign(message).as_ref().to_vec()),
            _ => Err(KeyError::Unsupported),
        }
    }

    pub(super) fn unwrap_key(&self, recipient: &KeyAgreeRecipientInfo, length: u32) -> Result<Vec<u8>, KeyError> {
        let key = match self {
            Self::Ec { agreeing, .. } => agreeing,
            Self::X25519(key) => key,
            Self::Ed25519(_) => return Err(KeyError::Unsupported),
        };
        let originator = UnparsedPublicKey::new(key.algorithm(), recipient.originator.as_slice());
        // A point that is not on the curve, or of small order, is refused here.
        let secret = agreement::agree(key, originator, (), |secret| Ok(Zeroizing::new(secret.to_vec())));
        recipient::agreed_key(recipient, secret.ok().as_ref().map(|secret| secret.as_slice()), length)
    }
}
