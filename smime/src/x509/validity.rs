//! When a certificate is valid (RFC 5280, section 4.1.2.5).

use super::Certificate;
use crate::error::CertificateError;

/// Whether `certificate` is valid at `now`, in seconds since
/// 1970-01-01T00:00:00Z: from its notBefore through its notAfter.
///
/// It is judged at the current time, never at a signing time, which the signer
/// chooses (RFC 8550, section 6).
pub fn check(certificate: &Certificate, now: u64) -> Result<(), CertificateError> {
    if now < certificate.not_before() {
        Err(CertificateError::NotYetValid)
    } else if now > certificate.not_after() {
        Err(CertificateError::Expired)
    } else {
        Ok(())
    }
}
