//! The path from a certificate to a trust anchor (RFC 5280, section 6).
//!
//! The search climbs from the leaf, trusted anchors first, and checks each
//! signature on the way up, so that nobody can make it walk where no valid
//! signature leads. Revocation is judged after it ([`super::revocation`]).

use std::collections::BTreeSet;

use der::asn1::OctetStringRef;
use der::{Decode, Reader, SliceReader, TagMode, TagNumber};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::BasicConstraints;

use super::name_constraints::NameConstraints;
use super::{Certificate, extension, policies, usage, validity};
use crate::budget::{Budget, Limit};
use crate::crypto::signature::{self, Scheme, SignatureError};
use crate::crypto::{DigestAlgorithm, Software};
use crate::error::CertificateError;

/// Finds a path from `leaf` over certificates of `pool`, which carry no trust,
/// to one of `anchors`, and checks it at `now`, in seconds since
/// 1970-01-01T00:00:00Z: signatures and their algorithms, validity,
/// basicConstraints, keyUsage and extendedKeyUsage of every issuer, name
/// constraints, policies, and critical extensions. What the leaf may be used for, and whom it names, is
/// not judged here.
///
/// Without a path the error is the most specific one met. Each signature is one
/// [`Budget::path_step`].
pub fn validate(
    leaf: &Certificate,
    pool: &[Certificate],
    anchors: &[Certificate],
    now: u64,
    budget: &mut Budget,
) -> Result<Path, CertificateError> {
    validity::check(leaf, now)?;
    extension::all_judged(leaf)?;
    if anchors.contains(leaf) {
        return Ok(Path::default());
    }
    let mut search = Search { pool: distinct(pool), anchors, now, budget, found_wrong: CertificateError::NoPath };
    let mut path = vec![leaf];
    match search.climb(&mut path)? {
        Some(anchor) => Ok(Path { issuers: path.into_iter().skip(1).cloned().collect(), anchor: Some(anchor.clone()) }),
        None => Err(search.found_wrong),
    }
}

/// What leads from a certificate to a trust anchor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The issuers between the two, that of the leaf first.
    pub issuers: Vec<Certificate>,
    /// The anchor; none of a leaf that is one.
    pub anchor: Option<Certificate>,
}

impl Path {
    /// Each certificate from `leaf` upwards but the anchor, with its issuer.
    pub fn links<'a>(&'a self, leaf: &'a Certificate) -> impl Iterator<Item = (&'a Certificate, &'a Certificate)> {
        let subjects = std::iter::once(leaf).chain(&self.issuers);
        subjects.zip(self.issuers.iter().chain(&self.anchor))
    }
}

/// Most issuers between the leaf and the anchor.
const MAX_ISSUERS: usize = 10;

struct Search<'a, 'b> {
    pool: Vec<&'a Certificate>,
    anchors: &'a [Certificate],
    now: u64,
    budget: &'b mut Budget,
    /// The most specific reason why a path was not taken.
    found_wrong: CertificateError,
}

impl<'a> Search<'a, '_> {
    /// Goes on from the last certificate of `path` until an anchor issued it.
    fn climb(&mut self, path: &mut Vec<&'a Certificate>) -> Result<Option<&'a Certificate>, Limit> {
        let Some(&subject) = path.last() else { return Ok(None) };
        if !resists_forgery(subject.signature_algorithm()) {
            self.note(CertificateError::Algorithm);
            return Ok(None);
        }
        for anchor in issuers(subject, self.anchors.iter()) {
            let issued = usage::anchor_may_issue(anchor).and_then(|()| self.issued(anchor, path));
            match issued.and_then(|()| policies::check(path, anchor)) {
                Ok(()) => return Ok(Some(anchor)),
                Err(e) => self.note_or_stop(e)?,
            }
        }
        if path.len() > MAX_ISSUERS {
            return Ok(None);
        }
        for issuer in issuers(subject, self.pool.iter().copied()) {
            // RFC 4158, section 5.2: the same key under the same name again
            // leads nowhere new.
            if path.iter().any(|c| c.subject_der() == issuer.subject_der() && c.public_key() == issuer.public_key()) {
                continue;
            }
            match usage::may_issue(issuer).and_then(|()| self.issued(issuer, path)) {
                Ok(()) => {}
                Err(e) => {
                    self.note_or_stop(e)?;
                    continue;
                }
            }
            path.push(issuer);
            if let Some(anchor) = self.climb(path)? {
                return Ok(Some(anchor));
            }
            path.pop();
        }
        Ok(None)
    }

    /// Whether `issuer` may stand above `path` and signed the last of it. What
    /// costs most comes last, and constraints count from no one but a signer.
    fn issued(&mut self, issuer: &Certificate, path: &[&Certificate]) -> Result<(), CertificateError> {
        let subject = path.last().ok_or(CertificateError::NoPath)?;
        extension::all_judged(issuer)?;
        validity::check(issuer, self.now)?;
        length_allowed(issuer, path)?;
        self.budget.path_step()?;
        let (algorithm, signature) = (subject.signature_algorithm(), subject.signature());
        signature::verify(issuer.public_key(), algorithm, None, subject.tbs(), signature, &Software).map_err(|e| {
            match e {
                SignatureError::Unsupported => CertificateError::Algorithm,
                SignatureError::Key => CertificateError::Key,
                SignatureError::Mismatch => CertificateError::Signature,
            }
        })?;
        self.names_allowed(issuer, path)
    }

    /// Whether the name constraints of `issuer` allow the names of all that is
    /// below, but of those that issued themselves (RFC 5280, section 6.1.3).
    fn names_allowed(&mut self, issuer: &Certificate, path: &[&Certificate]) -> Result<(), CertificateError> {
        let Some(constraints) = NameConstraints::of(issuer)? else { return Ok(()) };
        for (depth, certificate) in path.iter().enumerate() {
            if depth == 0 || !certificate.is_self_issued() {
                constraints.check(certificate, self.budget)?;
            }
        }
        Ok(())
    }

    fn note_or_stop(&mut self, error: CertificateError) -> Result<(), Limit> {
        if let CertificateError::Limit(limit) = error {
            return Err(limit);
        }
        self.note(error);
        Ok(())
    }

    fn note(&mut self, error: CertificateError) {
        if specificity(&error) > specificity(&self.found_wrong) {
            self.found_wrong = error;
        }
    }
}

