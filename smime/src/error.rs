//! Why a message is not accepted, by who can do something about it; and the
//! one place where each reason is given its reply (`docs/audit.md` has the
//! table).
//!
//! What the client reads ([`Error::verdict`]) and what the operator reads
//! ([`Error::cause`]) are two texts.

use crate::budget::Limit;
use crate::host::{KeyError, Refusal};
use crate::verdict::{Reply, Verdict};

/// Why a message is not accepted, by who can do something about it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Whoever sent it or passed it on: octets that do not parse or do not
    /// verify.
    Message(MessageError),
    /// The holder of a certificate, or its issuer.
    Certificate(CertificateError),
    /// The sender and the tenant, who want different things.
    Policy(PolicyError),
    /// The host: an answer that is out of reach for now, or denied.
    Host(HostError),
}

/// What is wrong with the octets of a message.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// The MIME structure.
    Mime(MimeError),
    /// The S/MIME structure, or what it protects.
    Cms(CmsError),
    /// It would cost more work than one message may.
    Limit(Limit),
}

/// What is wrong with a MIME structure (RFC 5322, RFC 2045, RFC 2046).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MimeError {
    /// A CR without LF, or a LF without CR, in a place where lines count.
    BareLineEnd,
    /// A line of the header is no header field and no continuation of one.
    HeaderField,
    /// A field that may stand once stands twice.
    RepeatedField,
    /// A `Content-Type` that does not parse.
    ContentType,
    /// A `Content-Transfer-Encoding` that is not one of RFC 2045, or that does
    /// not suit the content type.
    TransferEncoding,
    /// A body that its transfer encoding does not explain.
    EncodedBody,
    /// A multipart without boundary, or one whose boundary does not delimit.
    Multipart,
    /// A `From` or `Sender` from which no author can be read.
    Author,
}

/// What is wrong with a CMS structure (RFC 5652, RFC 5083), or with what it
/// protects.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmsError {
    /// It does not parse, or breaks a rule of its type.
    Malformed,
    /// Not a content type that this filter opens.
    ContentType,
    /// An algorithm that is not implemented, or that policy switches off.
    Algorithm,
    /// The same, where it has a name: that of a public table, not of the message.
    NamedAlgorithm(&'static str),
    /// A digest or a signature does not fit the content.
    Altered,
    /// The content does not decrypt, or nothing proves that it is intact. This
    /// is all there is to say: it stands for every failure between the use of
    /// a private key and the proof.
    Undecipherable,
    /// The signer's certificate cannot be found.
    NoCertificate,
}

/// What is wrong with a certificate or its path (RFC 5280, RFC 8550).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// It does not parse.
    Malformed,
    /// Its validity has not begun.
    NotYetValid,
    /// Its validity is over.
    Expired,
    /// keyUsage or extendedKeyUsage do not allow this use.
    Usage,
    /// It does not name the mailbox it should.
    Address,
    /// Its key is too small, too large, or of a kind not implemented.
    Key,
    /// It, or one on its path, is signed with an algorithm that is not
    /// implemented or not good enough.
    Algorithm,
    /// No path leads to a trust anchor.
    NoPath,
    /// An issuer on the path is none: basicConstraints, keyUsage or pathLen.
    Issuer,
    /// A critical extension, or a name constraint, that cannot be judged.
    Unjudged,
    /// It has a name for which one of its issuers may not issue.
    NameConstraints,
    /// A certificate policy is required on its path, and none is valid there.
    Policies,
    /// It was revoked, or one on its path was.
    Revoked,
    /// Whether it was revoked cannot be told now: the lists of its issuer are out
    /// of reach, or none of them is in force.
    RevocationUnknown,
    /// A signature on the path is wrong.
    Signature,
    /// The work for one message is spent.
    Limit(Limit),
}

