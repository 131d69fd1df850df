//! What a token has for an address.
//!
//! Private keys and certificates are found by their label, which is the address;
//! and a private key also by its certificate, whose CKA_ID it has.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use der::asn1::{OctetStringRef, UintRef};
use der::{Decode as _, Encode as _};
use pkcs1::RsaPublicKey;
use sha2::{Digest as _, Sha256};

use super::error::Pkcs11Error;
use super::token::Seat;
use crate::mailbox;

/// Most objects of a kind that an address may have: its keys of many years.
const MOST: usize = 32;

/// A private key in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenObject {
    /// Its CKA_ID.
    pub(super) id: Vec<u8>,
    /// SHA-256 of the bits of its public key, as they stand in a certificate.
    pub(super) key_id: [u8; 32],
    /// Octets of the modulus, of an RSA key.
    pub(super) modulus_len: Option<usize>,
    /// It may sign.
    pub(super) signs: bool,
    /// It may decrypt.
    pub(super) decrypts: bool,
}

/// What a token has for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// The private keys.
    pub(super) keys: Vec<TokenObject>,
    /// The CKA_IDs of private keys whose public key is not to be had.
    pub(super) unknown: Vec<Vec<u8>>,
    /// The DER of the certificates.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Looks up what a token has for `owner`.
pub(super) fn of_owner(seat: &Seat, owner: &str) -> Result<Objects, Pkcs11Error> {
    let mut keys = labelled(seat, ObjectClass::PRIVATE_KEY, owner)?;
    let mut certificates = labelled(seat, ObjectClass::CERTIFICATE, owner)?;
    for id in ids(seat, &certificates)? {
        add(&mut keys, with_id(seat, ObjectClass::PRIVATE_KEY, &id)?);
    }
    for id in ids(seat, &keys)? {
        add(&mut certificates, with_id(seat, ObjectClass::CERTIFICATE, &id)?);
    }
    if keys.len() > MOST || certificates.len() > MOST {
        return Err(Pkcs11Error::TooMany(owner.to_owned()));
    }
    let mut objects = Objects::default();
    for key in keys {
        match private_key(seat, key)? {
            Some(found) => objects.keys.push(found),
            None => objects.unknown.extend(ids(seat, &[key])?),
        }
    }
    for certificate in certificates {
        let value = attributes(seat, certificate, &[AttributeType::Value])?;
        objects.certificates.extend(value.into_iter().filter_map(|attribute| match attribute {
            Attribute::Value(encoded) => Some(encoded),
            _ => None,
        }));
    }
    Ok(objects)
}

/// The private key in this session.
pub(super) fn handle(seat: &mut Seat, object: &TokenObject) -> Result<ObjectHandle, Pkcs11Error> {
    if let Some(handle) = seat.keys.get(&object.key_id) {
        return Ok(*handle);
    }
    for handle in with_id(seat, ObjectClass::PRIVATE_KEY, &object.id)? {
        if private_key(seat, handle)?.is_some_and(|found| found.key_id == object.key_id) {
            seat.keys.insert(object.key_id, handle);
            return Ok(handle);
        }
    }
    Err(Pkcs11Error::KeyGone)
}

/// Objects whose label is the address. The label is read back: a module that
/// ignores it must not give one person the key of another.
fn labelled(seat: &Seat, class: ObjectClass, owner: &str) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
    let template = [Attribute::Class(class), Attribute::Label(owner.as_bytes().to_vec())];
    let mut found = Vec::new();
    for handle in seat.session()?.find_objects(&template)? {
        let labels = attributes(seat, handle, &[AttributeType::Label])?;
        let is_owner = |label: &[u8]| str::from_utf8(label).is_ok_and(|label| mailbox::same(label, owner));
        if labels.iter().any(|label| matches!(label, Attribute::Label(label) if is_owner(label))) {
            found.push(handle);
        }
    }
    Ok(found)
}

