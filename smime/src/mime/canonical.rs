//! The form in which an entity is signed and encrypted: canonical, and safe from
//! what relays do to mail (RFC 8551, section 3.1).

use std::borrow::Cow;

use super::entity::Entity;
use super::seven_bit;
use crate::budget::Budget;
use crate::error::MessageError;

/// Whether an entity crosses any relay untouched: ASCII without NUL, in lines of
/// at most 998 octets that end in CRLF (RFC 2045, section 2.7).
pub fn is_seven_bit(entity: &[u8]) -> bool {
    if !entity.is_ascii() || memchr::memchr(0, entity).is_some() || super::check_line_ends(entity).is_err() {
        return false;
    }
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', entity) {
        // The CR before it is in the line's length here.
        if lf - start > LINE + 1 {
            return false;
        }
        start = lf + 1;
    }
    entity.len() - start <= LINE
}

/// The same MIME entity, so that no relay needs to re-encode it: every leaf with
/// 8-bit octets, long lines or odd line ends becomes quoted-printable or base64,
/// whichever is shorter, and decodes to the same octets. The walk goes through
/// `multipart` and `message/rfc822`, which take `7bit` once nothing in them needs
/// more. All other octets stay; if none needs to change, the entity is borrowed.
///
/// Some things cannot be re-encoded, or must not be: 8-bit header fields,
/// preambles, other kinds of `message`, and what is already signed or encrypted.
/// They stay as they are, and [`is_seven_bit`] tells them from the rest.
///
/// # Errors
/// What cannot be understood and is not 7-bit as it stands, by kind; a limit for
/// too many parts, nesting included, and for too large a result.
pub fn seven_bit<'a>(entity: &Entity<'a>, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
    seven_bit::rewritten(entity, budget)
}

/// Takes the MIME entity out of a message: its `Content-*` fields in their order,
/// an empty line and its body, bit for bit. `MIME-Version` stays with the message.
pub fn take_entity(message: &Entity<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    append_entity(&mut out, message);
    out
}

/// The same, behind what is in `out`.
pub fn append_entity(out: &mut Vec<u8>, message: &Entity<'_>) {
    let fields = || message.header().fields().iter().filter(|field| is_content_field(field.name()));
    let len: usize = fields().map(|field| field.raw().len()).sum();
    out.reserve_exact(len + 4 + message.body().len());
    let mut last: &[u8] = b"\r\n";
    for field in fields() {
        last = field.raw();
        out.extend_from_slice(last);
    }
    // A header that broke off in its last line.
    if !last.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(message.body());
}

/// Whether a field of this name belongs to the MIME entity of a message, and not
/// to the message (RFC 2045, section 9).
pub fn is_content_field(name: &str) -> bool {
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"))
}

/// Longest line, without its CRLF (RFC 5322, section 2.1.1).
const LINE: usize = 998;

#[cfg(test)]
mod tests;
