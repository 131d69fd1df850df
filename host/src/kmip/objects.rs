//! The objects that a server has for an address. That it has them under that
//! name is read back: a server that ignores an attribute it does not know would
//! otherwise give one person the key of another.

use super::error::KmipError;
use super::key::{FetchedKey, Usage};
use super::message::{self, Attributes, KeyFormat, ObjectType, Operation};
use super::servers::Conversation;
use crate::keyring::PrivateKeyMaterial;
use crate::mailbox;
use crate::pairing::private_key_unused;

/// Most objects of a kind that an address may have: its keys of many years.
const MOST: u16 = 32;

/// A private key that the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyObject {
    /// What the server calls it.
    pub(super) identifier: String,
    /// It decrypts what is old and no longer signs.
    pub(super) retired: bool,
    /// What it is for.
    pub(super) usage: Usage,
}

/// The private keys of an address that serve in their state (KMIP 1.2, section
/// 3.22), in the order of the server.
pub(super) fn private_keys(conversation: &mut Conversation<'_>, name: &str) -> Result<Vec<KeyObject>, KmipError> {
    let mut keys = Vec::new();
    for (identifier, attributes) in objects(conversation, name, ObjectType::PrivateKey)? {
        let retired = match attributes.state {
            Some(ACTIVE) => false,
            Some(DEACTIVATED | COMPROMISED) => true,
            _ => {
                private_key_unused(name, &identifier, "it is not active; activate it in the key management server");
                continue;
            }
        };
        keys.push(KeyObject { identifier, retired, usage: Usage::of(attributes.usage) });
    }
    Ok(keys)
}

/// The DER of the certificates of an address, whatever their state: what they
/// are worth is for others to say.
pub(super) fn certificates(conversation: &mut Conversation<'_>, name: &str) -> Result<Vec<Vec<u8>>, KmipError> {
    let objects = objects(conversation, name, ObjectType::Certificate)?;
    let get = |(identifier, _): &(String, Attributes)| {
        conversation.ask(Operation::Get, &message::get(identifier), |payload| message::certificate(payload, identifier))
    };
    objects.iter().map(get).collect()
}

/// Fetches a private key, with the digest of its public key; none if it is none
/// that can be used.
pub(super) fn fetch(
    conversation: &mut Conversation<'_>,
    name: &str,
    key: &KeyObject,
) -> Result<Option<([u8; 32], FetchedKey)>, KmipError> {
    conversation.keep_secret();
    let got = conversation.ask(Operation::Get, &message::get(&key.identifier), |payload| {
        message::private_key(payload, &key.identifier)
    })?;
    let read = match &got {
        Some(key) => match key.format {
            KeyFormat::Pkcs1 => PrivateKeyMaterial::from_pkcs1(&key.octets),
            KeyFormat::Pkcs8 => PrivateKeyMaterial::from_pkcs8(&key.octets),
            KeyFormat::Sec1 => PrivateKeyMaterial::from_sec1(&key.octets),
        },
        None => Err("it is in none of the formats PKCS #8, PKCS #1 and ECPrivateKey".to_owned()),
    };
    match read {
        Ok(material) => Ok(Some((material.key_id, FetchedKey::new(material.pkcs8, key.usage)))),
        Err(reason) => {
            private_key_unused(name, &key.identifier, &reason);
            Ok(None)
        }
    }
}

fn objects(
    conversation: &mut Conversation<'_>,
    name: &str,
    object_type: ObjectType,
) -> Result<Vec<(String, Attributes)>, KmipError> {
    let server = conversation.server().to_owned();
    // One more than may be: so it shows if there are too many.
    let request = message::locate(name, object_type, i32::from(MOST) + 1);
    let located = conversation.ask(Operation::Locate, &request, message::located)?;
    if located.len() > usize::from(MOST) {
        return Err(KmipError::TooMany { server, owner: name.to_owned() });
    }
    let mut objects = Vec::with_capacity(located.len());
    for identifier in located {
        let attributes = conversation.ask(Operation::GetAttributes, &message::attributes(&identifier), |payload| {
            Attributes::read(payload, &identifier)
        })?;
        let named = attributes.names.iter().any(|found| mailbox::same(found, name));
        if !named || attributes.object_type != Some(object_type as u32) {
            return Err(KmipError::OthersObject { server, owner: name.to_owned() });
        }
        objects.push((identifier, attributes));
    }
    Ok(objects)
}

const ACTIVE: u32 = 2;
const DEACTIVATED: u32 = 3;
const COMPROMISED: u32 = 4;
