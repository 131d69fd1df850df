//! The subject of a certificate, by attribute (RFC 5280, section 4.1.2.6).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;

use super::Certificate;
use super::distinguished_name::DistinguishedName;

/// Every common name in the subject of `certificate`, as far as it is ASCII;
/// nothing if the subject cannot be read.
pub fn common_names(certificate: &Certificate) -> Vec<String> {
    values(certificate.subject_der(), COMMON_NAME).unwrap_or_default()
}

/// The values of the attributes of a `kind` in the DER of a subject, as far as
/// they are ASCII.
pub(super) fn values(subject: &[u8], kind: ObjectIdentifier) -> der::Result<Vec<String>> {
    Ok(DistinguishedName::from_der(subject)?.ascii(kind).map(str::to_owned).collect())
}
