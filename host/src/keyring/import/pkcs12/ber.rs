//! A PKCS #12 file in BER, as NSS writes it (Thunderbird, Firefox, pk12util),
//! brought to DER, which is all that the library reads.
//!
//! NSS streams: lengths are indefinite and strings come in segments, in the file
//! and again in the safes within its content. The MAC is over that content as it
//! was written, so it must be checked before the safes are rewritten; it is left
//! out of what is written here.

use const_oid::db::rfc5911::ID_ENCRYPTED_DATA;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Encode, Tag, TagNumber, Tagged};
use smime::cms::to_der;
use zeroize::Zeroizing;

use super::pbes2::named_in_full;
use super::structure::{EXPLICIT, content, content_info, data, elements, is_key, plain, sequence, value, values};

/// `[0]`, in the place of the tag of an OCTET STRING in one piece.
const IMPLICIT: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

/// A file, its content still as it was written (RFC 7292, section 4).
pub(super) struct Pfx {
    version: Vec<u8>,
    content: Zeroizing<Vec<u8>>,
    mac_data: Option<Vec<u8>>,
}

impl Pfx {
    /// Reads a file in BER or DER; none if it does not parse.
    pub(super) fn read(encoded: &[u8]) -> Option<Self> {
        let der = Zeroizing::new(to_der(encoded).ok()?);
        let parts = elements(&der)?;
        let (version, auth_safe, mac_data) = match parts.as_slice() {
            [version, auth_safe] => (version, auth_safe, None),
            [version, auth_safe, mac_data] => (version, auth_safe, Some(mac_data)),
            _ => return None,
        };
        Some(Self {
            version: version.to_der().ok()?,
            content: Zeroizing::new(data(auth_safe)?.to_vec()),
            mac_data: mac_data.map(Encode::to_der).transpose().ok()?,
        })
    }

    /// The octets the MAC is over.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// The DER of the `MacData`, if the file has one.
    pub(super) fn mac_data(&self) -> Option<&[u8]> {
        self.mac_data.as_deref()
    }

    /// The file in DER throughout, without its MAC; none if what is in it does
    /// not parse.
    pub(super) fn to_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        let content = Zeroizing::new(to_der(&self.content).ok()?);
        let safes: Option<Vec<_>> = elements(&content)?.iter().map(safe).collect();
        let safes = Zeroizing::new(sequence(safes?.into_iter().map(Ok)).ok()?);
        sequence([Ok(self.version.clone()), Ok(plain(&safes)?)]).ok().map(Zeroizing::new)
    }
}

/// The DER of one safe, a `ContentInfo` with its lengths in DER already.
fn safe(safe: &AnyRef<'_>) -> Option<Vec<u8>> {
    if let Some(bags) = data(safe) {
        let bags = Zeroizing::new(to_der(bags).ok()?);
        let bags: Option<Vec<_>> = elements(&bags)?.iter().map(bag).collect();
        return plain(&Zeroizing::new(sequence(bags?.into_iter().map(Ok)).ok()?));
    }
    match content(safe, ID_ENCRYPTED_DATA) {
        Some(encrypted) => content_info(ID_ENCRYPTED_DATA, encrypted_data(&encrypted)?),
        None => safe.to_der().ok(),
    }
}

/// ```text
/// SafeBag ::= SEQUENCE {
///   bagId         BAG-TYPE.&id,
///   bagValue      [0] EXPLICIT BAG-TYPE.&Type,  -- of a key: EncryptedPrivateKeyInfo
///   bagAttributes SET OF PKCS12Attribute OPTIONAL }
/// EncryptedPrivateKeyInfo ::= SEQUENCE {
///   encryptionAlgorithm AlgorithmIdentifier,
///   encryptedData       OCTET STRING }
/// ```
fn bag(bag: &AnyRef<'_>) -> Option<Vec<u8>> {
    if !is_key(bag) {
        return bag.to_der().ok();
    }
    let parts = values(bag.value())?;
    let [kind, explicit, attributes @ ..] = parts.as_slice() else { return None };
    let [algorithm, encrypted] = elements(explicit.value())?.try_into().ok()?;
    let key = sequence([named_in_full(&algorithm), encrypted.to_der()]);
    let parts = [kind.to_der(), value(explicit.tag(), [key])].into_iter();
    sequence(parts.chain(attributes.iter().map(Encode::to_der))).ok()
}

/// ```text
/// EncryptedData ::= SEQUENCE {
///   version              CMSVersion,
///   encryptedContentInfo SEQUENCE {
///     contentType                ContentType,
///     contentEncryptionAlgorithm AlgorithmIdentifier,
///     encryptedContent       [0] IMPLICIT OCTET STRING OPTIONAL },
///   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
/// ```
/// RFC 5652, sections 6.1 and 8. The tag of the encrypted content does not say
/// that it is a string, so that its segments are still to be joined.
fn encrypted_data(encrypted_data: &AnyRef<'_>) -> Option<Vec<u8>> {
    let parts = values(encrypted_data.value())?;
    let [version, info, attributes @ ..] = parts.as_slice() else { return None };
    let info = values(info.value())?;
    let [content_type, algorithm, encrypted @ ..] = info.as_slice() else { return None };
    let encrypted =
        encrypted.iter().map(|string| if string.tag() == EXPLICIT { joined(string) } else { string.to_der() });
    let info = sequence([content_type.to_der(), named_in_full(algorithm)].into_iter().chain(encrypted));
    sequence([version.to_der(), info].into_iter().chain(attributes.iter().map(Encode::to_der))).ok()
}

/// A string under `[0]` in one piece.
fn joined(string: &AnyRef<'_>) -> der::Result<Vec<u8>> {
    let segments = values(string.value()).ok_or(der::ErrorKind::Failed)?;
    value(IMPLICIT, segments.iter().map(|segment| Ok(segment.decode_as::<&OctetStringRef>()?.as_bytes().to_vec())))
}
