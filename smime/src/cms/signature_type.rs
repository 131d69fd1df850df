//! What a signature is for (RFC 3183, section 3.1): the author's own, or one that
//! a domain puts around the signatures of others.

use const_oid::ObjectIdentifier;

use super::ber::{Reader, tag};
use super::encode;
use crate::error::CmsError;

/// `id-aa-signatureType`.
pub(super) const ID_AA_SIGNATURE_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.28");

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureType {
    /// The author's own: what a signature is that does not say.
    Originator,
    /// A domain's, on behalf of an author whom it knows.
    Domain,
    /// It only adds attributes to what others signed.
    AdditionalAttributes,
    /// A domain's, which has reviewed the message.
    Review,
}

const TYPES: [(ObjectIdentifier, SignatureType); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.9.1"), SignatureType::Originator),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.9.2"), SignatureType::Domain),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.9.3"), SignatureType::AdditionalAttributes),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.9.4"), SignatureType::Review),
];

/// Reads `SignatureType ::= SEQUENCE OF OBJECT IDENTIFIER`: each type once, and
/// additional-attributes alone. Types that are not known are none of ours.
///
/// # Errors
/// [`CmsError::Altered`] if it breaks these rules.
pub(super) fn read(value: &[u8]) -> Result<Vec<SignatureType>, CmsError> {
    let mut found: Vec<SignatureType> = Vec::new();
    let mut count = 0usize;
    Reader::new(value).nested(tag::SEQUENCE, |types| {
        while !types.is_finished() {
            count = count.saturating_add(1);
            let oid = types.oid()?;
            let known = TYPES.iter().find(|(known, _)| *known == oid).map(|(_, kind)| *kind);
            match known {
                Some(kind) if found.contains(&kind) => return Err(CmsError::Altered),
                Some(kind) => found.push(kind),
                None => {}
            }
        }
        Ok::<_, CmsError>(())
    })?;
    let is_mixed = found.contains(&SignatureType::AdditionalAttributes) && count > 1;
    if count == 0 || is_mixed { Err(CmsError::Altered) } else { Ok(found) }
}

/// The DER of a `SignatureType` of one kind.
pub(super) fn write(kind: SignatureType) -> Vec<u8> {
    let oid = TYPES.iter().find(|(_, known)| *known == kind).map(|(oid, _)| oid.as_bytes());
    encode::sequence(&[&encode::value(tag::OBJECT_IDENTIFIER, &[oid.unwrap_or_default()])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_what_is_written_is_read() {
        for (_, kind) in TYPES {
            assert_eq!(read(&write(kind)), Ok(vec![kind]));
        }
    }

    #[test]
    fn g3_types_do_not_repeat_and_additional_attributes_stand_alone() {
        let oid = |at: usize| encode::value(tag::OBJECT_IDENTIFIER, &[TYPES[at].0.as_bytes()]);
        assert_eq!(read(&encode::sequence(&[&oid(1), &oid(3)])).map(|types| types.len()), Ok(2));
        for wrong in [vec![oid(1), oid(1)], vec![oid(2), oid(1)], vec![]] {
            let parts: Vec<&[u8]> = wrong.iter().map(Vec::as_slice).collect();
            assert_eq!(read(&encode::sequence(&parts)), Err(CmsError::Altered));
        }
    }
}
