//! A reader of BER (X.690) that walks from value to value over the octets
//! received: definite and indefinite lengths, any form of length, strings in
//! segments. It looks at each header once and copies nothing but what is asked
//! for as DER.
//!
//! The `der` crate reads BER too, but finds the end of an indefinite length by
//! reading ahead, once a level, and makes owned values of content.

use core::ops::Range;

use const_oid::ObjectIdentifier;
use der::Decode;

use super::encode;
use super::segments::{Segments, Walk};
use crate::budget::Budget;
use crate::error::CmsError;

mod header;

pub use header::{Header, tag};

/// The longest value that is owned, in octets: names, attributes, certificates
/// and the like. Content is not.
pub const MAX_SMALL: usize = 1 << 17;

/// A single value in BER as DER, as far as that can be told without its type:
/// its lengths, and octet strings in one piece. The members of a `SET OF`, and
/// strings under an implicit tag, remain as they are. What comes out can be as
/// large as `encoded`, which the caller bounds.
///
/// # Errors
/// [`CmsError::Malformed`] for octets that do not parse, octets after the
/// value, or too deep a nesting.
pub fn to_der(encoded: &[u8]) -> Result<Vec<u8>, CmsError> {
    let mut reader = Reader::new(encoded);
    let mut out = Vec::with_capacity(encoded.len());
    reader.write_der(&mut out)?;
    reader.finish()?;
    Ok(out)
}

