//! Whether the authorities in the keyring's file were made here: who can write the
//! file, and cannot unlock it, must not put another in their place.
//!
//! Each is signed by a root that is signed by itself, and the keys of both lie in the
//! keyring, sealed. Nobody else could have signed them.

use smime::crypto::{Software, signature};
use smime::x509::Certificate;

use super::error::AuthorityError;
use super::ledger::AuthorityRow;
use crate::keyring::CertificateFacts;

/// Looks at the signature of every authority, and that its key is the one it says.
///
/// # Errors
/// [`AuthorityError::Altered`] if one was not made here.
pub(super) fn check(rows: &[AuthorityRow]) -> Result<(), AuthorityError> {
    rows.iter().all(|row| is_genuine(row, rows)).then_some(()).ok_or(AuthorityError::Altered)
}

fn is_genuine(row: &AuthorityRow, rows: &[AuthorityRow]) -> bool {
    let root = match row.issuer {
        None => Some(row),
        Some(issuer) => rows.iter().find(|root| root.id == issuer && root.issuer.is_none()),
    };
    let read = |row: &AuthorityRow| Certificate::from_der(&row.certificate).ok();
    let (Some(certificate), Some(root)) = (read(row), root.and_then(read)) else { return false };
    let (algorithm, bits) = (certificate.signature_algorithm(), certificate.signature());
    CertificateFacts::of(&certificate).key_id == row.key_id
        && signature::verify(root.public_key(), algorithm, None, certificate.tbs(), bits, &Software).is_ok()
}