/// What a tenant demands and a message lacks.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// A trusted signature by the author.
    SignatureRequired,
    /// A signing time that is not in the future.
    SigningTime,
    /// Encryption.
    EncryptionRequired,
    /// Encryption that a key of these recipients opens.
    NotForRecipient,
    /// The submitter may not write as the author.
    Submitter,
    /// Agreement between the signer and the author named inside: someone else's
    /// ciphertext was signed again, or nothing inside says that it was not.
    ProtectedAuthor,
    /// A key to sign with.
    NoSigningKey,
    /// A usable certificate of these recipients of the envelope.
    NoRecipientCertificate(Vec<String>),
    /// A header that can be hidden (RFC 9788): the message is signed already, or
    /// its type cannot be read.
    HeaderProtection,
}

/// What the host did not do.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// An answer is out of reach for now; the text is for the audit log.
    Unavailable(String),
    /// An answer was denied.
    Denied,
    /// A private key did not do what it is for.
    Key,
    /// What the host filed does not parse.
    Malformed,
}

impl Error {
    /// The verdict this error leads to: a rejection, or a deferral where a
    /// later attempt with the same octets may succeed.
    pub fn verdict(&self) -> Verdict {
        let reply = self.reply();
        if reply.code < 500 { Verdict::Defer(reply) } else { Verdict::Reject(reply) }
    }

