//! Finds what in an entity is not 7-bit, and replaces only that.

use std::borrow::Cow;
use std::ops::Range;

use super::canonical::is_seven_bit;
use super::content_type::ContentType;
use super::encoding::TransferEncoding;
use super::entity::Entity;
use super::{base64, multipart, quoted_printable};
use crate::budget::{Budget, Limit};
use crate::error::{MessageError, MimeError};

/// What is to be replaced in an entity, from its start to its end.
pub(super) struct Rewrite<'a> {
    source: &'a [u8],
    edits: Vec<Edit<'a>>,
    /// Something is not 7-bit and cannot be made so: whatever is around it need
    /// not be looked at to know that it is not 7-bit either.
    is_stuck: bool,
}

/// A stretch of the source, and what takes its place.
struct Edit<'a> {
    range: Range<usize>,
    with: Replacement<'a>,
}

enum Replacement<'a> {
    Text(String),
    Body(Body<'a>),
}

/// Content to be encoded when it is written.
struct Body<'a> {
    content: Cow<'a, [u8]>,
    encoding: TransferEncoding,
    /// How long it will be, with the last line end where nothing follows that
    /// brings it.
    len: usize,
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

impl<'a> Rewrite<'a> {
    pub(super) fn of(entity: &Entity<'a>, budget: &mut Budget) -> Result<Self, MessageError> {
        let mut rewrite = Self { source: entity.raw(), edits: Vec::new(), is_stuck: false };
        let root = Place { at: 0, depth: Budget::MIME_DEPTH, default: TEXT, is_message: false };
        rewrite.entity(entity, root, budget)?;
        Ok(rewrite)
    }

    /// The source with its edits.
    pub(super) fn apply(self, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
        if self.edits.is_empty() {
            return Ok(Cow::Borrowed(self.source));
        }
        let removed: usize = self.edits.iter().map(|edit| edit.range.len()).sum();
        let added: usize = self.edits.iter().map(|edit| edit.with.len()).sum();
        let len = self.source.len().saturating_sub(removed).saturating_add(added);
        budget.octets(len)?;

        let mut out = Vec::with_capacity(len);
        let mut copied = 0;
        for edit in self.edits {
            out.extend_from_slice(self.source.get(copied..edit.range.start).unwrap_or_default());
            edit.with.append(&mut out);
            copied = edit.range.end;
        }
        out.extend_from_slice(self.source.get(copied..).unwrap_or_default());
        Ok(Cow::Owned(out))
    }

    /// Walks through an entity, and says whether it will be 7-bit.
    ///
    /// What does not parse is left alone if it is 7-bit as it stands: it is
    /// somebody's mail, and no relay has a reason to touch it.
    fn entity(&mut self, entity: &Entity<'a>, place: Place, budget: &mut Budget) -> Result<bool, MessageError> {
        let before = self.edits.len();
        match self.walk(entity, place, budget) {
            Err(MessageError::Mime(_)) if !self.is_stuck && is_seven_bit(entity.raw()) => {
                self.edits.truncate(before);
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
        let is_last = range.end == self.source.len();
        let body = Body::new(content, encoding, is_last);
        self.label(entity, place, body.encoding);
        self.edits.push(Edit { range, with: Replacement::Body(body) });
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
        let range = range.or(behind_type).unwrap_or(at..at);
        let edit = Edit { range, with: Replacement::Text(text) };
        // The header of a multipart is labelled once its parts are done.
        let index = self.edits.partition_point(|other| other.range.start < edit.range.start);
        self.edits.insert(index, edit);
    }
}

impl Replacement<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Body(body) => body.len,
        }
    }

    fn append(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Body(body) => body.append(out),
        }
    }
}

impl<'a> Body<'a> {
    /// Keeps the encoding if there is one, else takes the shorter.
    fn new(content: Cow<'a, [u8]>, was: TransferEncoding, is_last: bool) -> Self {
        let base64 = base64::encoded_len(content.len());
        // Each octet outside of ASCII takes two more: that is soon counted.
        let is_dense =
            content.iter().filter(|octet| !octet.is_ascii()).count() > base64.saturating_sub(content.len()) / 2;
        if was == TransferEncoding::QuotedPrintable || (was != TransferEncoding::Base64 && !is_dense) {
            let printable = quoted_printable::encoded_len(&content);
            if was == TransferEncoding::QuotedPrintable || printable <= base64 {
                let len = if is_last && !content.ends_with(b"\r\n") { printable.saturating_add(3) } else { printable };
                return Self { content, encoding: TransferEncoding::QuotedPrintable, len };
            }
        }
        let len = if is_last { base64 } else { base64.saturating_sub(2) };
        Self { content, encoding: TransferEncoding::Base64, len }
    }

    fn append(self, out: &mut Vec<u8>) {
        let end = out.len().saturating_add(self.len);
        if self.encoding == TransferEncoding::Base64 {
            base64::append(out, &self.content);
            // A delimiter behind it brings its own line end.
            out.truncate(end);
            return;
        }
        quoted_printable::append_reserved(out, &self.content);
        if out.len() < end {
            // A soft line break ends the line and not the content.
            out.extend_from_slice(b"=\r\n");
        }
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
