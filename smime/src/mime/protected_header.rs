//! The header of a message, carried inside what is signed or encrypted
//! (RFC 9788): made on the way out, read on the way in.
//!
//! Inside, the fields stand beside those of the MIME entity, whose `Content-Type`
//! says so with the parameter `hp`; `HP-Outer` fields tell what a ciphertext
//! showed of them from outside.

use std::borrow::Cow;

use super::canonical::{self, is_content_field};
use super::{Entity, Field, Header, address, legacy_display};
use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// What is done with the header of a message that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It stays outside.
    None,
    /// It is carried inside a signature: `hp="clear"`.
    Signed,
    /// It is carried inside a ciphertext, and is the same outside: `hp="cipher"`
    /// with `hcp_no_confidentiality` (section 3.2.3).
    Encrypted,
    /// It is carried inside a ciphertext, and what it says of the content is
    /// hidden outside: `hp="cipher"` with `hcp_baseline` (section 3.2.2).
    Hidden,
}

impl Protection {
    /// The field as it stands outside; none if it does not.
    fn outside<'a>(self, field: &Field<'a>) -> Option<Outside<'a>> {
        match self {
            Self::Hidden if field.is("Subject") => Some(Outside::Subject),
            Self::Hidden if field.is("Comments") || field.is("Keywords") => None,
            _ => Some(Outside::Same(field.raw())),
        }
    }

    fn parameter(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Signed => Some(CLEAR),
            Self::Encrypted | Self::Hidden => Some(CIPHER),
        }
    }
}

/// A field as it stands outside.
enum Outside<'a> {
    Same(&'a [u8]),
    Subject,
}

impl<'a> Outside<'a> {
    fn raw(&self) -> &'a [u8] {
        match self {
            Self::Same(raw) => raw,
            Self::Subject => b"Subject: [...]\r\n",
        }
    }
}

/// Appends the MIME entity of `message` with the protected header in it: the
/// fields, `HP-Outer` where it will be encrypted, the `Content-*` fields, an
/// empty line and the body (RFC 9788, section 5.2).
///
/// Only for a message that [`can_carry`] its header.
pub fn append_entity(out: &mut Vec<u8>, message: &Entity<'_>, protection: Protection) {
    let Some(parameter) = protection.parameter() else {
        return canonical::append_entity(out, message);
    };
    let header = message.header();
    let carried = || header.fields().iter().filter(|field| is_carried(field));
    for field in carried() {
        append_line(out, field.raw());
    }
    if parameter == CIPHER {
        for outside in carried().filter_map(|field| protection.outside(field)) {
            out.extend_from_slice(b"HP-Outer: ");
            append_line(out, outside.raw());
        }
    }
    let mut is_typed = false;
    for field in header.fields().iter().filter(|field| is_content_field(field.name())) {
        if !field.is("Content-Type") {
            append_line(out, field.raw());
            continue;
        }
        is_typed = true;
        let value = field.raw().trim_ascii_end();
        out.extend_from_slice(value.strip_suffix(b";").unwrap_or(value));
        out.extend_from_slice(suffix(parameter).as_bytes());
    }
    if !is_typed {
        out.extend_from_slice(b"Content-Type: text/plain");
        out.extend_from_slice(suffix(parameter).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(message.body());
}

/// Whether the header of `message` can be carried in its entity: not if its type
/// does not parse, so that no reader would find the parameter in it, or has such
/// a parameter already; and not where a signature is around the content that is
/// not ours to open.
pub fn can_carry(message: &Entity<'_>) -> bool {
    message.content_type().is_ok_and(|content_type| {
        let is_protected = content_type.is("multipart", "signed")
            || content_type.is("application", "pkcs7-mime")
            || content_type.is("application", "x-pkcs7-mime");
        !is_protected && content_type.parameter("hp").is_none()
    })
}

/// The fields of a message as they stand outside: all that is no MIME field and
/// that `keep` wants.
pub fn outer_fields(header: &Header<'_>, protection: Protection, keep: impl Fn(&Field<'_>) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.raw().len());
    for field in header.fields().iter().filter(|field| !is_content_field(field.name()) && keep(field)) {
        if let Some(outside) = protection.outside(field) {
            append_line(&mut out, outside.raw());
        }
    }
    out
}

/// Whether a field is carried inside: it is of the message, and neither hides
/// recipients nor tells of the way the message went.
fn is_carried(field: &Field<'_>) -> bool {
    !is_content_field(field.name()) && !NOT_CARRIED.iter().any(|name| field.is(name))
}