    /// The true cause, for the audit log: one word in kebab-case.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Message(MessageError::Mime(e)) => match e {
                MimeError::BareLineEnd => "bare-line-end",
                MimeError::HeaderField => "header-field",
                MimeError::RepeatedField => "repeated-field",
                MimeError::ContentType => "content-type",
                MimeError::TransferEncoding => "transfer-encoding",
                MimeError::EncodedBody => "encoded-body",
                MimeError::Multipart => "multipart",
                MimeError::Author => "author",
            },
            Self::Message(MessageError::Cms(e)) => match e {
                CmsError::Malformed => "cms-malformed",
                CmsError::ContentType => "cms-content-type",
                CmsError::Algorithm | CmsError::NamedAlgorithm(_) => "algorithm",
                CmsError::Altered => "altered",
                CmsError::Undecipherable => "undecipherable",
                CmsError::NoCertificate => "no-certificate",
            },
            Self::Message(MessageError::Limit(limit)) => match limit {
                Limit::Layers => "limit-layers",
                Limit::Parts => "limit-parts",
                Limit::Fields => "limit-fields",
                Limit::Signers => "limit-signers",
                Limit::Recipients => "limit-recipients",
                Limit::Certificates => "limit-certificates",
                Limit::PathSteps => "limit-path-steps",
                Limit::NameComparisons => "limit-name-comparisons",
                Limit::Octets => "limit-octets",
            },
            Self::Certificate(e) => e.cause(),
            Self::Policy(e) => match e {
                PolicyError::SignatureRequired => "signature-required",
                PolicyError::SigningTime => "signing-time",
                PolicyError::EncryptionRequired => "encryption-required",
                PolicyError::NotForRecipient => "not-for-recipient",
                PolicyError::Submitter => "submitter",
                PolicyError::ProtectedAuthor => "protected-author",
                PolicyError::NoSigningKey => "no-signing-key",
                PolicyError::NoRecipientCertificate(_) => "no-recipient-certificate",
                PolicyError::HeaderProtection => "header-protection",
            },
            Self::Host(e) => match e {
                HostError::Unavailable(_) => "host-unavailable",
                HostError::Denied => "host-denied",
                HostError::Key => "host-key",
                HostError::Malformed => "host-malformed",
            },
        }
    }

    /// What the audit log is told beyond the cause, where there is more to say.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Policy(PolicyError::NoRecipientCertificate(recipients)) => Some(recipients.join(", ")),
            Self::Host(HostError::Unavailable(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// What the client is told. Nothing in it comes from the message, but for
    /// the recipients of the envelope where the reply is about them.
    fn reply(&self) -> Reply {
        match self {
            Self::Message(MessageError::Mime(MimeError::BareLineEnd)) => {
                reply(550, 5, 2, "The message has bare CR or LF characters; send lines that end in CRLF")
            }
            Self::Message(MessageError::Mime(MimeError::Author)) => {
                reply(550, 7, 1, "The message has no single author: one From with one mailbox is needed, or a Sender")
            }
            Self::Message(MessageError::Mime(_)) => {
                reply(554, 6, 0, "The MIME structure of the message is ambiguous or unreadable")
            }
            Self::Message(MessageError::Cms(CmsError::Algorithm)) => {
                reply(550, 7, 6, "The message uses a cryptographic algorithm or key size that is not accepted here")
            }
            Self::Message(MessageError::Cms(CmsError::NamedAlgorithm(name))) => {
                reply(550, 7, 6, &format!("The message uses {name}, which is not accepted here"))
            }
            Self::Message(MessageError::Cms(CmsError::NoCertificate)) => {
                reply(550, 7, 5, "The certificate of the signer is not in the message and not known here")
            }
            // One reply for altered, damaged and undecipherable content: it must
            // not tell an attacker which check of a secret operation failed.
            Self::Message(MessageError::Cms(
                CmsError::Malformed | CmsError::ContentType | CmsError::Altered | CmsError::Undecipherable,
            )) => altered(),
            Self::Message(MessageError::Limit(Limit::Octets)) => {
                reply(552, 3, 4, "The message is larger than is accepted here once it is decoded")
            }
            Self::Message(MessageError::Limit(_)) | Self::Certificate(CertificateError::Limit(_)) => {
                reply(554, 6, 0, "The message is nested too deeply or has too many parts, signers or recipients")
            }
            Self::Certificate(CertificateError::Key | CertificateError::Algorithm) => reply(
                550,
                7,
                6,
                "The certificate of the signer uses an algorithm or key size that is not accepted here",
            ),
            Self::Certificate(CertificateError::Revoked) => {
                reply(550, 7, 1, "The message is signed, but the certificate of the signer was revoked")
            }
            Self::Certificate(CertificateError::RevocationUnknown) => reply(
                451,
                7,
                5,
                "Whether the certificate of the signer was revoked cannot be told now; try again later",
            ),
            Self::Certificate(_) => reply(550, 7, 1, "The message is signed, but its signature is not acceptable here"),
            Self::Policy(PolicyError::SignatureRequired) => {
                reply(550, 7, 1, "The message must be signed by its author as a whole to be accepted here")
            }
            Self::Policy(PolicyError::SigningTime) => {
                reply(550, 7, 1, "The message is signed with a time in the future; check the clock of the sender")
            }
            Self::Policy(PolicyError::EncryptionRequired) => {
                reply(550, 7, 1, "The message must be encrypted to be accepted here")
            }
            Self::Policy(PolicyError::NotForRecipient) => {
                reply(550, 7, 5, "The message must be encrypted to a valid certificate of each recipient")
            }
            Self::Policy(PolicyError::Submitter) => reply(550, 7, 1, "You may not send mail with this author address"),
            Self::Policy(PolicyError::ProtectedAuthor) => {
                reply(550, 7, 1, "The author named inside the message is not the one who signed it")
            }
            Self::Policy(PolicyError::NoSigningKey) => {
                reply(550, 7, 5, "The message must be signed, but its author has no valid signing key here")
            }
            Self::Policy(PolicyError::NoRecipientCertificate(recipients)) => no_certificate(recipients),
            Self::Policy(PolicyError::HeaderProtection) => {
                reply(550, 7, 1, "The subject must be hidden, which a message that is signed already does not allow")
            }
            Self::Host(HostError::Unavailable(_) | HostError::Key) => {
                reply(451, 7, 5, "A key or certificate service is out of reach; try again later")
            }
            Self::Host(HostError::Denied) => reply(550, 7, 5, "A key that is needed for the message is not available"),
            Self::Host(HostError::Malformed) => reply(451, 3, 0, "The gateway is misconfigured; try again later"),
        }
    }
}

/// The one reply to a message whose integrity is not proved.
fn altered() -> Reply {
    reply(550, 7, 7, "The message was altered on its way or is damaged, and was not accepted")
}

fn no_certificate(recipients: &[String]) -> Reply {
    let mut text = String::from("No valid certificate to encrypt to: ");
    for (i, recipient) in recipients.iter().enumerate() {
        // 480 octets are the bound of a reply's text.
        if text.len() + recipient.len() + 2 > 440 {
            text.push_str(", and others");
            break;
        }
        if i > 0 {
            text.push_str(", ");
        }
        text.extend(recipient.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }));
    }
    reply(550, 7, 5, &text)
}

