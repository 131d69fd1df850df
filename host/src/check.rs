//! The check of a verdict: what a guest says is not believed before it is known
//! to be one the mail server can follow without losing or forging anything.

use crate::{Content, Delivery, Envelope, Reply, Verdict};

/// What is wrong with a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A recipient of the envelope is in no delivery.
    RecipientMissing,
    /// A recipient is in more than one place.
    RecipientRepeated,
    /// An index names no recipient of the envelope.
    RecipientOutOfRange,
    /// A delivery is for nobody.
    DeliveryForNobody,
    /// A rewritten message without octets.
    EmptyMessage,
    /// A rewritten message that does not begin with a header, or whose header
    /// does not end.
    Header,
    /// A reply whose code is not that of its verdict, or no code at all.
    ReplyCode,
    /// A reply whose status has a number above 999.
    ReplyStatus,
    /// A reply that is not one line of 1 to 480 printable ASCII characters.
    ReplyText,
}

impl Flaw {
    /// The flaw, for the audit log: one word in kebab-case.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::RecipientMissing => "recipient-missing",
            Self::RecipientRepeated => "recipient-repeated",
            Self::RecipientOutOfRange => "recipient-out-of-range",
            Self::DeliveryForNobody => "delivery-for-nobody",
            Self::EmptyMessage => "empty-message",
            Self::Header => "header",
            Self::ReplyCode => "reply-code",
            Self::ReplyStatus => "reply-status",
            Self::ReplyText => "reply-text",
        }
    }
}

/// Checks `verdict` against the envelope it is about.
pub(crate) fn check(verdict: &Verdict, envelope: &Envelope) -> Result<(), Flaw> {
    match verdict {
        Verdict::Deliver(deliveries) => check_deliveries(deliveries, envelope.recipients.len()),
        Verdict::Reject(reply) => check_reply(reply, 500),
        Verdict::Defer(reply) => check_reply(reply, 400),
    }
}

/// What stands for a verdict that is ill-formed: a rejection stays one.
pub(crate) fn replacement(verdict: &Verdict) -> Verdict {
    match verdict {
        Verdict::Reject(_) => Verdict::Reject(Reply {
            code: 554,
            subject: 3,
            detail: 0,
            text: "The message was refused by the mail filter".to_owned(),
        }),
        _ => deferral(),
    }
}

/// The answer where there is no verdict.
pub(crate) fn deferral() -> Verdict {
    Verdict::Defer(Reply {
        code: 451,
        subject: 3,
        detail: 0,
        text: "The mail filter could not process the message; try again later".to_owned(),
    })
}

fn check_deliveries(deliveries: &[Delivery], recipients: usize) -> Result<(), Flaw> {
    let mut served = vec![false; recipients];
    for delivery in deliveries {
        if delivery.recipients.is_empty() {
            return Err(Flaw::DeliveryForNobody);
        }
        for &index in &delivery.recipients {
            let served =
                usize::try_from(index).ok().and_then(|index| served.get_mut(index)).ok_or(Flaw::RecipientOutOfRange)?;
            if std::mem::replace(served, true) {
                return Err(Flaw::RecipientRepeated);
            }
        }
        if let Content::Rewritten(message) = &delivery.content {
            check_message(message)?;
        }
    }
    if served.iter().all(|&served| served) { Ok(()) } else { Err(Flaw::RecipientMissing) }
}

/// Whether `message` begins with header fields in lines that end in CRLF, and an
/// empty line after them (RFC 5322, section 2.1). A body may hold anything.
fn check_message(message: &[u8]) -> Result<(), Flaw> {
    if message.is_empty() {
        return Err(Flaw::EmptyMessage);
    }
    let mut rest = message;
    let mut first = true;
    loop {
        let end = rest.iter().position(|&octet| octet == b'\n').ok_or(Flaw::Header)?;
        let (line, after) = rest.split_at_checked(end + 1).ok_or(Flaw::Header)?;
        let line = line.strip_suffix(b"\r\n").ok_or(Flaw::Header)?;
        if line.is_empty() {
            return if first { Err(Flaw::Header) } else { Ok(()) };
        }
        if line.iter().any(|octet| matches!(octet, b'\r' | 0)) || !is_header_line(line, first) {
            return Err(Flaw::Header);
        }
        first = false;
        rest = after;
    }
}

/// A field's first line (RFC 5322, section 2.2), or, but at the beginning, its
/// continuation.
fn is_header_line(line: &[u8], first: bool) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return !first;
    }
    let Some(colon) = line.iter().position(|&octet| octet == b':') else {
        return false;
    };
    // White space before the colon is obsolete, and seen in real mail.
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

fn check_reply(reply: &Reply, class: u16) -> Result<(), Flaw> {
    // RFC 5321, section 4.2: the second digit is at most 5. 421 announces that
    // the connection is closed, which is not the guest's to say.
    if !(class..class + 60).contains(&reply.code) || reply.code == 421 {
        return Err(Flaw::ReplyCode);
    }
    if reply.subject > 999 || reply.detail > 999 {
        return Err(Flaw::ReplyStatus);
    }
    let text = reply.text.as_bytes();
    if text.is_empty() || text.len() > 480 || !text.iter().all(|octet| matches!(octet, b' '..=b'~')) {
        return Err(Flaw::ReplyText);
    }
    Ok(())
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
