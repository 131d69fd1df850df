//! Whose signature counts: what the host knows about the author of a message,
//! and whether a signer's certificate is acceptable.

use super::revocation;
use crate::budget::Budget;
use crate::domain::Authority;
use crate::error::{CertificateError, Error, HostError};
use crate::host::{Der, Field, Host, Refusal, Severity};
use crate::x509::{Certificate, address, path, usage, validity};

/// All that is needed to judge the signatures of one author. It is loaded
/// before any private key is used, so that no service out of reach can turn a
/// failure after decryption into a different reply.
pub(super) struct Trust {
    /// The author's mailbox.
    pub(super) author: String,
    /// The certificates that the operator vouches for; if there are any, no
    /// other counts.
    pinned: Vec<Certificate>,
    known: Vec<Certificate>,
    /// Those of the author's domain, which may sign for it (RFC 3183); none as
    /// long as nobody has asked for them.
    domain: Option<Vec<Certificate>>,
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    now: u64,
}

/// Why a certificate is trusted.
pub(super) enum Grounds {
    /// The operator vouches for it.
    Pinned,
    /// A path leads to a trust anchor; these are the issuers on it.
    Path(Vec<Certificate>),
    /// It is the certificate of the author's domain that is on file here.
    Domain,
}

impl Trust {
    /// Asks the host for all that concerns `author`.
    pub(super) fn load<H: Host>(host: &mut H, author: String) -> Result<Self, Error> {
        let (mut pinned, mut known) = (Vec::new(), Vec::new());
        let entries = match host.certificates(&author) {
            Ok(entries) => entries,
            Err(Refusal::Denied) => Vec::new(),
            Err(unavailable) => return Err(unavailable.into()),
        };
        for entry in entries {
            match Certificate::from_der(&entry.certificate) {
                Ok(certificate) if entry.pinned => pinned.push(certificate),
                Ok(certificate) => known.push(certificate),
                // A pin that cannot be read must not become "no pin".
                Err(_) if entry.pinned => return Err(HostError::Malformed.into()),
                Err(e) => host.report(
                    Severity::Warning,
                    "certificate-unusable",
                    &[Field::text("owner", author.as_str()), Field::text("cause", e.cause())],
                ),
            }
        }
        let anchors = parse_all(host.anchors()?)?;
        let intermediates = parse_all(host.intermediates()?)?;
        Ok(Self { author, pinned, known, domain: None, anchors, intermediates, now: host.now() })
    }

    /// Asks the host for the certificates that are filed for the signatures of the
    /// author's domain, unless it was asked before: where a signature says that it
    /// is the domain's (`is_claimed`), or one below an encryption may say so.
    ///
    /// Where none does yet and the author is known herself, a store that is out of
    /// reach must not keep her mail back for what it hardly ever needs.
    pub(super) fn load_domain<H: Host>(&mut self, host: &mut H, is_claimed: bool) -> Result<(), Error> {
        if self.domain.is_some() || self.has_pin() {
            return Ok(());
        }
        let Some(authority) = Authority::Signing.mailbox(&self.author) else { return Ok(()) };
        let entries = match host.certificates(&authority) {
            Ok(entries) => entries,
            Err(Refusal::Denied) => Vec::new(),
            Err(Refusal::Unavailable(_)) if !is_claimed && !self.known.is_empty() => return Ok(()),
            Err(unavailable) => return Err(unavailable.into()),
        };
        self.domain = Some(entries.iter().filter_map(|entry| Certificate::from_der(&entry.certificate).ok()).collect());
        Ok(())
    }

    /// The time of the call, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The certificates that may be a signer's, best first. Where the operator
    /// pinned some for the author, only those.
    pub(super) fn candidates<'a>(&'a self, included: &'a [Certificate]) -> impl Iterator<Item = &'a Certificate> {
        let others = if self.has_pin() { &[][..] } else { included };
        let known = if self.has_pin() { &[][..] } else { self.known.as_slice() };
        self.pinned.iter().chain(known).chain(self.domain.iter().flatten()).chain(others)
    }

    /// Whether the operator pinned a certificate for the author.
    pub(super) fn has_pin(&self) -> bool {
        !self.pinned.is_empty()
    }

    /// Judges whether `certificate` may sign as the author: validity, usage and
    /// key, and unless it is pinned the address and a path to an anchor on which
    /// nothing was revoked. A signature `for_domain` may be made by the author's
    /// domain instead.
    pub(super) fn judge<H: Host>(
        &self,
        host: &mut H,
        certificate: &Certificate,
        for_domain: bool,
        included: &[Certificate],
        budget: &mut Budget,
    ) -> Result<Grounds, CertificateError> {
        validity::check(certificate, self.now)?;
        usage::may_sign(certificate)?;
        if self.pinned.iter().any(|pinned| pinned.encoded() == certificate.encoded()) {
            return Ok(Grounds::Pinned);
        }
        let pool: Vec<Certificate> = self.intermediates.iter().chain(included).cloned().collect();
        let path = path::validate(certificate, &pool, &self.anchors, self.now, budget)?;
        revocation::check(host, certificate, &path, self.now, budget)?;
        if for_domain && self.is_of_domain(certificate) {
            return Ok(Grounds::Domain);
        }
        if !address::names(certificate, &self.author) {
            return Err(CertificateError::Address);
        }
        Ok(Grounds::Path(path.issuers))
    }

    /// Whether `certificate` is one of the author's domain. That an authority
    /// issued one under the well-known name is not enough, for where anybody can
    /// have an address anybody may have had this one: it has to be on file here as
    /// well (RFC 3183, section 6).
    fn is_of_domain(&self, certificate: &Certificate) -> bool {
        self.domain.iter().flatten().any(|known| known.encoded() == certificate.encoded())
            && Authority::Signing.speaks_for(certificate, &self.author)
    }
}

/// Reads certificates that the operator configured: one that does not parse is
/// a fault of the configuration, not of the message.
pub(super) fn parse_all(certificates: Vec<Der>) -> Result<Vec<Certificate>, Error> {
    certificates.iter().map(|der| Certificate::from_der(der).map_err(|_| HostError::Malformed.into())).collect()
}