fn with_id(seat: &Seat, class: ObjectClass, id: &[u8]) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
    let mut found = Vec::new();
    for handle in seat.session()?.find_objects(&[Attribute::Class(class), Attribute::Id(id.to_vec())])? {
        if ids(seat, &[handle])?.iter().any(|found| found == id) {
            found.push(handle);
        }
    }
    Ok(found)
}

/// The CKA_IDs of objects, as far as they have one.
fn ids(seat: &Seat, handles: &[ObjectHandle]) -> Result<Vec<Vec<u8>>, Pkcs11Error> {
    let mut ids = Vec::new();
    for handle in handles {
        for attribute in attributes(seat, *handle, &[AttributeType::Id])? {
            if let Attribute::Id(id) = attribute
                && !id.is_empty()
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
    }
    Ok(ids)
}

fn private_key(seat: &Seat, handle: ObjectHandle) -> Result<Option<TokenObject>, Pkcs11Error> {
    const WANTED: [AttributeType; 6] = [
        AttributeType::Id,
        AttributeType::KeyType,
        AttributeType::Sign,
        AttributeType::Decrypt,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let (mut id, mut modulus, mut exponent, mut key_type) = (Vec::new(), None, None, None);
    let (mut signs, mut decrypts) = (false, false);
    for attribute in attributes(seat, handle, &WANTED)? {
        match attribute {
            Attribute::Id(value) => id = value,
            Attribute::KeyType(value) => key_type = Some(value),
            Attribute::Sign(value) => signs = value,
            Attribute::Decrypt(value) => decrypts = value,
            Attribute::Modulus(value) => modulus = Some(value),
            Attribute::PublicExponent(value) => exponent = Some(value),
            _ => {}
        }
    }
    let public_key = match key_type {
        Some(KeyType::RSA) => {
            // Not every token keeps the exponent with the private key.
            let exponent = exponent.filter(|exponent| !exponent.is_empty()).unwrap_or_else(|| vec![1, 0, 1]);
            modulus.as_deref().and_then(|modulus| rsa_public_key(modulus, &exponent))
        }
        Some(KeyType::EC) => ec_point(seat, &id)?,
        _ => None,
    };
    let modulus_len = modulus.map(|modulus| modulus.iter().skip_while(|octet| **octet == 0).count());
    Ok(public_key.map(|bits| {
        let key_id = Sha256::digest(&bits).into();
        TokenObject { id, key_id, modulus_len, signs, decrypts }
    }))
}

/// The `RSAPublicKey` of its numbers (RFC 8017, appendix A.1.1).
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let key = RsaPublicKey { modulus: UintRef::new(modulus).ok()?, public_exponent: UintRef::new(exponent).ok()? };
    key.to_der().ok()
}

/// The public point of an EC key, which only its public key object has.
fn ec_point(seat: &Seat, id: &[u8]) -> Result<Option<Vec<u8>>, Pkcs11Error> {
    if id.is_empty() {
        return Ok(None);
    }
    for handle in with_id(seat, ObjectClass::PUBLIC_KEY, id)? {
        for attribute in attributes(seat, handle, &[AttributeType::EcPoint])? {
            if let Attribute::EcPoint(point) = attribute {
                // DER of an OCTET STRING; some tokens leave that out.
                let inner = <&OctetStringRef>::from_der(&point).map(|inner| inner.as_bytes().to_vec());
                return Ok(Some(inner.unwrap_or(point)));
            }
        }
    }
    Ok(None)
}

fn attributes(seat: &Seat, handle: ObjectHandle, wanted: &[AttributeType]) -> Result<Vec<Attribute>, Pkcs11Error> {
    Ok(seat.session()?.get_attributes(handle, wanted)?)
}

fn add(handles: &mut Vec<ObjectHandle>, more: Vec<ObjectHandle>) {
    for handle in more {
        if !handles.contains(&handle) {
            handles.push(handle);
        }
    }
}
