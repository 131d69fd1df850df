//! Private keys on elliptic curves in software.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, SliceReader};
use ed25519_dalek::Signer as _;
use pkcs8::PrivateKeyInfoRef;
use signature::hazmat::PrehashSigner as _;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::Opened;
use crate::cms::recipient::KeyAgreeRecipientInfo;
use crate::crypto::DigestAlgorithm;
use crate::crypto::curve::{Curve, Point};
use crate::crypto::public_key::PublicKey;
use crate::crypto::signature::Scheme;
use crate::host::KeyError;

/// A private key on one of the curves. It is erased when it is dropped.
pub(super) enum Key {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
    X25519(StaticSecret),
}

impl Key {
    /// Reads an `id-ecPublicKey` (RFC 5915).
    pub(super) fn read_ec(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let named = info.algorithm.parameters.and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        let curve = named.and_then(Curve::from_oid).ok_or(KeyError::Unsupported)?;
        let scalar = scalar(info.private_key.as_bytes()).map_err(|_| KeyError::Malformed)?;
        match curve {
            Curve::P256 => p256::SecretKey::from_slice(scalar).map(Self::P256),
            Curve::P384 => p384::SecretKey::from_slice(scalar).map(Self::P384),
            Curve::P521 => p521::SecretKey::from_slice(scalar).map(Self::P521),
        }
        .map_err(|_| KeyError::Malformed)
    }

    /// Reads an `id-Ed25519` (RFC 8410, section 7).
    pub(super) fn read_ed25519(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        Ok(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&*curve_private_key(info)?)))
    }

    /// Reads an `id-X25519`.
    pub(super) fn read_x25519(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        Ok(Self::X25519(StaticSecret::from(*curve_private_key(info)?)))
    }

    pub(super) fn fits(&self, public_key: &PublicKey) -> bool {
        match (self, public_key) {
            (Self::P256(key), PublicKey::Ec(Point::P256(public))) => key.public_key() == *public,
            (Self::P384(key), PublicKey::Ec(Point::P384(public))) => key.public_key() == *public,
            (Self::P521(key), PublicKey::Ec(Point::P521(public))) => key.public_key() == *public,
            (Self::Ed25519(key), PublicKey::Ed25519(public)) => key.verifying_key() == *public,
            (Self::X25519(key), PublicKey::X25519(public)) => x25519_dalek::PublicKey::from(key) == *public,
            _ => false,
        }
    }

    /// Signs without randomness (RFC 6979, RFC 8032).
    pub(super) fn sign(&self, scheme: &Scheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let hash = match scheme {
            // Nothing new is signed with SHA-1.
            Scheme::Ecdsa(DigestAlgorithm::Sha1) => return Err(KeyError::Unsupported),
            Scheme::Ecdsa(digest) => digest.compute(message),
            _ => Vec::new(),
        };
        match (self, scheme) {
            (Self::P256(key), Scheme::Ecdsa(_)) => {
                let signature: Result<p256::ecdsa::Signature, _> =
                    p256::ecdsa::SigningKey::from(key).sign_prehash(&hash);
                signature.map(|signature| signature.to_der().as_bytes().to_vec())
            }
            (Self::P384(key), Scheme::Ecdsa(_)) => {
                let signature: Result<p384::ecdsa::Signature, _> =
                    p384::ecdsa::SigningKey::from(key).sign_prehash(&hash);
                signature.map(|signature| signature.to_der().as_bytes().to_vec())
            }
            (Self::P521(key), Scheme::Ecdsa(_)) => {
                let signature: Result<p521::ecdsa::Signature, _> =
                    p521::ecdsa::SigningKey::from(key).sign_prehash(&hash);
                signature.map(|signature| signature.to_der().as_bytes().to_vec())
            }
            (Self::Ed25519(key), Scheme::Ed25519) => key.try_sign(message).map(|signature| signature.to_vec()),
            _ => return Err(KeyError::Unsupported),
        }
        .map_err(|_| KeyError::Unsupported)
    }

    pub(super) fn open(&self, recipient: &KeyAgreeRecipientInfo) -> Opened {
        let scheme = recipient.scheme.as_ref().ok_or(KeyError::Unsupported)?;
        let originator = recipient.originator.as_slice();
        let secret = match self {
            Self::P256(key) => p256::PublicKey::from_sec1_bytes(originator)
                .ok()
                .map(|public| Zeroizing::new(key.diffie_hellman(&public).raw_secret_bytes().to_vec())),
            Self::P384(key) => p384::PublicKey::from_sec1_bytes(originator)
                .ok()
                .map(|public| Zeroizing::new(key.diffie_hellman(&public).raw_secret_bytes().to_vec())),
            Self::P521(key) => p521::PublicKey::from_sec1_bytes(originator)
                .ok()
                .map(|public| Zeroizing::new(key.diffie_hellman(&public).raw_secret_bytes().to_vec())),
            Self::X25519(key) => <[u8; 32]>::try_from(originator)
                .ok()
                .map(|public| key.diffie_hellman(&public.into()))
                .filter(|secret| secret.was_contributory())
                .map(|secret| Zeroizing::new(secret.as_bytes().to_vec())),
            Self::Ed25519(_) => return Err(KeyError::Unsupported),
        };
        Ok(secret.and_then(|secret| scheme.unwrap(&secret, recipient.ukm.as_deref(), &recipient.encrypted_key)))
    }
}

/// ```text
/// ECPrivateKey ::= SEQUENCE {
///   version    INTEGER { ecPrivkeyVer1(1) },
///   privateKey OCTET STRING, ... }
/// ```
/// RFC 5915, section 3.
fn scalar(encoded: &[u8]) -> der::Result<&[u8]> {
    let content = AnyRef::from_der(encoded)?;
    let mut reader = SliceReader::new(content.value())?;
    u8::decode(&mut reader)?;
    Ok(<&OctetStringRef>::decode(&mut reader)?.as_bytes())
}

/// ```text
/// CurvePrivateKey ::= OCTET STRING
/// ```
fn curve_private_key(info: &PrivateKeyInfoRef<'_>) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let key = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(|_| KeyError::Malformed)?;
    key.as_bytes().try_into().map(Zeroizing::new).map_err(|_| KeyError::Malformed)
}
