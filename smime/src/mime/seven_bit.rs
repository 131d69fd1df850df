//! Finds what in an entity is not 7-bit, and replaces only that.

use std::borrow::Cow;
use std::ops::Range;

use super::canonical::is_seven_bit;
use super::content_type::ContentType;
use super::encoding::TransferEncoding;
use super::entity::Entity;
use super::multipart;
use super::rewrite::{Body, Replacement, Rewrite};
use crate::budget::{Budget, Limit};
use crate::error::{MessageError, MimeError};

/// The same entity, so that it is 7-bit where that can be had; see
/// [`super::canonical::seven_bit`].
///
/// # Errors
/// As there.
pub(super) fn rewritten<'a>(entity: &Entity<'a>, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
    let mut walk = SevenBit { rewrite: Rewrite::new(entity.raw()), is_stuck: false };
    let root = Place { at: 0, depth: Budget::MIME_DEPTH, default: TEXT, is_message: false };
    walk.entity(entity, root, budget)?;
    walk.rewrite.apply(budget)
}

/// A walk through an entity that notes what is to be replaced.
struct SevenBit<'a> {
    rewrite: Rewrite<'a>,
    /// Something is not 7-bit and cannot be made so: whatever is around it need
    /// not be looked at to know that it is not 7-bit either.
    is_stuck: bool,
}

/// Where an entity stands.
#[derive(Clone, Copy)]
struct Place {
    /// Its first octet in the source.
    at: usize,
    /// How much deeper the walk may go.
    depth: u32,
    /// What it is if it does not say.
    default: &'static str,
    /// It is a message, and needs a `MIME-Version`.
    is_message: bool,
}

impl<'a> SevenBit<'a> {
    /// Walks through an entity, and says whether it will be 7-bit.
    ///
    /// What does not parse is left alone if it is 7-bit as it stands: it is
    /// somebody's mail, and no relay has a reason to touch it.
    fn entity(&mut self, entity: &Entity<'a>, place: Place, budget: &mut Budget) -> Result<bool, MessageError> {
        let before = self.rewrite.len();
        match self.walk(entity, place, budget) {
            Err(MessageError::Mime(_)) if !self.is_stuck && is_seven_bit(entity.raw()) => {
                self.rewrite.truncate(before);
                Ok(true)
            }
            Err(e) => {
                self.is_stuck = true;
                Err(e)
            }
            found => found,
        }
    }

    fn walk(&mut self, entity: &Entity<'a>, place: Place, budget: &mut Budget) -> Result<bool, MessageError> {
        let content_type = match entity.header().unique("Content-Type")? {
            Some(_) => entity.content_type()?,
            None => ContentType::of(place.default),
        };
        if is_protected(&content_type) || is_opaque_message(&content_type) {
            return Ok(is_seven_bit(entity.raw()));
        }
        let encoding = entity.transfer_encoding()?;
        let is_clean = if content_type.is_type("multipart") {
            let is_clean = self.multipart(entity, &content_type, place, budget)?;
            self.relabel(entity, place, encoding, is_clean);
            is_clean
        } else if is_message(&content_type) {
            let inside = Place { at: body_at(entity, place), default: TEXT, is_message: true, ..place };
            budget.part()?;
            let is_clean = self.child(entity.body(), inside, budget)?;
            self.relabel(entity, place, encoding, is_clean);
            is_clean
        } else {
            self.leaf(entity, place, encoding, budget)?;
            true
        };
        Ok(is_clean && is_seven_bit(entity.header().raw()))
    }

    fn child(&mut self, raw: &'a [u8], place: Place, budget: &mut Budget) -> Result<bool, MessageError> {
        let depth = place.depth.checked_sub(1).ok_or(Limit::Parts)?;
        match Entity::parse(raw, budget) {
            Ok(entity) => self.entity(&entity, Place { depth, ..place }, budget),
            Err(MessageError::Mime(_)) if is_seven_bit(raw) => Ok(true),
            Err(e) => {
                self.is_stuck = true;
                Err(e)
            }
        }
    }

