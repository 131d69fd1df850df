//! Where the octets of a string are within the encoding it was read from, be it
//! one piece or segments in segments.

use core::ops::Range;
use std::borrow::Cow;

use super::ber::{Header, tag};
use crate::budget::Budget;
use crate::error::CmsError;

/// The octets of an `OCTET STRING`, as a place in the encoding that holds them.
///
/// It takes no memory of its own, however many the segments: they are walked
/// again when they are wanted. `encoded` is in all of its methods the buffer
/// that was parsed; with any other what comes out means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    tag: u8,
    /// The whole value, header and all.
    value: Range<usize>,
    len: usize,
}

impl Segments {
    pub(super) fn new(tag: u8, value: Range<usize>, len: usize) -> Self {
        Self { tag, value, len }
    }

    /// How many octets the string has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its segments, in order.
    pub fn iter<'a>(&self, encoded: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut walk = self.walk();
        core::iter::from_fn(move || encoded.get(walk.next(encoded).ok()??))
    }

    /// The string in one piece: borrowed if it is one, else joined once.
    pub fn join<'a>(&self, encoded: &'a [u8]) -> Cow<'a, [u8]> {
        let mut segments = self.iter(encoded).filter(|segment| !segment.is_empty());
        let first = segments.next().unwrap_or_default();
        if first.len() == self.len {
            return Cow::Borrowed(first);
        }
        let mut joined = Vec::with_capacity(self.len.min(encoded.len()));
        joined.extend_from_slice(first);
        for segment in segments {
            joined.extend_from_slice(segment);
        }
        Cow::Owned(joined)
    }

    /// The string in one piece, in the buffer that it was in.
    pub fn take(self, mut encoded: Vec<u8>) -> Vec<u8> {
        let mut walk = self.walk();
        let mut filled = 0usize;
        // A segment moves towards the front, over octets that were walked over
        // already: the headers still to come remain as they are.
        while let Ok(Some(segment)) = walk.next(&encoded) {
            let len = segment.len();
            if segment.end > encoded.len() || filled > segment.start {
                break;
            }
            encoded.copy_within(segment, filled);
            filled += len;
        }
        encoded.truncate(filled);
        encoded
    }

    fn walk(&self) -> Walk {
        Walk::new(self.tag, self.value.start, self.value.end, Budget::ASN1_DEPTH)
    }
}

/// Walks over the segments of one string.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    tag: u8,
    position: usize,
    limit: usize,
    depth: u32,
    /// Where the constructed strings around end; none if they say so themselves.
    open: Vec<Option<usize>>,
    begun: bool,
}

impl Walk {
    /// Over the string that begins at `position`, under the primitive `tag`, and
    /// ends at `limit` at the latest. At most `depth` levels open.
    pub(super) fn new(tag: u8, position: usize, limit: usize, depth: u32) -> Self {
        Self { tag, position, limit, depth, open: Vec::new(), begun: false }
    }

    /// Up to where it has come: at its end, the end of the string.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Where the next segment is; none at the end.
    pub(super) fn next(&mut self, encoded: &[u8]) -> Result<Option<Range<usize>>, CmsError> {
        loop {
            // Segments are octet strings, whatever the tag of the whole.
            let expected = if self.begun { tag::OCTET_STRING } else { self.tag };
            match self.open.last() {
                None if self.begun => return Ok(None),
                Some(Some(end)) if self.position == *end => {
                    self.open.pop();
                    continue;
                }
                _ => {}
            }
            let limit = self.open.iter().rev().find_map(|end| *end).unwrap_or(self.limit);
            let header = Header::read(encoded, self.position, limit)?;
            self.begun = true;
            if header.tag == tag::END && self.open.last() == Some(&None) {
                // Two octets, and no other way to write that length.
                if header.end != Some(self.position + 2) {
                    return Err(CmsError::Malformed);
                }
                self.open.pop();
                self.position = header.contents;
            } else if header.tag == expected {
                let end = header.end.ok_or(CmsError::Malformed)?;
                self.position = end;
                return Ok(Some(header.contents..end));
            } else if header.tag == expected | tag::CONSTRUCTED {
                self.depth.checked_sub(1 + self.open.len() as u32).ok_or(CmsError::Malformed)?;
                self.open.push(header.end);
                self.position = header.contents;
            } else {
                return Err(CmsError::Malformed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
