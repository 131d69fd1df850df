//! Which extensions this version judges; a certificate that demands more is
//! refused (RFC 5280, section 4.2).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_CE_BASIC_CONSTRAINTS, ID_CE_CERTIFICATE_POLICIES, ID_CE_EXT_KEY_USAGE, ID_CE_INHIBIT_ANY_POLICY,
    ID_CE_KEY_USAGE, ID_CE_NAME_CONSTRAINTS, ID_CE_POLICY_CONSTRAINTS, ID_CE_POLICY_MAPPINGS, ID_CE_SUBJECT_ALT_NAME,
};

use super::Certificate;
use crate::error::CertificateError;

/// The extensions that may be critical.
const JUDGED: [ObjectIdentifier; 9] = [
    ID_CE_BASIC_CONSTRAINTS,
    ID_CE_KEY_USAGE,
    ID_CE_EXT_KEY_USAGE,
    ID_CE_SUBJECT_ALT_NAME,
    ID_CE_NAME_CONSTRAINTS,
    ID_CE_CERTIFICATE_POLICIES,
    ID_CE_POLICY_MAPPINGS,
    ID_CE_POLICY_CONSTRAINTS,
    ID_CE_INHIBIT_ANY_POLICY,
];

/// Whether every critical extension of `certificate` is judged here; if not,
/// [`CertificateError::Unjudged`].
pub fn all_judged(certificate: &Certificate) -> Result<(), CertificateError> {
    let unknown = certificate.extensions().iter().any(|e| e.critical && !JUDGED.contains(&e.extn_id));
    if unknown { Err(CertificateError::Unjudged) } else { Ok(()) }
}