/// Reads values one after the other, as far as the value around them goes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    encoded: &'a [u8],
    position: usize,
    /// Where the value around ends, or at the latest could.
    end: usize,
    /// The value around has an indefinite length.
    indefinite: bool,
    /// How many more levels may open.
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads the values in `encoded`.
    pub fn new(encoded: &'a [u8]) -> Self {
        Self { encoded, position: 0, end: encoded.len(), indefinite: false, depth: Budget::ASN1_DEPTH }
    }

    /// Whether the value around has no more values in it.
    pub fn is_finished(&self) -> bool {
        if self.indefinite {
            self.encoded.get(self.position..self.end).is_some_and(|rest| rest.starts_with(&[tag::END, 0]))
        } else {
            self.position >= self.end
        }
    }

    /// Fails unless all was read.
    pub fn finish(&self) -> Result<(), CmsError> {
        if self.is_finished() { Ok(()) } else { Err(CmsError::Malformed) }
    }

    /// The first identifier octet of the next value; none at the end.
    pub fn peek(&self) -> Option<u8> {
        if self.is_finished() { None } else { self.encoded.get(self.position).copied() }
    }

    /// Reads a constructed value; `read` must read all that is in it.
    pub fn nested<T, E: From<CmsError>>(
        &mut self,
        tag: u8,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let header = self.header()?;
        if header.tag != tag {
            return Err(CmsError::Malformed.into());
        }
        let mut inner = self.enter(&header)?;
        let value = read(&mut inner)?;
        self.position = inner.leave()?;
        Ok(value)
    }

    /// The same, of a value that may be absent.
    pub fn optional<T, E: From<CmsError>>(
        &mut self,
        tag: u8,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.peek() == Some(tag) { self.nested(tag, read).map(Some) } else { Ok(None) }
    }

    /// A reader of what is in a constructed value. This one stays where it is.
    pub fn step_into(&self, tag: u8) -> Result<Self, CmsError> {
        let header = self.header()?;
        if header.tag == tag { self.enter(&header) } else { Err(CmsError::Malformed) }
    }

    /// The contents of a primitive value.
    pub fn primitive(&mut self, tag: u8) -> Result<&'a [u8], CmsError> {
        let header = self.header()?;
        let end = header.end.ok_or(CmsError::Malformed)?;
        if header.tag != tag {
            return Err(CmsError::Malformed);
        }
        self.position = end;
        self.encoded.get(header.contents..end).ok_or(CmsError::Malformed)
    }

    /// An `OBJECT IDENTIFIER`.
    pub fn oid(&mut self) -> Result<ObjectIdentifier, CmsError> {
        let contents = self.primitive(tag::OBJECT_IDENTIFIER)?;
        ObjectIdentifier::from_bytes(contents).map_err(|_| CmsError::Malformed)
    }

    /// The number of a version: an `INTEGER` from 0 to 127.
    pub fn version(&mut self) -> Result<u8, CmsError> {
        match self.primitive(tag::INTEGER)? {
            [version @ ..0x80] => Ok(*version),
            _ => Err(CmsError::Malformed),
        }
    }

    /// An `OCTET STRING`, or what is one under an implicit `tag` (primitive):
    /// where its octets are.
    pub fn octet_string(&mut self, tag: u8) -> Result<Segments, CmsError> {
        let mut walk = Walk::new(tag, self.position, self.end, self.depth);
        let mut len = 0;
        while let Some(segment) = walk.next(self.encoded)? {
            // The segments are apart from each other in one buffer.
            len += segment.len();
        }
        let segments = Segments::new(tag, self.position..walk.position(), len);
        self.position = walk.position();
        Ok(segments)
    }

    /// A short `OCTET STRING`, or what is one under an implicit `tag`
    /// (primitive): its octets.
    pub fn small_octet_string(&mut self, tag: u8) -> Result<Vec<u8>, CmsError> {
        let segments = self.octet_string(tag)?;
        if segments.len() > MAX_SMALL {
            return Err(CmsError::Malformed);
        }
        Ok(segments.join(self.encoded).into_owned())
    }

    /// A value of whatever type, as a type of the `der` crate.
    pub fn decode<T: for<'d> Decode<'d>>(&mut self) -> Result<T, CmsError> {
        T::from_der(&self.der()?).map_err(|_| CmsError::Malformed)
    }

    /// The next value of whatever type: where it is.
    pub fn skip(&mut self) -> Result<Range<usize>, CmsError> {
        let start = self.position;
        let header = self.header()?;
        self.position = match header.end {
            Some(end) => end,
            None => {
                let mut inner = self.enter(&header)?;
                while !inner.is_finished() {
                    inner.skip()?;
                }
                inner.leave()?
            }
        };
        Ok(start..self.position)
    }

    /// The next value as it stands, if its length is definite; else as
    /// [`Self::der`] gives it. For what its maker signed as it stands.
    pub fn raw(&mut self) -> Result<Vec<u8>, CmsError> {
        if self.header()?.end.is_none() {
            return self.der();
        }
        let range = self.skip()?;
        match self.encoded.get(range) {
            Some(raw) if raw.len() <= MAX_SMALL => Ok(raw.to_vec()),
            _ => Err(CmsError::Malformed),
        }
    }

    /// The next value in DER, as far as that can be told without its type: its
    /// lengths, and octet strings in one piece. The members of a `SET OF`
    /// remain in their order.
    pub fn der(&mut self) -> Result<Vec<u8>, CmsError> {
        if self.clone().skip()?.len() > MAX_SMALL {
            return Err(CmsError::Malformed);
        }
        let mut out = Vec::new();
        self.write_der(&mut out)?;
        Ok(out)
    }

    fn write_der(&mut self, out: &mut Vec<u8>) -> Result<(), CmsError> {
        let header = self.header()?;
        let identifier = self.encoded.get(header.identifier.clone()).ok_or(CmsError::Malformed)?;
        if header.tag & tag::CONSTRUCTED == 0 {
            let contents = self.primitive(header.tag)?;
            out.extend_from_slice(identifier);
            encode::length(out, contents.len());
            out.extend_from_slice(contents);
        } else if header.tag == tag::OCTET_STRING | tag::CONSTRUCTED {
            let segments = self.octet_string(tag::OCTET_STRING)?;
            out.push(tag::OCTET_STRING);
            encode::length(out, segments.len());
            for segment in segments.iter(self.encoded) {
                out.extend_from_slice(segment);
            }
        } else {
            let mut inner = self.enter(&header)?;
            let mut contents = Vec::new();
            while !inner.is_finished() {
                inner.write_der(&mut contents)?;
            }
            self.position = inner.leave()?;
            out.extend_from_slice(identifier);
            encode::length(out, contents.len());
            out.append(&mut contents);
        }
        Ok(())
    }

    fn header(&self) -> Result<Header, CmsError> {
        let header = Header::read(self.encoded, self.position, self.end)?;
        // An end of contents where nothing has to end is no value.
        if header.tag == tag::END { Err(CmsError::Malformed) } else { Ok(header) }
    }

    fn enter(&self, header: &Header) -> Result<Self, CmsError> {
        Ok(Self {
            encoded: self.encoded,
            position: header.contents,
            end: header.end.unwrap_or(self.end),
            indefinite: header.end.is_none(),
            depth: self.depth.checked_sub(1).ok_or(CmsError::Malformed)?,
        })
    }

    fn leave(self) -> Result<usize, CmsError> {
        self.finish()?;
        Ok(if self.indefinite { self.position + 2 } else { self.position })
    }
}

#[cfg(test)]
mod tests;
