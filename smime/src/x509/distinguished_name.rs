//! Distinguished names, compared as directories do (RFC 5280, section 7.1).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc3280::EMAIL_ADDRESS;
use der::asn1::AnyRef;
use der::{Decode, Reader as _, SliceReader, Tag, Tagged};

/// A `Name`: relative names from the root of a directory downwards.
///
/// ```text
/// RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
/// RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
/// AttributeTypeAndValue ::= SEQUENCE {
///   type  OBJECT IDENTIFIER,
///   value ANY -- DEFINED BY type }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName<'a>(Vec<Vec<Attribute<'a>>>);

#[derive(Clone, Debug)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    value: AnyRef<'a>,
    /// The value as it is compared, where it is text.
    text: Option<String>,
}

/// Of the same type, with the same text whatever string it stands in, without
/// case and with white space as one space; or with the same octets.
impl PartialEq for Attribute<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.text, &other.text) {
            (Some(text), Some(other)) => text == other,
            _ => self.value == other.value,
        };
        self.kind == other.kind && same
    }
}

impl Eq for Attribute<'_> {}

impl<'a> DistinguishedName<'a> {
    /// Reads a DER `Name`.
    pub fn from_der(encoded: &'a [u8]) -> der::Result<Self> {
        let relative_names = elements(AnyRef::from_der(encoded)?, Tag::Sequence)?;
        let relative_names = relative_names.into_iter().map(|relative| {
            let attributes = elements(relative, Tag::Set)?;
            // Comparing them costs the square of their number.
            if attributes.len() > MOST_ATTRIBUTES {
                return Err(Tag::Set.length_error().into());
            }
            attributes.into_iter().map(Attribute::read).collect::<der::Result<Vec<_>>>()
        });
        relative_names.collect::<der::Result<_>>().map(Self)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` begins with this name, or is it.
    pub fn is_above(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| same_set(a, b))
    }

    /// The values of the attributes of a `kind` that are ASCII, in a string that may
    /// be.
    pub fn ascii(&self, kind: ObjectIdentifier) -> impl Iterator<Item = &'a str> {
        let is_text = |tag| matches!(tag, Tag::Ia5String | Tag::Utf8String | Tag::PrintableString);
        let found =
            self.0.iter().flatten().filter(move |attribute| attribute.kind == kind && is_text(attribute.value.tag()));
        found.filter_map(|attribute| core::str::from_utf8(attribute.value.value()).ok()).filter(|text| text.is_ascii())
    }

    /// The mail addresses in it (RFC 8550, section 3).
    pub fn addresses(&self) -> Vec<&'a str> {
        let attributes = self.0.iter().flatten().filter(|attribute| attribute.kind == EMAIL_ADDRESS);
        attributes.filter_map(|attribute| core::str::from_utf8(attribute.value.value()).ok()).collect()
    }
}

/// Most attributes of one relative name; nobody uses more than three.
const MOST_ATTRIBUTES: usize = 16;

impl<'a> Attribute<'a> {
    fn read(encoded: AnyRef<'a>) -> der::Result<Self> {
        encoded.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(encoded.value())?;
        let kind = ObjectIdentifier::decode(&mut reader)?;
        let value = AnyRef::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { kind, value, text: text(&value) })
    }
}

/// In whatever order: a set has none.
fn same_set(a: &[Attribute<'_>], b: &[Attribute<'_>]) -> bool {
    a.len() == b.len() && a.iter().all(|attribute| b.contains(attribute))
}

fn text(value: &AnyRef<'_>) -> Option<String> {
    let octets = value.value();
    let text = match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => core::str::from_utf8(octets).ok()?.to_owned(),
        Tag::BmpString => {
            let units = octets.chunks(2).map(|pair| pair.iter().fold(0, |unit, octet| (unit << 8) | u16::from(*octet)));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()?
        }
        Tag::TeletexString => octets.iter().map(|octet| char::from(*octet)).collect(),
        _ => return None,
    };
    Some(text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "))
}

/// The values in a constructed one.
fn elements<'a>(whole: AnyRef<'a>, tag: Tag) -> der::Result<Vec<AnyRef<'a>>> {
    whole.tag().assert_eq(tag)?;
    let mut reader = SliceReader::new(whole.value())?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(AnyRef::decode(&mut reader)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    // O "Peer Ltd" as PrintableString; the same as UTF8String with other case and
    // space, and with CN "x" below; O "Peer" alone.
    const PEER: [u8; 21] = hex!("3013 3111 300f 060355040a 1308 50656572204c7464");
    const BELOW: [u8; 34] = hex!("3020 3112 3010 060355040a 0c09 70454552 2020 6c7464 310a 3008 0603550403 0c0178");
    const SHORT: [u8; 17] = hex!("300f 310d 300b 060355040a 1304 50656572");

    #[test]
    fn names_are_compared_without_case_and_by_whole_parts() {
        let [peer, below, short] = [&PEER[..], &BELOW, &SHORT].map(|name| DistinguishedName::from_der(name).unwrap());
        assert!(peer.is_above(&peer) && peer.is_above(&below));
        assert!(!below.is_above(&peer) && !short.is_above(&below) && !peer.is_above(&short));
        let root = DistinguishedName::from_der(&hex!("3000")).unwrap();
        assert!(root.is_empty() && root.is_above(&peer) && !peer.is_above(&root));
    }

    #[test]
    fn what_does_not_parse_is_an_error() {
        for broken in [&hex!("3003 310130")[..], &hex!("3002 3000"), &hex!("31 00"), &[]] {
            assert!(DistinguishedName::from_der(broken).is_err(), "{broken:?}");
        }
    }
}