    fn multipart(
        &mut self,
        entity: &Entity<'a>,
        content_type: &ContentType,
        place: Place,
        budget: &mut Budget,
    ) -> Result<bool, MessageError> {
        let boundary = content_type.parameter("boundary").ok_or(MimeError::Multipart)?;
        let body = entity.body();
        let ranges = multipart::ranges(body, boundary, budget)?;
        let octets = |range: &Range<usize>| body.get(range.clone()).unwrap_or_default();
        let mut is_clean = is_seven_bit(octets(&ranges.preamble)) && is_seven_bit(octets(&ranges.epilogue));
        let default = if content_type.is("multipart", "digest") { MESSAGE } else { TEXT };
        for part in &ranges.parts {
            let at = body_at(entity, place) + part.start;
            is_clean &= self.child(octets(part), Place { at, default, is_message: false, ..place }, budget)?;
        }
        Ok(is_clean)
    }

    /// Re-encodes a leaf if it needs it.
    fn leaf(
        &mut self,
        entity: &Entity<'a>,
        place: Place,
        encoding: TransferEncoding,
        budget: &mut Budget,
    ) -> Result<(), MessageError> {
        if is_seven_bit(entity.body()) {
            self.relabel(entity, place, encoding, true);
            return Ok(());
        }
        let content = entity.decoded_body(budget)?;
        let start = body_at(entity, place);
        let range = start..start + entity.body().len();
        let is_last = range.end == self.rewrite.source().len();
        let body = Body::new(content, encoding, is_last);
        self.label(entity, place, body.encoding());
        self.rewrite.replace(range, Replacement::Body(body));
        Ok(())
    }

    /// Calls a body 7-bit that is: some relays believe the label, and re-encode.
    fn relabel(&mut self, entity: &Entity<'a>, place: Place, encoding: TransferEncoding, is_clean: bool) {
        if is_clean && matches!(encoding, TransferEncoding::EightBit | TransferEncoding::Binary) {
            self.label(entity, place, TransferEncoding::SevenBit);
        }
    }

    /// Puts the transfer encoding into the header: in its field's place, else
    /// behind the content type, else last.
    fn label(&mut self, entity: &Entity<'a>, place: Place, encoding: TransferEncoding) {
        let mut at = place.at;
        let mut behind_type = None;
        let mut range = None;
        for field in entity.header().fields() {
            let end = at + field.raw().len();
            if field.is("Content-Transfer-Encoding") {
                range = Some(at..end);
            } else if field.is("Content-Type") {
                behind_type = Some(end..end);
            }
            at = end;
        }
        let mut text = format!("Content-Transfer-Encoding: {}\r\n", encoding.name());
        if place.is_message && entity.header().first("MIME-Version").is_none() {
            text.insert_str(0, "MIME-Version: 1.0\r\n");
        }
        self.rewrite.replace(range.or(behind_type).unwrap_or(at..at), Replacement::Text(text));
    }
}

fn body_at(entity: &Entity<'_>, place: Place) -> usize {
    place.at + (entity.raw().len() - entity.body().len())
}

/// Signed or encrypted already: the octets are somebody's evidence.
fn is_protected(content_type: &ContentType) -> bool {
    matches!(
        content_type.essence(),
        "multipart/signed"
            | "multipart/encrypted"
            | "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/pgp-encrypted"
            | "application/pgp-signature"
    )
}

/// A message inside, which is walked through.
fn is_message(content_type: &ContentType) -> bool {
    matches!(content_type.essence(), "message/rfc822" | "message/news")
}

/// Kinds of `message` that are no message, and must not be encoded; those of
/// RFC 6532 and RFC 6533 may be.
fn is_opaque_message(content_type: &ContentType) -> bool {
    content_type.is_type("message")
        && !is_message(content_type)
        && !content_type.essence().starts_with("message/global")
}

const TEXT: &str = "text/plain";
const MESSAGE: &str = "message/rfc822";
