//! Whether a certificate, or one on its path, was revoked: the host is asked for
//! the lists of each issuer.

use crate::budget::Budget;
use crate::error::CertificateError;
use crate::host::Host;
use crate::x509::path::Path;
use crate::x509::{Certificate, revocation};

/// Checks `leaf` and the issuers on its `path` at `now`, in seconds since 1970.
/// Lists that are out of reach, or that the host does not give, are no reason to
/// do without them.
pub(super) fn check<H: Host>(
    host: &mut H,
    leaf: &Certificate,
    path: &Path,
    now: u64,
    budget: &mut Budget,
) -> Result<(), CertificateError> {
    for (certificate, issuer) in path.links(leaf) {
        let lists = host.revocation_lists(certificate.issuer_der()).map_err(|_| CertificateError::RevocationUnknown)?;
        revocation::check(certificate, issuer, &lists, now, budget)?;
    }
    Ok(())
}
