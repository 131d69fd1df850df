//! The mailboxes a certificate names (RFC 8550, section 3; RFC 5280, section
//! 4.2.1.6; RFC 9598). The common name is none of them.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc3280::EMAIL_ADDRESS;
use const_oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;
use der::asn1::{AnyRef, Utf8StringRef};
use der::{Decode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};

use super::general_name::ID_ON_SMTP_UTF8_MAILBOX;
use super::{Certificate, subject};
use crate::mime::address::same_mailbox;

/// Most names of a certificate that are looked at.
const MAX_NAMES: usize = 1000;

/// The mailboxes `certificate` names, each once: rfc822Name and
/// SmtpUTF8Mailbox of subjectAltName, and emailAddress of the subject.
///
/// What is no mailbox, for white space or control characters in it or for want
/// of one of its parts, is left out, and so is all of an extension that does
/// not parse.
pub fn mailboxes(certificate: &Certificate) -> Vec<String> {
    let alternative = certificate
        .extension_of(ID_CE_SUBJECT_ALT_NAME)
        .and_then(|extension| alternative_names(extension.extn_value.as_bytes()).ok())
        .unwrap_or_default();
    let subject = subject::values(certificate.subject_der(), EMAIL_ADDRESS).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for mailbox in alternative.into_iter().chain(subject) {
        if is_mailbox(&mailbox) && !found.contains(&mailbox) {
            found.push(mailbox);
        }
    }
    found
}

/// Whether `certificate` names `mailbox`, compared as [`same_mailbox`] does: the
/// domain without case, be it in A-labels or U-labels, the local part as it is.
pub fn names(certificate: &Certificate, mailbox: &str) -> bool {
    is_mailbox(mailbox) && mailboxes(certificate).iter().any(|named| same_mailbox(named, mailbox))
}

/// ```text
/// SubjectAltName ::= SEQUENCE SIZE (1..MAX) OF GeneralName
/// GeneralName ::= CHOICE {
///   otherName  [0] OtherName,
///   rfc822Name [1] IA5String, ... }
/// ```
fn alternative_names(encoded: &[u8]) -> der::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in elements(sequence(encoded)?)? {
        let number = match name.tag() {
            Tag::ContextSpecific { number, .. } => number,
            _ => continue,
        };
        let mailbox = match number {
            TagNumber(0) => other_name(name.value()),
            TagNumber(1) => ascii(name.value()),
            _ => None,
        };
        found.extend(mailbox);
    }
    Ok(found)
}

/// ```text
/// OtherName ::= SEQUENCE {
///   type-id OBJECT IDENTIFIER,
///   value   [0] EXPLICIT ANY DEFINED BY type-id }
/// SmtpUTF8Mailbox ::= UTF8String (SIZE (1..MAX))
/// ```
fn other_name(content: &[u8]) -> Option<String> {
    let mut reader = SliceReader::new(content).ok()?;
    if ObjectIdentifier::decode(&mut reader).ok()? != ID_ON_SMTP_UTF8_MAILBOX {
        return None;
    }
    let value: Utf8StringRef<'_> = reader.context_specific(TagNumber(0), TagMode::Explicit).ok()??;
    reader.finish().ok()?;
    Some(value.as_str().to_owned())
}

/// The content of one SEQUENCE that nothing follows.
fn sequence(encoded: &[u8]) -> der::Result<&[u8]> {
    let whole = AnyRef::from_der(encoded)?;
    whole.tag().assert_eq(Tag::Sequence)?;
    Ok(whole.value())
}

/// The values that follow each other in `content`, up to a bound.
fn elements(content: &[u8]) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(content)?;
    let mut found = Vec::new();
    while !reader.is_finished() && found.len() < MAX_NAMES {
        found.push(AnyRef::decode(&mut reader)?);
    }
    Ok(found)
}

fn ascii(octets: &[u8]) -> Option<String> {
    octets.is_ascii().then(|| String::from_utf8(octets.to_vec()).ok()).flatten()
}

/// Whether `text` has the two parts of a mailbox, and nothing that another
/// reader might cut off or skip: white space or control characters.
fn is_mailbox(text: &str) -> bool {
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    clean && text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn t17_addresses_with_control_or_foreign_characters_are_none() {
        // rfc822Name "a@b\0", "a\n@b", "a@\xe9" and, good, "a@b".
        let names = alternative_names(&hex!("3016 8104 61406200 8104 610a4062 8103 6140e9 8103 614062")).unwrap();
        let good: Vec<_> = names.iter().filter(|name| is_mailbox(name)).collect();
        assert_eq!(good, ["a@b"]);
    }

    #[test]
    fn names_that_do_not_parse_name_nobody() {
        for broken in [&hex!("3005 8103 6140")[..], &hex!("3005 8104 614062"), &hex!("8103 614062"), &[]] {
            assert!(alternative_names(broken).is_err(), "{broken:?}");
            assert!(subject::values(broken, EMAIL_ADDRESS).is_err(), "{broken:?}");
        }
        // An otherName whose value is no UTF8String, and one of another type.
        assert_eq!(alternative_names(&hex!("3011 a00f 06082b06010505070809 a003 020101")).unwrap(), [""; 0]);
        assert_eq!(alternative_names(&hex!("3011 a00f 06082b06010505070807 a003 0c0161")).unwrap(), [""; 0]);
    }

    #[test]
    fn an_address_that_was_meant_for_another_attribute_is_none() {
        // commonName "a@b", and emailAddress "a@b" as BMPString.
        assert_eq!(subject::values(&hex!("300e 310c 300a 0603550403 0c03 614062"), EMAIL_ADDRESS).unwrap(), [""; 0]);
        let wide = hex!("3017 3115 3013 06092a864886f70d010901 1e06 006100400062");
        assert_eq!(subject::values(&wide, EMAIL_ADDRESS).unwrap(), [""; 0]);
        let good = hex!("3014 3112 3010 06092a864886f70d010901 1603 614062");
        assert_eq!(subject::values(&good, EMAIL_ADDRESS).unwrap(), ["a@b"]);
    }

    #[test]
    fn t30_a_bomb_of_names_is_cut_off() {
        let content = hex!("8103 614062").repeat(20_000);
        assert_eq!(elements(&content).unwrap().len(), MAX_NAMES);
    }
}
