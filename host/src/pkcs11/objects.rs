//! What a token has for an address.
//!
//! Private keys and certificates are found by their label, which is the address;
//! and a private key also by its certificate, whose CKA_ID it has.

use const_oid::ObjectIdentifier;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use der::asn1::{OctetStringRef, UintRef};
use der::{Decode as _, Encode as _};
use pkcs1::RsaPublicKey;
use sha2::{Digest as _, Sha256};
use smime::crypto::curve::Curve;

use super::error::Pkcs11Error;
use super::token::{Offers, Seat};
use crate::mailbox;

/// Octets of a public key of Ed25519 (RFC 8032, section 5.1.5).
const ED25519_LEN: usize = 32;
/// Most private keys of which a survey tells.
const MOST_SURVEYED: usize = 1000;
/// Most objects of a kind that an address may have: its keys of many years.
const MOST: usize = 32;

/// A private key in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenObject {
    /// Its CKA_ID.
    pub(super) id: Vec<u8>,
    /// SHA-256 of the bits of its public key, as they stand in a certificate.
    pub(super) key_id: [u8; 32],
    /// What it computes with.
    pub(super) kind: KeyKind,
    /// It may sign, and the token can.
    pub(super) signs: bool,
    /// It may decrypt or agree on keys, and the token can.
    pub(super) decrypts: bool,
}

/// What a private key computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA, with a modulus of so many octets.
    Rsa { modulus_len: usize },
    /// ECDSA and ECDH.
    Ec(Curve),
    /// Signatures alone.
    Ed25519,
}

/// Why a private key does nothing, or less than it may: causes, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lacks {
    /// Its CKA_ID.
    pub(super) id: Vec<u8>,
    /// The causes.
    pub(super) causes: Vec<&'static str>,
}

/// What a token has for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// The private keys.
    pub(super) keys: Vec<TokenObject>,
    /// What private keys, those and others, do not do.
    pub(super) lacking: Vec<Lacks>,
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
        let (found, lacks) = private_key(seat, key)?;
        objects.keys.extend(found);
        if !lacks.causes.is_empty() {
            objects.lacking.push(lacks);
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

/// What private keys of the token lack, with their labels; of the first
/// [`MOST_SURVEYED`].
pub(super) fn lacking(seat: &Seat) -> Result<Vec<(String, Lacks)>, Pkcs11Error> {
    let mut lacking = Vec::new();
    let keys = seat.session()?.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])?;
    for handle in keys.into_iter().take(MOST_SURVEYED) {
        let (found, mut lacks) = private_key(seat, handle)?;
        // It may be meant to be so, and is no event of a message.
        if found.is_some_and(|found| found.kind != KeyKind::Ed25519 && !found.decrypts) && lacks.causes.is_empty() {
            lacks = lacks.also("it signs alone: CKA_DECRYPT, or CKA_DERIVE on a curve, is not set");
        }
        if !lacks.causes.is_empty() {
            let label = attributes(seat, handle, &[AttributeType::Label])?.into_iter().find_map(|found| match found {
                Attribute::Label(label) => Some(String::from_utf8_lossy(&label).into_owned()),
                _ => None,
            });
            lacking.push((label.unwrap_or_default(), lacks));
        }
    }
    Ok(lacking)
}

