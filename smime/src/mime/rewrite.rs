//! Replaces stretches of an entity, and leaves every other octet as it is.

use std::borrow::Cow;
use std::ops::Range;

use super::encoding::TransferEncoding;
use super::{base64, quoted_printable};
use crate::budget::Budget;
use crate::error::MessageError;

/// An entity, and what is to be replaced in it, from its start to its end.
pub(super) struct Rewrite<'a> {
    source: &'a [u8],
    edits: Vec<Edit<'a>>,
}

/// A stretch of the source, and what takes its place.
struct Edit<'a> {
    range: Range<usize>,
    with: Replacement<'a>,
}

/// What takes the place of a stretch.
pub(super) enum Replacement<'a> {
    /// This text.
    Text(String),
    /// This body, encoded for transport.
    Body(Body<'a>),
}

/// Content to be encoded when it is written.
pub(super) struct Body<'a> {
    content: Cow<'a, [u8]>,
    encoding: TransferEncoding,
    /// How long it will be, with the last line end where nothing follows that
    /// brings it.
    len: usize,
}

impl<'a> Rewrite<'a> {
    /// Nothing is to be replaced yet.
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, edits: Vec::new() }
    }

    /// The entity as it is.
    pub(super) fn source(&self) -> &'a [u8] {
        self.source
    }

    /// How many stretches are to be replaced so far.
    pub(super) fn len(&self) -> usize {
        self.edits.len()
    }

    /// Forgets the stretches behind the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.edits.truncate(len);
    }

    /// Puts `with` in the place of `range`, which overlaps with no other.
    pub(super) fn replace(&mut self, range: Range<usize>, with: Replacement<'a>) {
        // The header of a multipart may come after its parts.
        let index = self.edits.partition_point(|other| other.range.start < range.start);
        self.edits.insert(index, Edit { range, with });
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
    /// Keeps the encoding if there is one, else takes the shorter. `is_last` says
    /// that nothing follows that brings a line end.
    pub(super) fn new(content: Cow<'a, [u8]>, was: TransferEncoding, is_last: bool) -> Self {
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

    /// How it will be encoded.
    pub(super) fn encoding(&self) -> TransferEncoding {
        self.encoding
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
