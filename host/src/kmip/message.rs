//! The requests that are made and what is read of their answers (KMIP 1.2,
//! sections 4 and 7).

use zeroize::Zeroizing;

use super::ttlv::{Item, Malformed, Writer, tag};

/// Octets of the longest answer that is read: a key or a certificate, or the names
/// of some.
pub(super) const LONGEST: usize = 64 << 10;

/// Kinds of managed objects (KMIP 1.2, section 9.1.3.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectType {
    /// An X.509 certificate.
    Certificate = 1,
    /// A private key.
    PrivateKey = 4,
}

/// Operations (KMIP 1.2, section 9.1.3.2.27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Locate = 0x08,
    Get = 0x0A,
    GetAttributes = 0x0B,
    Query = 0x18,
    Sign = 0x21,
}

/// Asks for the identifiers of at most `most` objects with a name.
pub(super) fn locate(name: &str, object_type: ObjectType, most: i32) -> Vec<u8> {
    request(Operation::Locate, |payload| {
        payload.integer(tag::MAXIMUM_ITEMS, most);
        attribute(payload, NAME, |attribute| {
            attribute.structure(tag::ATTRIBUTE_VALUE, |value| {
                value.text(tag::NAME_VALUE, name);
                value.enumeration(tag::NAME_TYPE, UNINTERPRETED_TEXT_STRING);
            });
        });
        attribute(payload, OBJECT_TYPE, |attribute| {
            attribute.enumeration(tag::ATTRIBUTE_VALUE, object_type as u32);
        });
    })
}

/// Asks for the attributes of an object that [`Attributes`] has.
pub(super) fn attributes(identifier: &str) -> Vec<u8> {
    request(Operation::GetAttributes, |payload| {
        payload.text(tag::UNIQUE_IDENTIFIER, identifier);
        for name in [NAME, OBJECT_TYPE, STATE, USAGE_MASK] {
            payload.text(tag::ATTRIBUTE_NAME, name);
        }
    })
}

/// Asks for an object itself.
pub(super) fn get(identifier: &str) -> Vec<u8> {
    request(Operation::Get, |payload| payload.text(tag::UNIQUE_IDENTIFIER, identifier))
}

/// Asks what the server can do: the harmless question.
pub(super) fn query() -> Vec<u8> {
    request(Operation::Query, |payload| payload.enumeration(QUERY_FUNCTION, QUERY_OPERATIONS))
}

/// Asks for a signature with RSASSA-PKCS1-v1_5 over `message`, which the server
/// hashes as `hash` says (KMIP 1.2, section 9.1.3.2.16).
pub(super) fn sign(identifier: &str, hash: u32, message: &[u8]) -> Vec<u8> {
    request(Operation::Sign, |payload| {
        payload.text(tag::UNIQUE_IDENTIFIER, identifier);
        payload.structure(tag::CRYPTOGRAPHIC_PARAMETERS, |parameters| {
            parameters.enumeration(tag::PADDING_METHOD, PKCS1_V1_5);
            parameters.enumeration(tag::HASHING_ALGORITHM, hash);
            parameters.enumeration(CRYPTOGRAPHIC_ALGORITHM, RSA);
        });
        payload.octets(tag::DATA, message);
    })
}

fn request(operation: Operation, payload: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.structure(tag::REQUEST_MESSAGE, |message| {
        message.structure(tag::REQUEST_HEADER, |header| {
            header.structure(tag::PROTOCOL_VERSION, |version| {
                version.integer(tag::PROTOCOL_VERSION_MAJOR, 1);
                version.integer(tag::PROTOCOL_VERSION_MINOR, 2);
            });
            header.integer(tag::MAXIMUM_RESPONSE_SIZE, LONGEST as i32);
            header.integer(tag::BATCH_COUNT, 1);
        });
        message.structure(tag::BATCH_ITEM, |item| {
            item.enumeration(tag::OPERATION, operation as u32);
            item.structure(tag::REQUEST_PAYLOAD, payload);
        });
    });
    writer.finish()
}

