//! A signature layer: is the content what was signed, and is a signer the
//! author (RFC 5652, section 5; RFC 8550, section 3)?

use super::layer::{self, Layer};
use super::results::{Finding, Outcome};
use super::trust::{Grounds, Trust};
use crate::budget::Budget;
use crate::cms::{SignatureType, SignedData, SignerInfo};
use crate::crypto::DigestAlgorithm;
use crate::domain::Authority;
use crate::error::{CertificateError, CmsError, Error, PolicyError};
use crate::host::{Der, Field, Host, LegacyAlgorithms, Severity};
use crate::mime::Entity;
use crate::x509::{Certificate, address};

/// What a signature layer says.
pub(super) struct Judgement {
    /// One result for each signature found.
    pub(super) findings: Vec<Finding>,
    /// The author signed the content, with a certificate that is trusted.
    pub(super) passed: bool,
    /// Every signature could be checked, whether or not it is acceptable.
    pub(super) checked: bool,
    /// Why it did not pass, if it did not.
    pub(super) fault: Option<Error>,
}

/// A signature that verified.
struct Verified<'c> {
    certificate: &'c Certificate,
    grounds: Grounds,
}

/// Judges all signatures of `signed` over `content`, found at `part`.
///
/// An altered content is an error, whatever the policy. Every `SignerInfo` must
/// verify: one that does not makes the whole layer suspect. Whether a sound
/// signature is acceptable is in the answer.
pub(super) fn judge<H: Host>(
    host: &mut H,
    trust: &Trust,
    signed: &SignedData,
    content: &[u8],
    part: &str,
    legacy: LegacyAlgorithms,
    budget: &mut Budget,
) -> Result<Judgement, Error> {
    // A certificate in a message that does not parse cannot be the signer's.
    let included: Vec<Certificate> =
        signed.certificates().iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let mut judgement = Judgement { findings: Vec::new(), passed: false, checked: true, fault: None };
    let mut digests = Digests::new(content);
    check_signature_types(signed.signers())?;
    for signer in signed.signers() {
        let found = verify(host, trust, signed, signer, &included, &mut digests, budget)?;
        let judged = match found {
            Ok(certificate) => accept(host, trust, signer, certificate, &included, legacy, budget)
                .map(|grounds| Verified { certificate, grounds })
                .map_err(|fault| (Some(certificate), fault)),
            Err(fault) => {
                judgement.checked = false;
                Err((None, fault))
            }
        };
        match judged {
            Ok(verified) => {
                report_verified(host, trust, signer, &verified, part);
                offer(host, trust, signer, &verified);
                judgement.passed = true;
                let identifier = match verified.grounds {
                    Grounds::Domain => identifier(verified.certificate, &trust.author),
                    Grounds::Pinned | Grounds::Path(_) => Some(trust.author.clone()),
                };
                judgement.findings.push(Finding::new(Outcome::Pass, None, identifier, part));
            }
            Err((certificate, fault)) => {
                let identifier = certificate.and_then(|c| identifier(c, &trust.author));
                report_fault(host, &fault, identifier.as_deref(), part);
                let outcome = Outcome::of_fault(&fault);
                judgement.findings.push(Finding::new(outcome, Some(fault.cause()), identifier, part));
                judgement.fault.get_or_insert(fault);
            }
        }
    }
    if signed.signers().is_empty() {
        judgement.fault = Some(PolicyError::SignatureRequired.into());
    }
    if judgement.passed {
        judgement.fault = None;
    }
    Ok(judgement)
}

/// Whether a message that leaves is signed, and not by its author or not so that
/// the signature counts.
///
/// # Errors
/// What is out of reach, and a signature that is wrong.
pub(super) fn is_unacceptable<H: Host>(
    host: &mut H,
    message: &Entity<'_>,
    author: &str,
    budget: &mut Budget,
) -> Result<bool, Error> {
    let (signed, content) = match layer::recognise(message, budget)? {
        Layer::Detached { content, signature, .. } => (signature, content.to_vec()),
        Layer::Opaque { signed, encoded } => {
            let content = signed.content().map(|segments| segments.clone().take(encoded));
            (signed, content.ok_or(CmsError::Malformed)?)
        }
        Layer::Clear | Layer::Encrypted { .. } | Layer::Compressed { .. } => return Ok(false),
    };
    let mut trust = Trust::load(host, author.to_owned())?;
    if is_for_domain(&signed) {
        trust.load_domain(host, true)?;
    }
    let judgement = judge(host, &trust, &signed, &content, "1", LegacyAlgorithms::default(), budget)?;
    Ok(!judgement.passed)
}

/// Whether a signature says that it is that of a whole domain (RFC 3183, section
/// 3.1).
pub(super) fn is_for_domain(signed: &SignedData) -> bool {
    signed.signers().iter().any(|signer| signer.signature_type().contains(&SignatureType::Domain))
}

/// All signers have to say the same of what their signatures are for (RFC 3183,
/// section 3.1.2).
fn check_signature_types(signers: &[SignerInfo]) -> Result<(), Error> {
    let mut types = signers.iter().map(SignerInfo::signature_type);
    let first = types.next().unwrap_or_default();
    if types.all(|other| other == first) { Ok(()) } else { Err(CmsError::Altered.into()) }
}

