//! What is told to the reader of a message: `Authentication-Results` (RFC 8601)
//! with the results of S/MIME (RFC 7281); and the forged ones taken out.

use crate::error::{CertificateError, CmsError, Error, MessageError};
use crate::mime::address::passes_for_domain;
use crate::mime::{Field, lexer, writer};

/// The result of one signature (RFC 7281, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The message is not signed.
    None,
    /// The author signed it.
    Pass,
    /// It is signed with a certificate that was revoked (RFC 7281, section 3.3).
    Fail,
    /// It is signed, and the signature is not acceptable.
    Policy,
    /// It is signed, and what is needed to judge the signature is out of reach.
    TempError,
    /// It is signed, and the signature cannot be checked, now or later.
    PermError,
}

impl Outcome {
    /// The result that stands for a signature that is sound, or cannot be
    /// checked, and is not acceptable.
    pub(super) fn of_fault(fault: &Error) -> Self {
        match fault {
            Error::Message(MessageError::Cms(CmsError::NoCertificate)) => Self::PermError,
            Error::Certificate(CertificateError::Revoked) => Self::Fail,
            Error::Certificate(CertificateError::RevocationUnknown) => Self::TempError,
            _ => Self::Policy,
        }
    }

    fn keyword(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::Policy => "policy",
            Self::PermError => "permerror",
        }
    }
}

/// What was found of one signature.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    outcome: Outcome,
    reason: Option<&'static str>,
    identifier: Option<String>,
    part: String,
}

impl Finding {
    /// A finding about the signature at `part`, made by `identifier`.
    pub(super) fn new(outcome: Outcome, reason: Option<&'static str>, identifier: Option<String>, part: &str) -> Self {
        Self { outcome, reason, identifier, part: part.to_owned() }
    }

    /// That no signature was found.
    pub(super) fn none() -> Self {
        Self { outcome: Outcome::None, reason: None, identifier: None, part: String::new() }
    }

    /// The same finding about a signature that is sound but does not tell what it
    /// seems to.
    pub(super) fn demoted(&self, reason: &'static str) -> Self {
        match self.outcome {
            Outcome::Pass => Self { outcome: Outcome::Policy, reason: Some(reason), ..self.clone() },
            _ => self.clone(),
        }
    }

    /// Appends the field that reports this finding as `authserv_id`.
    pub(super) fn write(&self, out: &mut Vec<u8>, authserv_id: &str) {
        let mut value = format!("{authserv_id}; smime={}", self.outcome.keyword());
        if let Some(reason) = self.reason {
            value.push_str(&format!(" ({reason})"));
        }
        if let Some(identifier) = self.identifier.as_deref().and_then(property_value) {
            value.push_str(&format!(" body.smime-identifier={identifier}"));
        }
        if !self.part.is_empty() {
            value.push_str(&format!(" body.smime-part={}", self.part));
        }
        writer::append_field(out, "Authentication-Results", &value);
    }
}

/// A mailbox as a property value (RFC 8601, section 2.2). It comes out of a
/// certificate, so nothing but harmless characters may stand in it; an address
/// that has others, or is longer than any mailbox, is left out.
fn property_value(mailbox: &str) -> Option<String> {
    if mailbox.len() > MAX_MAILBOX || !mailbox.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return None;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.@".contains(&b);
    if mailbox.bytes().all(plain) {
        return Some(mailbox.to_owned());
    }
    let escaped = mailbox.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{escaped}\""))
}

/// Whether a header field claims to be a result of ours: it must not reach the
/// reader (RFC 8601, section 5). One whose identifier cannot be read could be
/// taken for ours by another reader, so it counts as well.
pub(super) fn is_forged(field: &Field<'_>, authserv_id: &str) -> bool {
    field.is("Authentication-Results")
        && read_authserv_id(&field.unfolded()).is_none_or(|id| passes_for_domain(&id, authserv_id))
}

/// Reads the `authserv-id` at the head of a value: a token or a quoted string,
/// with comments and white space around it.
fn read_authserv_id(value: &str) -> Option<String> {
    let mut chars = skip_comments(value)?.chars().peekable();
    let mut id = String::new();
    if chars.peek() == Some(&'"') {
        chars.next();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => id.push(chars.next()?),
                c => id.push(c),
            }
        }
    } else {
        while let Some(c) = chars.next_if(|&c| u8::try_from(c).map_or(true, |c| !c.is_ascii() || lexer::is_token(c))) {
            id.push(c);
        }
    }
    let rest: String = chars.collect();
    let rest = skip_comments(&rest)?;
    // After the identifier only a version number or the results may stand.
    let version = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = skip_comments(version)?;
    (!id.is_empty() && (rest.is_empty() || rest.starts_with(';'))).then_some(id)
}

/// Skips white space and nested comments; none if a comment does not end.
fn skip_comments(value: &str) -> Option<&str> {
    let mut depth = 0usize;
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        if depth == 0 && c != '(' && !c.is_whitespace() {
            return value.get(at..);
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (depth == 0).then_some("")
}

/// The longest mailbox there is (RFC 5321, section 4.5.3.1): 64 + 1 + 255.
const MAX_MAILBOX: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(identifier: &str) -> String {
        let mut out = Vec::new();
        Finding::new(Outcome::Pass, None, Some(identifier.to_owned()), "2").write(&mut out, "mx.example");
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn a_result_names_signer_and_part() {
        assert_eq!(
            written("alice@peer.example"),
            "Authentication-Results: mx.example; smime=pass\r\n body.smime-identifier=alice@peer.example \
             body.smime-part=2\r\n"
        );
    }

    #[test]
    fn t26_an_address_out_of_a_certificate_injects_nothing() {
        assert!(!written("a@b\r\nX-Injected: yes").contains("Injected"));
        assert!(written("a;b (c)\"@x").replace("\r\n", "").contains("=\"a;b (c)\\\"@x\""));
        assert!(!written(&"a".repeat(400)).contains("identifier"));
    }

    #[test]
    fn t23_every_spelling_of_our_identifier_is_read() {
        for (value, id) in [
            ("mx.example; smime=pass", Some("mx.example")),
            (" (c) mx.example 1; none", Some("mx.example")),
            ("\"mx.example\"; smime=pass", Some("mx.example")),
            ("(a (b) \\) c) mx.example(d); x=y", Some("mx.example")),
            ("mx.example", Some("mx.example")),
            ("(never ends mx.example; smime=pass", None),
            ("", None),
            ("two words; smime=pass", None),
            ("mx\\.example; smime=pass", None),
            ("mx.example, smime=pass", None),
        ] {
            assert_eq!(read_authserv_id(value).as_deref(), id, "{value}");
        }
    }
}