fn attribute(payload: &mut Writer, name: &str, value: impl FnOnce(&mut Writer)) {
    payload.structure(tag::ATTRIBUTE, |attribute| {
        attribute.text(tag::ATTRIBUTE_NAME, name);
        value(attribute);
    });
}

/// Why an answer has no payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPayload {
    /// It is no answer to that question.
    Malformed,
    /// The server will not or cannot.
    Refused { reason: u32, message: String },
}

impl From<Malformed> for NoPayload {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The payload of the answer to a request for `operation`.
pub(super) fn payload(answer: &[u8], operation: Operation) -> Result<Item<'_>, NoPayload> {
    let message = Item::read(answer)?;
    if message.tag != tag::RESPONSE_MESSAGE {
        return Err(NoPayload::Malformed);
    }
    let item = message.find(tag::BATCH_ITEM)?;
    if item.find(tag::RESULT_STATUS)?.enumeration()? != SUCCESS {
        let reason = item.find_optional(tag::RESULT_REASON)?.map_or(Ok(0), |reason| reason.enumeration())?;
        let message = item.find_optional(tag::RESULT_MESSAGE)?.map_or(Ok(""), |message| message.text())?;
        return Err(NoPayload::Refused { reason, message: crate::event::clean(message, 200) });
    }
    // An answer that was left over from an earlier question is none to this one.
    if item.find(tag::OPERATION)?.enumeration()? != operation as u32 {
        return Err(NoPayload::Malformed);
    }
    Ok(item.find(tag::RESPONSE_PAYLOAD)?)
}

/// The identifiers in the answer to [`locate`].
pub(super) fn located(payload: &Item<'_>) -> Result<Vec<String>, Malformed> {
    let mut identifiers = Vec::new();
    for item in payload.items()? {
        let item = item?;
        if item.tag == tag::UNIQUE_IDENTIFIER {
            identifiers.push(item.text()?.to_owned());
        }
    }
    Ok(identifiers)
}

/// What a server knows of an object: the answer to [`attributes`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Its names.
    pub(super) names: Vec<String>,
    /// What kind of object it is.
    pub(super) object_type: Option<u32>,
    /// Where it stands in its life.
    pub(super) state: Option<u32>,
    /// What it is for (KMIP 1.2, section 9.1.3.3.1).
    pub(super) usage: Option<u32>,
}

impl Attributes {
    /// Reads an answer; `identifier` is the one that was asked for.
    pub(super) fn read(payload: &Item<'_>, identifier: &str) -> Result<Self, Malformed> {
        same_identifier(payload, identifier)?;
        let mut attributes = Self::default();
        for item in payload.items()? {
            let item = item?;
            if item.tag != tag::ATTRIBUTE {
                continue;
            }
            let value = item.find(tag::ATTRIBUTE_VALUE)?;
            match item.find(tag::ATTRIBUTE_NAME)?.text()? {
                NAME => attributes.names.push(value.find(tag::NAME_VALUE)?.text()?.to_owned()),
                OBJECT_TYPE => attributes.object_type = Some(value.enumeration()?),
                STATE => attributes.state = Some(value.enumeration()?),
                USAGE_MASK => attributes.usage = Some(value.integer()?.cast_unsigned()),
                _ => {}
            }
        }
        Ok(attributes)
    }
}

/// How the octets of a private key are to be read (KMIP 1.2, section 9.1.3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFormat {
    /// PKCS #1 `RSAPrivateKey`.
    Pkcs1,
    /// PKCS #8 `PrivateKeyInfo`.
    Pkcs8,
    /// SEC 1 `ECPrivateKey`.
    Sec1,
}

/// A private key as a server gives it.
pub(super) struct EncodedKey {
    /// How it is to be read.
    pub(super) format: KeyFormat,
    /// The key.
    pub(super) octets: Zeroizing<Vec<u8>>,
}

