//! The content of what is delivered: the message as it came, or the clear mail
//! that was in it, fit for SMTP.

use super::results::{Finding, is_forged};
use crate::budget::Budget;
use crate::error::Error;
use crate::mime::protected_header::Payload;
use crate::mime::{self, Entity, canonical};
use crate::verdict::Content;

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
pub(super) fn clear_mail(
    message: &Entity<'_>,
    payload: &Payload<'_>,
    findings: &[Finding],
    authserv_id: &str,
    budget: &mut Budget,
) -> Result<Content, Error> {
    let header = message.header();
    let kept = payload.restore(header, |field| !is_forged(field, authserv_id));
    let len = payload.entity.raw().len().saturating_add(kept.len());
    let mut out = Vec::with_capacity(len.saturating_add(room(findings)));
    write_findings(&mut out, findings, authserv_id);
    out.extend_from_slice(&kept);
    if header.first("MIME-Version").is_none() {
        out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    }
    append_deliverable(&mut out, payload, budget)?;
    Ok(Content::Rewritten(out))
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

/// Appends the MIME entity of `payload`. Where its lines are not those of mail, as
/// in a binary body, its leaves are encoded again, and decode to the same octets.
fn append_deliverable(out: &mut Vec<u8>, payload: &Payload<'_>, budget: &mut Budget) -> Result<(), Error> {
    let start = out.len();
    payload.append_entity(out, budget)?;
    let written = out.get(start..).unwrap_or_default();
    if mime::check_line_ends(written).is_ok() {
        return Ok(());
    }
    let parsed = Entity::parse(written, budget)?;
    let encoded = canonical::seven_bit(&parsed, budget)?.into_owned();
    mime::check_line_ends(&encoded)?;
    out.truncate(start);
    out.extend_from_slice(&encoded);
    Ok(())
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
        append_deliverable(&mut fit, &Payload::unprotected(&entity), &mut budget).unwrap();
        let again = Entity::parse(&fit, &mut budget).unwrap();
        assert_eq!(again.decoded_body(&mut budget).unwrap().as_ref(), b"\x89PNG\r\n\x1a\n\0");
        assert!(again.header().first("From").is_none());
    }
}
