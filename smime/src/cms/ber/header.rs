//! Identifier and length octets (X.690, section 8.1).

use core::ops::Range;

use crate::error::CmsError;

/// Identifier octets, with the bit that says whether the value is constructed.
pub mod tag {
    /// End of contents: closes an indefinite length.
    pub const END: u8 = 0x00;
    /// `INTEGER`
    pub const INTEGER: u8 = 0x02;
    /// `OCTET STRING`
    pub const OCTET_STRING: u8 = 0x04;
    /// `OBJECT IDENTIFIER`
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    /// `UTCTime`
    pub const UTC_TIME: u8 = 0x17;
    /// `GeneralizedTime`
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// `SEQUENCE`, `SEQUENCE OF`
    pub const SEQUENCE: u8 = 0x30;
    /// `SET`, `SET OF`
    pub const SET: u8 = 0x31;
    /// The bit of a constructed value.
    pub const CONSTRUCTED: u8 = 0x20;

    /// The context-specific tag `[number]`, primitive.
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// The context-specific tag `[number]`, constructed.
    pub const fn constructed(number: u8) -> u8 {
        0xA0 | number
    }
}

/// What stands before the contents of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first identifier octet.
    pub tag: u8,
    /// All identifier octets.
    pub identifier: Range<usize>,
    /// Where the contents begin.
    pub contents: usize,
    /// Where they end; none with an indefinite length.
    pub end: Option<usize>,
}

impl Header {
    /// The header at `at` in `encoded`, of a value that ends at `limit` at the
    /// latest.
    pub fn read(encoded: &[u8], at: usize, limit: usize) -> Result<Self, CmsError> {
        let mut octets = encoded.get(at..limit).ok_or(CmsError::Malformed)?.iter();
        let mut next = || octets.next().copied().ok_or(CmsError::Malformed);
        let tag = next()?;
        let mut identifier_len = 1;
        if tag & 0x1F == 0x1F {
            // A tag number above 30: nothing here uses one, so it is skipped.
            while next()? & 0x80 != 0 {
                identifier_len += 1;
            }
            identifier_len += 1;
        }
        let first = next()?;
        let mut length_len = 1;
        let length = match first {
            0x80 if tag & tag::CONSTRUCTED != 0 => None,
            0x80 | 0xFF => return Err(CmsError::Malformed),
            short @ ..0x80 => Some(usize::from(short)),
            long => {
                let mut length = 0usize;
                for _ in 0..long & 0x7F {
                    // Above any length in memory this fails; leading zeros are BER.
                    length = length.checked_mul(256).ok_or(CmsError::Malformed)?;
                    length |= usize::from(next()?);
                    length_len += 1;
                }
                Some(length)
            }
        };
        let contents = at + identifier_len + length_len;
        let end = match length {
            Some(length) => Some(contents.checked_add(length).filter(|end| *end <= limit).ok_or(CmsError::Malformed)?),
            None => None,
        };
        Ok(Self { tag, identifier: at..at + identifier_len, contents, end })
    }
}
