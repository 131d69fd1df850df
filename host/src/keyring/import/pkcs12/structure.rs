//! What a PKCS #12 file is built of, in DER: sequences, and content in a
//! `ContentInfo`.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_DATA;
use der::asn1::{Any, AnyRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};

/// pkcs8ShroudedKeyBag (RFC 7292, section 4.2.2).
const SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
/// Most safes of a file, bags of a safe, and segments of a string.
const MAX_PARTS: usize = 1000;

/// `[0]`, around what has a tag of its own.
pub(super) const EXPLICIT: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

/// Whether a `SafeBag` has an encrypted private key in it.
pub(super) fn is_key(bag: &AnyRef<'_>) -> bool {
    let kind = || ObjectIdentifier::decode(&mut SliceReader::new(bag.value()).ok()?).ok();
    bag.tag() == Tag::Sequence && kind() == Some(SHROUDED_KEY_BAG)
}

/// The content of a `ContentInfo` of type data.
pub(super) fn data<'a>(content_info: &AnyRef<'a>) -> Option<&'a [u8]> {
    let content = content(content_info, ID_DATA)?;
    content.decode_as::<&OctetStringRef>().ok().map(OctetStringRef::as_bytes)
}

/// The content of a `ContentInfo` of type `kind`.
pub(super) fn content<'a>(content_info: &AnyRef<'a>, kind: ObjectIdentifier) -> Option<AnyRef<'a>> {
    let [content_type, explicit] = values(content_info.value())?.try_into().ok()?;
    if content_type.decode_as::<ObjectIdentifier>().ok()? != kind || explicit.tag() != EXPLICIT {
        return None;
    }
    AnyRef::from_der(explicit.value()).ok()
}

/// The DER of a `ContentInfo` of type data.
pub(super) fn plain(content: &[u8]) -> Option<Vec<u8>> {
    content_info(ID_DATA, AnyRef::new(Tag::OctetString, content).ok()?.to_der().ok()?)
}

/// The DER of a `ContentInfo` of type `kind` around this DER.
pub(super) fn content_info(kind: ObjectIdentifier, content: Vec<u8>) -> Option<Vec<u8>> {
    sequence([kind.to_der(), value(EXPLICIT, [Ok(content)])]).ok()
}

/// The values in a SEQUENCE that nothing follows.
pub(super) fn elements(encoded: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let outer = AnyRef::from_der(encoded).ok()?;
    if outer.tag() == Tag::Sequence { values(outer.value()) } else { None }
}

/// The values that stand one after the other.
pub(super) fn values(contents: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(contents).ok()?;
    let mut found = Vec::new();
    while !reader.is_finished() && found.len() < MAX_PARTS {
        found.push(AnyRef::decode(&mut reader).ok()?);
    }
    reader.finish().ok()?;
    Some(found)
}

/// The DER of a SEQUENCE of these.
pub(super) fn sequence(values: impl IntoIterator<Item = der::Result<Vec<u8>>>) -> der::Result<Vec<u8>> {
    value(Tag::Sequence, values)
}

/// The DER of a value with this tag, whose contents are these.
pub(super) fn value(tag: Tag, contents: impl IntoIterator<Item = der::Result<Vec<u8>>>) -> der::Result<Vec<u8>> {
    let contents = contents.into_iter().collect::<der::Result<Vec<_>>>()?.concat();
    Any::new(tag, contents)?.to_der()
}
