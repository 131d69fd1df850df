//! Whether a certificate was revoked, by the lists of its issuer (RFC 5280,
//! section 6.3; RFC 8550, section 4.2).

use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::ext::pkix::{BasicConstraints, CrlDistributionPoints, KeyUsage};

use super::Certificate;
use super::path::resists_forgery;
use super::revocation_list::RevocationList;
use crate::budget::Budget;
use crate::crypto::{Software, signature};
use crate::error::CertificateError;

/// Checks `certificate`, which `issuer` signed, against the DER revocation lists
/// that the operator has for that issuer, at `now`, in seconds since
/// 1970-01-01T00:00:00Z. Every signature is one [`Budget::path_step`].
///
/// No lists at all are no answer and no fault: the operator keeps none. Where
/// there are some, one of them has to be good: signed by the issuer, in force,
/// and about this certificate. An indirect list counts for the certificates of
/// its own issuer.
///
/// # Errors
/// [`CertificateError::Revoked`] if a good list has it;
/// [`CertificateError::RevocationUnknown`] if no list is good; a limit.
pub fn check(
    certificate: &Certificate,
    issuer: &Certificate,
    lists: &[Vec<u8>],
    now: u64,
    budget: &mut Budget,
) -> Result<(), CertificateError> {
    if lists.is_empty() {
        return Ok(());
    }
    let mut cleared = false;
    for encoded in lists {
        let Some(list) = RevocationList::from_der(encoded) else { continue };
        if !list.is_current(now) || !concerns(&list, certificate)? {
            continue;
        }
        if !is_signed(&list, issuer, budget)? {
            continue;
        }
        match list.lists(certificate) {
            Some(true) => return Err(CertificateError::Revoked),
            Some(false) => cleared |= !list.scope().partial,
            None => {}
        }
    }
    if cleared { Ok(()) } else { Err(CertificateError::RevocationUnknown) }
}

/// Whether a list is about a certificate: its kind, and its distribution points.
fn concerns(list: &RevocationList<'_>, certificate: &Certificate) -> Result<bool, CertificateError> {
    let constraints: Option<BasicConstraints> = certificate.extension()?;
    let is_authority = constraints.is_some_and(|c| c.ca);
    let scope = list.scope();
    if scope.users_only && is_authority || scope.authorities_only && !is_authority {
        return Ok(false);
    }
    let Some(point) = &scope.point else { return Ok(true) };
    let points: Option<CrlDistributionPoints> = certificate.extension()?;
    Ok(points
        .is_some_and(|points| points.0.iter().any(|p| p.distribution_point.as_ref().is_some_and(|p| same(p, point)))))
}

/// Whether two distribution points have a name in common.
fn same(a: &DistributionPointName, b: &DistributionPointName) -> bool {
    match (a, b) {
        (DistributionPointName::FullName(a), DistributionPointName::FullName(b)) => {
            a.iter().any(|name| b.contains(name))
        }
        (a, b) => a == b,
    }
}

/// Whether `issuer` signed the list, and may: with cRLSign, if it has a keyUsage
/// at all.
fn is_signed(list: &RevocationList<'_>, issuer: &Certificate, budget: &mut Budget) -> Result<bool, CertificateError> {
    let usage: Option<KeyUsage> = issuer.extension()?;
    let may_sign = usage.is_none_or(|usage| usage.crl_sign());
    if list.issuer_der() != issuer.subject_der() || !may_sign || !resists_forgery(list.signature_algorithm()) {
        return Ok(false);
    }
    budget.path_step()?;
    let (algorithm, bits) = (list.signature_algorithm(), list.signature());
    Ok(signature::verify(issuer.public_key(), algorithm, None, list.tbs(), bits, &Software).is_ok())
}