fn reply(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply { code, subject, detail, text: text.to_owned() }
}

impl CertificateError {
    /// The cause, for the audit log: one word in kebab-case.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Malformed => "certificate-malformed",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::Expired => "certificate-expired",
            Self::Usage => "certificate-usage",
            Self::Address => "certificate-address",
            Self::Key => "certificate-key",
            Self::Algorithm => "certificate-algorithm",
            Self::NoPath => "certificate-no-path",
            Self::Issuer => "certificate-issuer",
            Self::Unjudged => "certificate-unjudged",
            Self::NameConstraints => "certificate-name-constraints",
            Self::Policies => "certificate-policies",
            Self::Revoked => "certificate-revoked",
            Self::RevocationUnknown => "certificate-revocation-unknown",
            Self::Signature => "certificate-signature",
            Self::Limit(_) => "limit-path-steps",
        }
    }
}

impl From<MessageError> for Error {
    fn from(e: MessageError) -> Self {
        Self::Message(e)
    }
}

impl From<MimeError> for Error {
    fn from(e: MimeError) -> Self {
        Self::Message(MessageError::Mime(e))
    }
}

impl From<CmsError> for Error {
    fn from(e: CmsError) -> Self {
        Self::Message(MessageError::Cms(e))
    }
}

impl From<Limit> for Error {
    fn from(e: Limit) -> Self {
        Self::Message(MessageError::Limit(e))
    }
}

impl From<MimeError> for MessageError {
    fn from(e: MimeError) -> Self {
        Self::Mime(e)
    }
}

impl From<CmsError> for MessageError {
    fn from(e: CmsError) -> Self {
        Self::Cms(e)
    }
}

impl From<Limit> for MessageError {
    fn from(e: Limit) -> Self {
        Self::Limit(e)
    }
}

impl From<CertificateError> for Error {
    fn from(e: CertificateError) -> Self {
        Self::Certificate(e)
    }
}

impl From<Limit> for CertificateError {
    fn from(e: Limit) -> Self {
        Self::Limit(e)
    }
}

impl From<PolicyError> for Error {
    fn from(e: PolicyError) -> Self {
        Self::Policy(e)
    }
}

impl From<HostError> for Error {
    fn from(e: HostError) -> Self {
        Self::Host(e)
    }
}

impl From<Refusal> for Error {
    fn from(e: Refusal) -> Self {
        match e {
            Refusal::Unavailable(text) => Self::Host(HostError::Unavailable(text)),
            Refusal::Denied => Self::Host(HostError::Denied),
        }
    }
}

impl From<KeyError> for Error {
    fn from(e: KeyError) -> Self {
        match e {
            KeyError::Refused(refusal) => refusal.into(),
            KeyError::Unsupported | KeyError::Malformed => Self::Host(HostError::Key),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn rule_3_there_are_these_replies_and_no_others() {
        // Every reply that is written above, whatever leads to it.
        let source = include_str!("error.rs").split("#[cfg(test)]").next().unwrap();
        let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u16>().ok());
        let written = source.split("reply(").filter_map(|call| {
            let mut arguments = call.split(',');
            let (code, subject) = (number(arguments.next())?, number(arguments.next())?);
            Some((code, subject, number(arguments.next())?))
        });
        let expected = [
            (451, 3, 0),
            (451, 7, 5),
            (550, 5, 2),
            (550, 7, 1),
            (550, 7, 5),
            (550, 7, 6),
            (550, 7, 7),
            (552, 3, 4),
            (554, 6, 0),
        ];
        assert_eq!(written.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    }
}
