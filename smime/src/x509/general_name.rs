//! Names of any form (RFC 5280, section 4.2.1.6), as far as they are compared.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, Utf8StringRef};
use der::{Decode, Reader as _, SliceReader, Tag, TagMode, TagNumber, Tagged};

use super::distinguished_name::DistinguishedName;

/// ```text
/// GeneralName ::= CHOICE {
///   otherName                 [0] OtherName,
///   rfc822Name                [1] IA5String,
///   dNSName                   [2] IA5String,
///   x400Address               [3] ORAddress,
///   directoryName             [4] Name,
///   ediPartyName              [5] EDIPartyName,
///   uniformResourceIdentifier [6] IA5String,
///   iPAddress                 [7] OCTET STRING,
///   registeredID              [8] OBJECT IDENTIFIER }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName<'a> {
    /// A mail address in ASCII.
    Mailbox(&'a str),
    /// A mail address in UTF-8: an `otherName` (RFC 9598).
    Utf8Mailbox(String),
    /// A distinguished name.
    Directory(DistinguishedName<'a>),
    /// A name of another form.
    Other(Form),
}

/// The form of a name, within which names are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A mail address, in ASCII or not.
    Mailbox,
    /// A distinguished name.
    Directory,
    /// One with this tag.
    Tagged(u32),
    /// An `otherName` of this type.
    OtherName(ObjectIdentifier),
}

impl<'a> GeneralName<'a> {
    /// Reads one out of its choice.
    pub fn read(name: &AnyRef<'a>) -> der::Result<Self> {
        let number = context_number(name).ok_or_else(|| name.tag().value_error())?;
        Ok(match number {
            0 => other_name(name.value())?,
            1 => match core::str::from_utf8(name.value()) {
                Ok(mailbox) if mailbox.is_ascii() => Self::Mailbox(mailbox),
                _ => return Err(name.tag().value_error().into()),
            },
            4 => Self::Directory(DistinguishedName::from_der(name.value())?),
            number => Self::Other(Form::Tagged(number)),
        })
    }

    /// Its form.
    pub fn form(&self) -> Form {
        match self {
            Self::Mailbox(_) | Self::Utf8Mailbox(_) => Form::Mailbox,
            Self::Directory(_) => Form::Directory,
            Self::Other(form) => form.clone(),
        }
    }
}

/// Reads `GeneralNames ::= SEQUENCE OF GeneralName`.
pub fn sequence(encoded: &[u8]) -> der::Result<Vec<GeneralName<'_>>> {
    let whole = AnyRef::from_der(encoded)?;
    whole.tag().assert_eq(Tag::Sequence)?;
    let mut reader = SliceReader::new(whole.value())?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(GeneralName::read(&AnyRef::decode(&mut reader)?)?);
    }
    Ok(found)
}

/// The number of a context-specific tag; none of another class.
pub fn context_number(value: &AnyRef<'_>) -> Option<u32> {
    match value.tag() {
        Tag::ContextSpecific { number: TagNumber(number), .. } => Some(number),
        _ => None,
    }
}

/// ```text
/// OtherName ::= SEQUENCE {
///   type-id OBJECT IDENTIFIER,
///   value   [0] EXPLICIT ANY DEFINED BY type-id }
/// ```
fn other_name<'a>(content: &[u8]) -> der::Result<GeneralName<'a>> {
    let mut reader = SliceReader::new(content)?;
    let kind = ObjectIdentifier::decode(&mut reader)?;
    if kind != ID_ON_SMTP_UTF8_MAILBOX {
        return Ok(GeneralName::Other(Form::OtherName(kind)));
    }
    let value: Option<Utf8StringRef<'_>> = reader.context_specific(TagNumber(0), TagMode::Explicit)?;
    let value = value.ok_or_else(|| Tag::Utf8String.value_error())?;
    Ok(GeneralName::Utf8Mailbox(value.as_str().to_owned()))
}

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3).
pub const ID_ON_SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
