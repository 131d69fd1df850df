//! Messages and MIME entities as ranges of the octets received.
//!
//! A signature covers octets, so nothing here is ever taken apart and put
//! together again: an [`Entity`] borrows the message, [`multipart`] finds the
//! parts in it, and [`canonical`] replaces only the stretches that a relay could
//! break. The parser is strict where two readers might see two messages (header
//! fields, authors, content types, boundaries), and says by [`MimeError`] what
//! it did not accept.
//!
//! From octets to meaning: [`header`] → [`entity`] → [`content_type`],
//! [`encoding`] → [`multipart`]; who wrote it: [`address`]; and the way back:
//! [`canonical`], [`writer`].

pub mod address;
pub mod base64;
pub mod canonical;
pub mod content_type;
pub mod encoding;
pub mod entity;
pub mod header;
mod legacy_display;
pub(crate) mod lexer;
mod mailbox;
pub mod multipart;
mod parameters;
pub mod protected_header;
pub mod quoted_printable;
mod rewrite;
mod seven_bit;
pub mod writer;

pub use content_type::{ContentType, Disposition};
pub use encoding::TransferEncoding;
pub use entity::Entity;
pub use header::{Field, Header};
pub use multipart::Multipart;

use crate::error::MimeError;

/// Checks that every line of a message, as received, ends in CRLF: that no CR
/// and no LF stands alone. The last line may go without (RFC 5322, section 2.3).
///
/// # Errors
/// [`MimeError::BareLineEnd`]: transport and readers would disagree on where the
/// lines, and with SMTP the message, end.
pub fn check_line_ends(message: &[u8]) -> Result<(), MimeError> {
    // The next LF is due here, and nowhere else.
    let mut due = None;
    for at in memchr::memchr2_iter(b'\r', b'\n', message) {
        match (message.get(at), due) {
            (Some(b'\r'), None) => due = Some(at + 1),
            (Some(b'\n'), Some(expected)) if at == expected => due = None,
            _ => return Err(MimeError::BareLineEnd),
        }
    }
    if due.is_some() { Err(MimeError::BareLineEnd) } else { Ok(()) }
}

/// Splits a message into the octets of its header, without the empty line, and
/// those of its body. A message without an empty line has an empty body
/// (RFC 5322, section 2.1).
///
/// # Errors
/// As [`Header::parse`], but for the limit: this keeps no fields.
pub fn split(message: &[u8]) -> Result<(&[u8], &[u8]), MimeError> {
    let mut fields = header::Fields::new(message);
    for field in &mut fields {
        field?;
    }
    let body = fields.body();
    let header = message.len() - fields.after_header();
    Ok((message.get(..header).unwrap_or_default(), body))
}

#[cfg(test)]
mod tests;
