//! The subject of a certificate, by attribute (RFC 5280, section 4.1.2.6).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::Certificate;
use super::address::{ascii, elements, sequence};

/// Every common name in the subject of `certificate`, as far as it is ASCII;
/// nothing if the subject cannot be read.
pub fn common_names(certificate: &Certificate) -> Vec<String> {
    values(certificate.subject_der(), COMMON_NAME).unwrap_or_default()
}

/// The values of the attributes of a `kind` in the DER of a subject, as far as
/// they are ASCII.
///
/// ```text
/// RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
/// RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
/// AttributeTypeAndValue ::= SEQUENCE {
///   type  OBJECT IDENTIFIER,
///   value ANY -- DEFINED BY type }
/// ```
pub(super) fn values(subject: &[u8], kind: ObjectIdentifier) -> der::Result<Vec<String>> {
    let mut found = Vec::new();
    for relative in elements(sequence(subject)?)? {
        relative.tag().assert_eq(Tag::Set)?;
        for attribute in elements(relative.value())? {
            attribute.tag().assert_eq(Tag::Sequence)?;
            let mut reader = SliceReader::new(attribute.value())?;
            let of = ObjectIdentifier::decode(&mut reader)?;
            let value = AnyRef::decode(&mut reader)?;
            reader.finish()?;
            let text = matches!(value.tag(), Tag::Ia5String | Tag::Utf8String | Tag::PrintableString);
            if of == kind && text {
                found.extend(ascii(value.value()));
            }
        }
    }
    Ok(found)
}
