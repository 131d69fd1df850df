//! Elliptic curves in a token: signatures, and agreement on what content-encryption
//! keys are wrapped with.

use std::sync::Arc;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::asn1::UintRef;
use der::{Encode as _, Sequence};
use smime::cms::recipient::KeyAgreeRecipientInfo;
use smime::crypto::curve::{Curve, Point};
use smime::crypto::signature::Scheme as Signature;
use zeroize::Zeroizing;

use super::error::Pkcs11Error;
use super::objects::{self, TokenObject};
use super::sessions::Sessions;
use crate::{KeyError, recipient};

/// Signs `message` with ECDSA, by the digest that is as strong as the curve.
pub(super) fn sign_ecdsa(
    sessions: &Arc<Sessions>,
    object: TokenObject,
    curve: Curve,
    scheme: &Signature,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    if *scheme != Signature::Ecdsa(curve.digest()) {
        return Err(KeyError::Unsupported);
    }
    let hash = curve.digest().compute(message);
    let signed = sessions.with(move |seat| {
        let key = objects::handle(seat, &object)?;
        let signature = seat.session()?.sign(&Mechanism::Ecdsa, key, &hash)?;
        sig_value(&signature, curve).ok_or_else(|| senseless("C_Sign", "no signature on the curve of the key"))
    });
    signed.map_err(KeyError::from)
}

/// Signs `message` with Ed25519 (RFC 8419).
pub(super) fn sign_ed25519(
    sessions: &Arc<Sessions>,
    object: TokenObject,
    scheme: &Signature,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    if *scheme != Signature::Ed25519 {
        return Err(KeyError::Unsupported);
    }
    let message = message.to_vec();
    let signed = sessions.with(move |seat| {
        let key = objects::handle(seat, &object)?;
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        Ok(seat.session()?.sign(&mechanism, key, &message)?)
    });
    signed.map_err(KeyError::from)
}

/// The content-encryption key of `length` octets that a `RecipientInfo` has; a
/// random one if it has none.
pub(super) fn unwrap_key(
    sessions: &Arc<Sessions>,
    object: TokenObject,
    curve: Curve,
    recipient: &KeyAgreeRecipientInfo,
    length: u32,
) -> Result<Vec<u8>, KeyError> {
    // A point elsewhere would have the token tell of its key (RFC 5753, section 9).
    if Point::read(curve, &recipient.originator).is_none() {
        return recipient::agreed_key(recipient, None, length);
    }
    let originator = recipient.originator.clone();
    let secret = sessions.with(move |seat| {
        let key = objects::handle(seat, &object)?;
        agree(seat.session()?, key, curve, &originator)
    });
    recipient::agreed_key(recipient, Some(&secret.map_err(KeyError::from)?), length)
}

/// What the key agrees on with a point of its curve: the x-coordinate (SEC 1,
/// section 3.3.1). It is an object of the token for as long as it is read.
fn agree(session: &Session, key: ObjectHandle, curve: Curve, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, Pkcs11Error> {
    let size = curve.field_len();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(u64::try_from(size).unwrap_or(u64::MAX).into()),
    ];
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
    let secret = session.derive_key(&mechanism, key, &template)?;
    let read = session.get_attributes(secret, &[AttributeType::Value]);
    session.destroy_object(secret)?;
    let value = read?.into_iter().find_map(|attribute| match attribute {
        Attribute::Value(value) => Some(Zeroizing::new(value)),
        _ => None,
    });
    value.filter(|value| value.len() == size).ok_or_else(|| senseless("C_DeriveKey", "no secret that can be read"))
}

/// ```text
/// ECDSA-Sig-Value ::= SEQUENCE {
///   r INTEGER,
///   s INTEGER }
/// ```
/// RFC 3279, section 2.2.3.
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// The DER of a signature that a token gives as r and s, of one length (PKCS #11
/// 2.40, section 2.3.1); none if it is none.
fn sig_value(signature: &[u8], curve: Curve) -> Option<Vec<u8>> {
    let half = signature.len() / 2;
    if half == 0 || half > curve.field_len() || !signature.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = signature.split_at_checked(half)?;
    EcdsaSigValue { r: UintRef::new(r).ok()?, s: UintRef::new(s).ok()? }.to_der().ok()
}

fn senseless(operation: &str, reason: &str) -> Pkcs11Error {
    Pkcs11Error::Failed { operation: operation.to_owned(), reason: reason.to_owned(), lost: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_a_token_becomes_der() {
        let mut raw = [0; 64];
        (raw[31], raw[32]) = (5, 0x80);
        let encoded = sig_value(&raw, Curve::P256).unwrap();
        // s has its highest bit set, and gets a zero before it.
        assert_eq!(encoded[..7], [0x30, 38, 2, 1, 5, 2, 33]);
        assert_eq!(encoded[7..9], [0, 0x80]);
        for wrong in [&raw[..0], &raw[..63], &[1; 66]] {
            assert!(sig_value(wrong, Curve::P256).is_none());
        }
    }
}
