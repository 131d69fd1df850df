//! The content of what is delivered: the message as it came, or the clear mail
//! that was in it, fit for SMTP.

use core::ops::Range;
use std::borrow::Cow;

use super::results::{Finding, is_forged};
use crate::budget::Budget;
use crate::buffer::{keep_behind, range_of};
use crate::error::Error;
use crate::mime::protected_header::Payload;
use crate::mime::{self, Entity, canonical};
use crate::verdict::{Content, Delivery};

/// Clear mail for some recipients, whose body still stands in the buffer of the
/// layer that it was in.
pub(super) struct Draft<'a> {
    pub(super) recipients: Vec<u32>,
    /// The whole header, with the empty line.
    head: Vec<u8>,
    body: Cow<'a, [u8]>,
}

impl Draft<'_> {
    /// The delivery, with a copy of the body.
    pub(super) fn copied(self) -> Delivery {
        let Self { recipients, mut head, body } = self;
        head.reserve_exact(body.len());
        head.extend_from_slice(&body);
        Delivery { recipients, content: Content::Rewritten(head) }
    }

    /// Without the body, and where that stands in `buffer`; or, where it stands
    /// elsewhere, the delivery.
    pub(super) fn detach(self, buffer: &[u8]) -> Result<Detached, Delivery> {
        match &self.body {
            Cow::Borrowed(body) => match range_of(body, buffer) {
                Some(body) => Ok(Detached { recipients: self.recipients, head: self.head, body }),
                None => Err(self.copied()),
            },
            Cow::Owned(_) => Err(self.copied()),
        }
    }
}

/// A draft that takes over the buffer its body stands in: the largest of messages
/// then is in memory once.
pub(super) struct Detached {
    recipients: Vec<u32>,
    head: Vec<u8>,
    body: Range<usize>,
}

impl Detached {
    /// The delivery, in `buffer`.
    pub(super) fn within(self, buffer: Vec<u8>) -> Delivery {
        let content = Content::Rewritten(keep_behind(&self.head, buffer, self.body));
        Delivery { recipients: self.recipients, content }
    }
}

/// Gives protected content the line ends of mail, where it has those of Unix
/// throughout: some senders encrypt files as they lie on their disk. Any other
/// content stays as it is.
pub(super) fn with_crlf(content: Vec<u8>) -> Vec<u8> {
    if memchr::memchr(b'\r', &content).is_some() {
        return content;
    }
    let lines = memchr::memchr_iter(b'\n', &content).count();
    if lines == 0 {
        return content;
    }
    let mut out = Vec::with_capacity(content.len().saturating_add(lines));
    for line in content.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// The message as it came, but for forged results taken out and ours put in; the
/// same octets if there are neither.
pub(super) fn as_it_came(message: &Entity<'_>, findings: &[Finding], authserv_id: &str) -> Content {
    with_body(message, message.body(), findings, authserv_id)
}

/// The same with `body`, which is a part of the message's own.
pub(super) fn with_body(message: &Entity<'_>, body: &[u8], findings: &[Finding], authserv_id: &str) -> Content {
    let header = message.header();
    let is_whole = body.len() == message.body().len();
    if is_whole && findings.is_empty() && !header.fields().iter().any(|field| is_forged(field, authserv_id)) {
        return Content::Unchanged;
    }
    let mut out = Vec::with_capacity(message.raw().len().saturating_add(room(findings)));
    write_findings(&mut out, findings, authserv_id);
    out.extend_from_slice(&header.retain(|field| !is_forged(field, authserv_id)));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    Content::Rewritten(out)
}

/// Clear mail: the header of `message` without its MIME fields, and with the
/// protected fields that `payload` brings in the place of its own; then the MIME
/// fields and the body of `payload`.
pub(super) fn clear_mail<'a>(
    recipients: Vec<u32>,
    message: &Entity<'_>,
    payload: &Payload<'a>,
    findings: &[Finding],
    authserv_id: &str,
    budget: &mut Budget,
) -> Result<Draft<'a>, Error> {
    let header = message.header();
    let mut head = Vec::new();
    write_findings(&mut head, findings, authserv_id);
    head.extend_from_slice(&payload.restore(header, |field| !is_forged(field, authserv_id)));
    if header.first("MIME-Version").is_none() {
        head.extend_from_slice(b"MIME-Version: 1.0\r\n");
    }
    let body = append_deliverable(&mut head, payload, budget)?;
    Ok(Draft { recipients, head, body })
}

fn write_findings(out: &mut Vec<u8>, findings: &[Finding], authserv_id: &str) {
    for finding in findings {
        finding.write(out, authserv_id);
    }
}

/// Octets enough for our results and a `MIME-Version`.
fn room(findings: &[Finding]) -> usize {
    findings.len().saturating_add(1).saturating_mul(512)
}

/// Appends the fields of the MIME entity of `payload`, and gives its body. Where its
/// lines are not those of mail, as in a binary body, its leaves are encoded again,
/// and decode to the same octets; then all of it is appended, and no body is left.
fn append_deliverable<'a>(
    head: &mut Vec<u8>,
    payload: &Payload<'a>,
    budget: &mut Budget,
) -> Result<Cow<'a, [u8]>, Error> {
    let start = head.len();
    let body = payload.entity_to_deliver(head, budget)?;
    let fields = head.get(start..).unwrap_or_default();
    if mime::check_line_ends(fields).is_ok() && mime::check_line_ends(&body).is_ok() {
        return Ok(body);
    }
    let whole = [fields, &body].concat();
    let parsed = Entity::parse(&whole, budget)?;
    let encoded = canonical::seven_bit(&parsed, budget)?.into_owned();
    mime::check_line_ends(&encoded)?;
    head.truncate(start);
    head.extend_from_slice(&encoded);
    Ok(Cow::Borrowed(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_content_that_is_all_unix_is_converted() {
        assert_eq!(with_crlf(b"a\n\nb".to_vec()), b"a\r\n\r\nb");
        assert_eq!(with_crlf(b"a\r\nb\n".to_vec()), b"a\r\nb\n");
        assert_eq!(with_crlf(b"ab".to_vec()), b"ab");
    }

    #[test]
    fn a_binary_body_is_encoded_and_means_the_same() {
        let raw = b"From: x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x1a\n\0";
        let mut budget = Budget::for_message(raw.len());
        let entity = Entity::parse(raw, &mut budget).unwrap();
        let mut fit = Vec::new();
        let body = append_deliverable(&mut fit, &Payload::unprotected(&entity), &mut budget).unwrap();
        assert!(body.is_empty());
        let again = Entity::parse(&fit, &mut budget).unwrap();
        assert_eq!(again.decoded_body(&mut budget).unwrap().as_ref(), b"\x89PNG\r\n\x1a\n\0");
        assert!(again.header().first("From").is_none());
    }
}