/// The private key in this session.
pub(super) fn handle(seat: &mut Seat, object: &TokenObject) -> Result<ObjectHandle, Pkcs11Error> {
    if let Some(handle) = seat.keys.get(&object.key_id) {
        return Ok(*handle);
    }
    for handle in with_id(seat, ObjectClass::PRIVATE_KEY, &object.id)? {
        if private_key(seat, handle)?.0.is_some_and(|found| found.key_id == object.key_id) {
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

/// Reads a private key: none if it does nothing, and what it lacks.
fn private_key(seat: &Seat, handle: ObjectHandle) -> Result<(Option<TokenObject>, Lacks), Pkcs11Error> {
    let read = Read::of(seat, handle)?;
    let mut lacks = Lacks { id: read.id.clone(), causes: Vec::new() };
    let public_key = match read.key_type {
        Some(KeyType::RSA) => read.rsa_public_key().map(|(len, bits)| (KeyKind::Rsa { modulus_len: len }, bits)),
        Some(KeyType::EC) => match read.curve() {
            Some(curve) => ec_point(seat, &read.id)?.map(|bits| (KeyKind::Ec(curve), bits)),
            None => return Ok((None, lacks.also("it is on none of the curves P-256, P-384 and P-521"))),
        },
        Some(KeyType::EC_EDWARDS) => match ec_point(seat, &read.id)? {
            Some(bits) if bits.len() != ED25519_LEN => {
                return Ok((None, lacks.also("it is on a twisted curve other than that of Ed25519")));
            }
            bits => bits.map(|bits| (KeyKind::Ed25519, bits)),
        },
        _ => return Ok((None, lacks.also("keys of its kind are not used from a token"))),
    };
    let Some((kind, bits)) = public_key else {
        return Ok((None, lacks.also("its public key is not in the token; import that, too")));
    };
    if read.asks_each_time {
        return Ok((None, lacks.also("it must be confirmed for each use (CKA_ALWAYS_AUTHENTICATE)")));
    }
    let (signs, decrypts) = match kind {
        KeyKind::Rsa { .. } => (read.signs, read.decrypts),
        KeyKind::Ec(_) => (read.signs && seat.offers.ecdsa, read.derives && seat.offers.ecdh),
        KeyKind::Ed25519 => (read.signs && seat.offers.eddsa, false),
    };
    lacks.causes.extend(unoffered(kind, &read, seat.offers));
    if !signs && !decrypts {
        if lacks.causes.is_empty() {
            lacks = lacks.also("it may neither sign nor decrypt (CKA_SIGN, and CKA_DECRYPT or CKA_DERIVE)");
        }
        return Ok((None, lacks));
    }
    Ok((Some(TokenObject { id: read.id, key_id: Sha256::digest(&bits).into(), kind, signs, decrypts }), lacks))
}

/// What a key may do and its token cannot.
fn unoffered(kind: KeyKind, read: &Read, offers: Offers) -> impl Iterator<Item = &'static str> {
    let (signing, agreeing) = match kind {
        KeyKind::Rsa { .. } => (None, None),
        KeyKind::Ec(_) => (
            (read.signs && !offers.ecdsa).then_some("it cannot sign: the token does not offer CKM_ECDSA"),
            (read.derives && !offers.ecdh).then_some("it cannot decrypt: the token does not offer CKM_ECDH1_DERIVE"),
        ),
        KeyKind::Ed25519 => {
            ((read.signs && !offers.eddsa).then_some("it cannot sign: the token does not offer CKM_EDDSA"), None)
        }
    };
    signing.into_iter().chain(agreeing)
}

impl Lacks {
    fn also(mut self, cause: &'static str) -> Self {
        self.causes.push(cause);
        self
    }
}

/// The attributes of a private key.
#[derive(Default)]
struct Read {
    id: Vec<u8>,
    key_type: Option<KeyType>,
    signs: bool,
    decrypts: bool,
    derives: bool,
    asks_each_time: bool,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    curve: Option<Vec<u8>>,
}

impl Read {
    fn of(seat: &Seat, handle: ObjectHandle) -> Result<Self, Pkcs11Error> {
        const WANTED: [AttributeType; 9] = [
            AttributeType::Id,
            AttributeType::KeyType,
            AttributeType::Sign,
            AttributeType::Decrypt,
            AttributeType::Derive,
            AttributeType::AlwaysAuthenticate,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
            AttributeType::EcParams,
        ];
        let mut read = Self::default();
        for attribute in attributes(seat, handle, &WANTED)? {
            match attribute {
                Attribute::Id(value) => read.id = value,
                Attribute::KeyType(value) => read.key_type = Some(value),
                Attribute::Sign(value) => read.signs = value,
                Attribute::Decrypt(value) => read.decrypts = value,
                Attribute::Derive(value) => read.derives = value,
                Attribute::AlwaysAuthenticate(value) => read.asks_each_time = value,
                Attribute::Modulus(value) => read.modulus = Some(value),
                Attribute::PublicExponent(value) => read.exponent = Some(value),
                Attribute::EcParams(value) => read.curve = Some(value),
                _ => {}
            }
        }
        Ok(read)
    }

    /// The octets of the modulus, and the public key.
    fn rsa_public_key(&self) -> Option<(usize, Vec<u8>)> {
        let modulus = self.modulus.as_deref()?;
        // Not every token keeps the exponent with the private key.
        let exponent = self.exponent.as_deref().filter(|exponent| !exponent.is_empty()).unwrap_or(&[1, 0, 1]);
        let len = modulus.iter().skip_while(|octet| **octet == 0).count();
        Some((len, rsa_public_key(modulus, exponent)?))
    }

    /// The curve that CKA_EC_PARAMS names (PKCS #11 2.40, section 2.3.3).
    fn curve(&self) -> Option<Curve> {
        Curve::from_oid(ObjectIdentifier::from_der(self.curve.as_deref()?).ok()?)
    }
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