/// How much an error tells: a certificate of the right name that did not sign
/// says less than one that has expired.
fn specificity(error: &CertificateError) -> u8 {
    match error {
        CertificateError::NoPath => 0,
        CertificateError::Signature => 1,
        CertificateError::Malformed => 2,
        CertificateError::Issuer => 3,
        CertificateError::Usage | CertificateError::Address => 4,
        CertificateError::Unjudged => 5,
        CertificateError::NotYetValid => 6,
        CertificateError::Expired => 7,
        CertificateError::Key => 8,
        CertificateError::Algorithm => 9,
        // Said of a path that was found.
        CertificateError::NameConstraints
        | CertificateError::Policies
        | CertificateError::Revoked
        | CertificateError::RevocationUnknown => 10,
        CertificateError::Limit(_) => 11,
    }
}

/// Whether a signature algorithm resists forgery: of those implemented, all but
/// what rests on SHA-1. It is asked of all but the anchor, whose own signature
/// nobody looks at.
pub(super) fn resists_forgery(algorithm: &AlgorithmIdentifierOwned) -> bool {
    Scheme::read(algorithm, None).is_ok_and(|scheme| scheme.digest() != Some(DigestAlgorithm::Sha1))
}

/// Whether pathLenConstraint allows the issuers that are on `path` already.
/// Those that issued themselves do not count (RFC 5280, section 4.2.1.9).
fn length_allowed(issuer: &Certificate, path: &[&Certificate]) -> Result<(), CertificateError> {
    let constraints: Option<BasicConstraints> = issuer.extension()?;
    let Some(most) = constraints.and_then(|c| c.path_len_constraint) else { return Ok(()) };
    let below = path.iter().skip(1).filter(|c| !c.is_self_issued()).count();
    if below <= usize::from(most) { Ok(()) } else { Err(CertificateError::Issuer) }
}

/// The certificates among `candidates` whose subject is the issuer of
/// `subject`, those whose key identifier fits first. Names are compared octet
/// by octet.
fn issuers<'a>(subject: &Certificate, candidates: impl Iterator<Item = &'a Certificate>) -> Vec<&'a Certificate> {
    let wanted = authority_key_identifier(subject);
    let mut found: Vec<_> = candidates.filter(|c| c.subject_der() == subject.issuer_der()).collect();
    found.sort_by_key(|c| match (&wanted, c.subject_key_identifier()) {
        (Some(wanted), Some(identifier)) => {
            if *wanted == identifier {
                0
            } else {
                2
            }
        }
        _ => 1,
    });
    found
}

/// The key identifier in authorityKeyIdentifier: a hint, no more.
///
/// ```text
/// AuthorityKeyIdentifier ::= SEQUENCE {
///   keyIdentifier [0] KeyIdentifier OPTIONAL, ... }
/// ```
fn authority_key_identifier(certificate: &Certificate) -> Option<&[u8]> {
    let extension = certificate.extension_of(const_oid::db::rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
    let content = <&der::asn1::SequenceRef>::from_der(extension.extn_value.as_bytes()).ok()?;
    let mut reader = SliceReader::new(content.as_bytes()).ok()?;
    let identifier: Option<&OctetStringRef> = reader.context_specific(TagNumber(0), TagMode::Implicit).ok()?;
    identifier.map(OctetStringRef::as_bytes)
}

/// Each certificate once, in the order given: copies must not multiply work.
fn distinct(pool: &[Certificate]) -> Vec<&Certificate> {
    let mut seen = BTreeSet::new();
    pool.iter().filter(|certificate| seen.insert(certificate.encoded())).collect()
}