fn append_line(out: &mut Vec<u8>, raw: &[u8]) {
    out.extend_from_slice(raw);
    // A header that broke off in its last line.
    if !raw.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
}

fn suffix(parameter: &str) -> String {
    format!(";\r\n hp=\"{parameter}\"\r\n")
}

/// A `Content-Type` field without the parameter as it is put behind it here, so
/// that the reader gets what the author wrote.
fn without_suffix<'a>(field: &Field<'a>) -> Option<&'a [u8]> {
    [CLEAR, CIPHER].iter().find_map(|parameter| field.raw().strip_suffix(suffix(parameter).as_bytes()))
}

/// What was protected: the entity to deliver, and the header that came with it.
pub struct Payload<'a> {
    /// The MIME entity: its `Content-*` fields and its body count.
    pub entity: Entity<'a>,
    /// The protected header, where there is one.
    header: Option<Header<'a>>,
}

impl<'a> Payload<'a> {
    /// Reads what stood inside all layers: with a protected header as RFC 9788
    /// has it, or as a whole message in `message/rfc822`, as RFC 8551, section
    /// 3.1, had it before.
    ///
    /// A whole message of another author than `author` was not wrapped, but
    /// forwarded: it is content.
    ///
    /// # Errors
    /// [`MimeError::RepeatedField`] for a protected field that stands more often
    /// than RFC 5322 allows: readers would disagree on which one counts.
    pub fn read(entity: &Entity<'a>, author: &str, budget: &mut Budget) -> Result<Self, MessageError> {
        let content_type = entity.content_type()?;
        if content_type.parameter("hp").is_some_and(is_known) {
            return Self::protected(entity.clone());
        }
        let is_message = content_type.is("message", "rfc822") || content_type.is("message", "global");
        let is_forwarded = content_type.parameter("forwarded").is_some_and(|value| !value.eq_ignore_ascii_case("no"));
        if is_message && !is_forwarded && entity.transfer_encoding()?.is_identity() {
            let inside = Entity::parse(entity.body(), budget)?;
            if address::author(inside.header()).is_ok_and(|inner| address::same_mailbox(&inner.mailbox, author)) {
                return Self::protected(inside);
            }
        }
        Ok(Self { entity: entity.clone(), header: None })
    }

    fn protected(entity: Entity<'a>) -> Result<Self, MessageError> {
        let header = entity.header().clone();
        for name in SINGLE {
            header.unique(name)?;
        }
        if header.fields().iter().any(|field| is_restored(field) && !has_short_words(field)) {
            return Err(MimeError::HeaderField.into());
        }
        Ok(Self { entity, header: Some(header) })
    }

    /// The entity alone: what its header says of the message does not count.
    pub fn unprotected(entity: &Entity<'a>) -> Self {
        Self { entity: entity.clone(), header: None }
    }

    /// Whether there is a protected header.
    pub fn is_protected(&self) -> bool {
        self.header.is_some()
    }

    /// The author that the protected header names; none if there is no such
    /// header, or no author in it.
    ///
    /// # Errors
    /// [`MimeError::Author`] if there is a `From`, and no author can be read.
    pub fn author(&self) -> Result<Option<String>, MimeError> {
        match &self.header {
            Some(header) if header.first("From").is_some() => {
                address::author(header).map(|author| Some(author.mailbox))
            }
            _ => Ok(None),
        }
    }

    /// Whether a protected `To` or `Cc` names `mailbox`; nothing if there is no
    /// protected header to say so. A field that cannot be read names nobody.
    pub fn names(&self, mailbox: &str) -> Option<bool> {
        let header = self.header.as_ref()?;
        let named = ["To", "Cc"].into_iter().any(|name| {
            address::addresses_in(header, name)
                .is_ok_and(|found| found.iter().any(|known| address::same_mailbox(known, mailbox)))
        });
        Some(named)
    }

    /// The MIME entity to deliver: its `Content-*` fields with an empty line, which
    /// go behind what is in `out`, and its body, bit for bit; but for the parameter
    /// of ours that said its header is protected, which it no longer is, and for
    /// what repeats the header to older readers.
    ///
    /// # Errors
    /// A limit that is passed.
    pub fn entity_to_deliver(&self, out: &mut Vec<u8>, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
        if self.header.is_some()
            && let Cow::Owned(rest) = legacy_display::removed(&self.entity, budget)?
        {
            let entity = Entity::parse(&rest, budget)?;
            self.append_fields(&entity, out);
            return Ok(Cow::Owned(entity.body().to_vec()));
        }
        self.append_fields(&self.entity, out);
        Ok(Cow::Borrowed(self.entity.body()))
    }