/// The private key in the answer to [`get`]; none if its format is not read.
pub(super) fn private_key(payload: &Item<'_>, identifier: &str) -> Result<Option<EncodedKey>, Malformed> {
    same_identifier(payload, identifier)?;
    let block = payload.find(tag::PRIVATE_KEY)?.find(tag::KEY_BLOCK)?;
    let format = match block.find(tag::KEY_FORMAT_TYPE)?.enumeration()? {
        3 => KeyFormat::Pkcs1,
        4 => KeyFormat::Pkcs8,
        6 => KeyFormat::Sec1,
        _ => return Ok(None),
    };
    // A key that is wrapped has a byte string here, and does not parse.
    let material = block.find(tag::KEY_VALUE)?.find(tag::KEY_MATERIAL)?.octets()?;
    Ok(Some(EncodedKey { format, octets: Zeroizing::new(material.to_vec()) }))
}

/// The DER of the certificate in the answer to [`get`].
pub(super) fn certificate(payload: &Item<'_>, identifier: &str) -> Result<Vec<u8>, Malformed> {
    same_identifier(payload, identifier)?;
    Ok(payload.find(tag::CERTIFICATE)?.find(tag::CERTIFICATE_VALUE)?.octets()?.to_vec())
}

/// The signature in the answer to [`sign`].
pub(super) fn signature(payload: &Item<'_>, identifier: &str) -> Result<Vec<u8>, Malformed> {
    same_identifier(payload, identifier)?;
    Ok(payload.find(tag::SIGNATURE_DATA)?.octets()?.to_vec())
}

fn same_identifier(payload: &Item<'_>, identifier: &str) -> Result<(), Malformed> {
    if payload.find(tag::UNIQUE_IDENTIFIER)?.text()? == identifier { Ok(()) } else { Err(Malformed) }
}

const NAME: &str = "Name";
const OBJECT_TYPE: &str = "Object Type";
const STATE: &str = "State";
const USAGE_MASK: &str = "Cryptographic Usage Mask";

const UNINTERPRETED_TEXT_STRING: u32 = 1;
const SUCCESS: u32 = 0;
const CRYPTOGRAPHIC_ALGORITHM: u32 = 0x42_0028;
const QUERY_FUNCTION: u32 = 0x42_0074;
const QUERY_OPERATIONS: u32 = 1;
const PKCS1_V1_5: u32 = 8;
const RSA: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// A successful answer with this payload.
    fn answer(operation: Operation, content: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.structure(tag::RESPONSE_MESSAGE, |message| {
            message.structure(tag::BATCH_ITEM, |item| {
                item.enumeration(tag::OPERATION, operation as u32);
                item.enumeration(tag::RESULT_STATUS, SUCCESS);
                item.structure(tag::RESPONSE_PAYLOAD, content);
            });
        });
        writer.finish()
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let located = answer(Operation::Locate, |payload| payload.text(tag::UNIQUE_IDENTIFIER, "1"));
        assert!(payload(&located, Operation::Locate).is_ok());
        assert_eq!(payload(&located, Operation::Get).unwrap_err(), NoPayload::Malformed);
        assert_eq!(payload(b"HTTP/1.1 400 Bad Request\r\n\r\n", Operation::Get).unwrap_err(), NoPayload::Malformed);
    }

    #[test]
    fn the_certificate_of_another_identifier_is_none() {
        let octets = answer(Operation::Get, |payload| {
            payload.text(tag::UNIQUE_IDENTIFIER, "1");
            payload.structure(tag::CERTIFICATE, |certificate| certificate.octets(tag::CERTIFICATE_VALUE, &[0x30, 0]));
        });
        let payload = payload(&octets, Operation::Get).unwrap();
        assert_eq!(certificate(&payload, "1").unwrap(), [0x30, 0]);
        assert_eq!(certificate(&payload, "2"), Err(Malformed));
        assert!(private_key(&payload, "1").is_err());
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_server_without_its_control_characters() {
        let mut writer = Writer::default();
        writer.structure(tag::RESPONSE_MESSAGE, |message| {
            message.structure(tag::BATCH_ITEM, |item| {
                item.enumeration(tag::RESULT_STATUS, 1);
                item.enumeration(tag::RESULT_REASON, 0x0C);
                item.text(tag::RESULT_MESSAGE, "Permission\r\ndenied");
            });
        });
        let refused = NoPayload::Refused { reason: 0x0C, message: "Permission??denied".to_owned() };
        assert_eq!(payload(&writer.finish(), Operation::Get).unwrap_err(), refused);
    }
}