/// Finds the certificate with which `signer` verifies. The inner error says
/// that the signature cannot be checked; the outer one that it is wrong.
fn verify<'c, H: Host>(
    host: &H,
    trust: &'c Trust,
    signed: &SignedData,
    signer: &SignerInfo,
    included: &'c [Certificate],
    digests: &mut Digests<'_>,
    budget: &mut Budget,
) -> Result<Result<&'c Certificate, Error>, Error> {
    let mut outcome = if trust.has_pin() { CmsError::Altered } else { CmsError::NoCertificate };
    let algorithm = match signer.digest_algorithm() {
        Ok(algorithm) => algorithm,
        Err(e) => return Ok(Err(e.named(signer.digest_oid()).into())),
    };
    for certificate in trust.candidates(included).filter(|c| signer.identifies(c)) {
        // Many certificates may bear one key identifier.
        budget.path_step()?;
        let content = digests.content;
        let digest = digests.get(host, algorithm);
        match signer.verify(signed.content_type(), digest, content, certificate, host.bulk()) {
            Ok(()) => return Ok(Ok(certificate)),
            Err(e) => outcome = e,
        }
    }
    match outcome {
        CmsError::Algorithm => Ok(Err(outcome.named(signer.signature_oid()).into())),
        CmsError::NoCertificate => Ok(Err(outcome.into())),
        wrong => Err(wrong.into()),
    }
}

/// Whether a sound signature is acceptable, and why its signer is the author.
fn accept<H: Host>(
    host: &mut H,
    trust: &Trust,
    signer: &SignerInfo,
    certificate: &Certificate,
    included: &[Certificate],
    legacy: LegacyAlgorithms,
    budget: &mut Budget,
) -> Result<Grounds, Error> {
    if signer.digest_algorithm()? == DigestAlgorithm::Sha1 && !legacy.sha1 {
        return Err(CmsError::Algorithm.named(signer.digest_oid()).into());
    }
    if signer.signing_time().is_some_and(|time| time > trust.now().saturating_add(CLOCK_SKEW)) {
        return Err(PolicyError::SigningTime.into());
    }
    let for_domain = signer.signature_type().contains(&SignatureType::Domain);
    trust.judge(host, certificate, for_domain, included, budget).map_err(|e| match e {
        CertificateError::Limit(limit) => limit.into(),
        other => other.into(),
    })
}

/// How old a signature may be to say what its author reads now, in seconds: mail is
/// given up after five days. What is older was sent again, by somebody who may want
/// the author written to as at that time (T32).
const RECENT: u64 = 7 * 86_400;

fn offer<H: Host>(host: &mut H, trust: &Trust, signer: &SignerInfo, verified: &Verified<'_>) {
    // What would be learned of an authority would count for its whole domain: that
    // is for the operator to file.
    if Authority::is_named_by(&trust.author) {
        return;
    }
    if let Grounds::Path(chain) = &verified.grounds {
        let chain: Vec<Der> = chain.iter().map(|c| c.encoded().to_vec()).collect();
        let is_recent = signer.signing_time().is_none_or(|time| time.saturating_add(RECENT) >= trust.now());
        let capabilities = signer.capabilities().filter(|_| is_recent);
        host.offer(&trust.author, verified.certificate.encoded(), &chain, capabilities.as_deref());
    }
}

fn report_verified<H: Host>(host: &mut H, trust: &Trust, signer: &SignerInfo, verified: &Verified<'_>, part: &str) {
    let digest = signer.digest_algorithm().map_or("unknown", DigestAlgorithm::micalg);
    let grounds = match verified.grounds {
        Grounds::Pinned => "pinned",
        Grounds::Path(_) => "path",
        Grounds::Domain => "domain",
    };
    host.report(
        Severity::Info,
        "signature-verified",
        &[
            Field::text("signer", trust.author.as_str()),
            Field::text("part", part),
            Field::text("digest", digest),
            Field::text("trust", grounds),
            Field::octets("fingerprint", verified.certificate.fingerprint()),
        ],
    );
}

fn report_fault<H: Host>(host: &mut H, fault: &Error, identifier: Option<&str>, part: &str) {
    let mut fields = vec![Field::text("cause", fault.cause()), Field::text("part", part)];
    fields.extend(identifier.map(|identifier| Field::text("signer", identifier)));
    host.report(Severity::Warning, "signature-unacceptable", &fields);
}

/// The address by which a signer is reported: the author's if the certificate
/// names it, else the first it names.
fn identifier(certificate: &Certificate, author: &str) -> Option<String> {
    if address::names(certificate, author) {
        return Some(author.to_owned());
    }
    address::mailboxes(certificate).into_iter().next()
}

/// The digests of a content, each computed once however many signers use it.
struct Digests<'a> {
    content: &'a [u8],
    computed: Vec<(DigestAlgorithm, Vec<u8>)>,
}

impl<'a> Digests<'a> {
    fn new(content: &'a [u8]) -> Self {
        Self { content, computed: Vec::new() }
    }

    fn get<H: Host>(&mut self, host: &H, algorithm: DigestAlgorithm) -> &[u8] {
        let known = self.computed.iter().position(|(known, _)| *known == algorithm);
        let index = known.unwrap_or_else(|| {
            self.computed.push((algorithm, host.bulk().digest(algorithm, self.content)));
            self.computed.len().saturating_sub(1)
        });
        self.computed.get(index).map_or(&[], |(_, digest)| digest)
    }
}

/// How far a signer's clock may run ahead of ours, in seconds.
const CLOCK_SKEW: u64 = 86_400;