    fn append_fields(&self, entity: &Entity<'_>, out: &mut Vec<u8>) {
        for field in entity.header().fields().iter().filter(|field| is_content_field(field.name())) {
            match without_suffix(field) {
                Some(value) if self.header.is_some() && field.is("Content-Type") => {
                    out.extend_from_slice(value);
                    out.extend_from_slice(b"\r\n");
                }
                _ => append_line(out, field.raw()),
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The header to deliver, without MIME fields: the fields of `outer`, those
    /// of [`RESTORED`] taken from the protected header alone where there is one.
    /// They stand where the first of them stood outside. `keep` says which outer
    /// fields may reach the reader.
    pub fn restore(&self, outer: &Header<'_>, keep: impl Fn(&Field<'_>) -> bool) -> Vec<u8> {
        let kept = |field: &&Field<'_>| !is_content_field(field.name()) && keep(field);
        let Some(header) = &self.header else {
            return outer.retain(|field| kept(&field));
        };
        let mut out = Vec::with_capacity(outer.raw().len().saturating_add(header.raw().len()));
        let mut waiting = true;
        for field in outer.fields().iter().filter(kept) {
            if !is_restored(field) {
                append_line(&mut out, field.raw());
            } else if waiting {
                append_restored(&mut out, header);
                waiting = false;
            }
        }
        if waiting {
            append_restored(&mut out, header);
        }
        out
    }
}

/// Inside a protection a line may be as long as it likes; in mail it may not.
fn append_restored(out: &mut Vec<u8>, header: &Header<'_>) {
    for field in header.fields().iter().filter(|field| is_restored(field)) {
        let mut folded = Vec::with_capacity(field.raw().len());
        for line in field.raw().split_inclusive(|&octet| octet == b'\n') {
            append_folded(&mut folded, line);
        }
        append_line(out, &folded);
    }
}

/// Whether the field can be folded to lines that mail can carry.
fn has_short_words(field: &Field<'_>) -> bool {
    field.raw().split(|octet| b" \t\r\n".contains(octet)).all(|word| word.len() < LONGEST_LINE)
}

/// Appends a line of a field, in several if it is too long: the next begins with
/// the white space before a word, so the value stays what it is.
fn append_folded(out: &mut Vec<u8>, line: &[u8]) {
    let mut rest = line;
    while rest.trim_ascii_end().len() > LONGEST_LINE {
        let begin = rest.get(1..=LONGEST_LINE).unwrap_or_default();
        let Some(space) = begin.iter().rposition(|octet| b" \t".contains(octet)) else { break };
        let Some((before, after)) = rest.split_at_checked(space.saturating_add(1)) else { break };
        out.extend_from_slice(before);
        out.extend_from_slice(b"\r\n");
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn is_restored(field: &Field<'_>) -> bool {
    RESTORED.iter().any(|name| field.is(name))
}

fn is_known(value: &str) -> bool {
    value.eq_ignore_ascii_case(CLEAR) || value.eq_ignore_ascii_case(CIPHER)
}

/// Most octets of a line without its end (RFC 5322, section 2.1.1).
const LONGEST_LINE: usize = 998;

const CLEAR: &str = "clear";
const CIPHER: &str = "cipher";

/// Fields of the original message that stay outside: the trace of its way and
/// what is said of it there, and those whom nobody else may know of.
const NOT_CARRIED: [&str; 22] = [
    "MIME-Version",
    "HP-Outer",
    "Bcc",
    "Resent-Bcc",
    "Received",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "Authentication-Results",
    "Received-SPF",
    "DKIM-Signature",
    "DomainKey-Signature",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Date",
    "Resent-Message-ID",
];

/// Fields that tell the reader who wrote what to whom: where the header is
/// protected they count from inside only, even if they are missing there. No
/// other field surfaces, whoever protected it.
pub const RESTORED: [&str; 20] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Comments",
    "Keywords",
    "Followup-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Organization",
    "Importance",
    "Priority",
    "Sensitivity",
    "Disposition-Notification-To",
];

/// Those of them that stand at most once (RFC 5322, section 3.6).
const SINGLE: [&str; 10] =
    ["From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"];
