//! Base64 in lines (RFC 2045, section 6.8), a block at a time.

use base64_simd::STANDARD;

use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// Decodes a body. White space may stand anywhere, line ends included.
///
/// # Errors
/// [`MimeError::EncodedBody`] for any other character outside of the alphabet,
/// for padding that is missing, wrong or followed by more, and for bits that
/// padding leaves over; a limit if the content would be too large.
pub fn decode(body: &[u8], budget: &mut Budget) -> Result<Vec<u8>, MessageError> {
    // Counted in stretches whose count fits an octet, which is fast.
    let spaces = |stretch: &[u8]| stretch.iter().map(|&octet| u8::from(is_space(octet))).sum::<u8>();
    let significant = body.len() - body.chunks(192).map(|stretch| usize::from(spaces(stretch))).sum::<usize>();
    let padding = body.iter().rev().filter(|&&octet| !is_space(octet)).take(2).filter(|&&octet| octet == b'=').count();
    if !significant.is_multiple_of(4) {
        return Err(MimeError::EncodedBody.into());
    }
    let len = (significant / 4 * 3).saturating_sub(padding);
    budget.octets(len)?;

    let mut decoder = Decoder { block: Vec::with_capacity(BLOCK), content: Vec::with_capacity(len) };
    let mut rest = body;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Within a line there is rarely any.
        if memchr::memchr3(b' ', b'\t', b'\r', line).is_none() {
            decoder.read(line)?;
        } else {
            line.split(|&octet| is_space(octet)).try_for_each(|run| decoder.read(run))?;
        }
    }
    let content = decoder.finish()?;
    // Padding that ended an earlier block was followed by more.
    if content.len() != len {
        return Err(MimeError::EncodedBody.into());
    }
    Ok(content)
}

/// Appends `content` in lines of 76 characters, each ending in CRLF.
pub fn append(out: &mut Vec<u8>, content: &[u8]) {
    out.reserve_exact(encoded_len(content.len()));
    let mut block = [0_u8; LINES * LINE];
    for content in content.chunks(LINES * LINE_OCTETS) {
        let block = STANDARD.encode(content, base64_simd::AsOut::as_out(block.as_mut_slice()));
        for line in block.chunks(LINE) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Encodes `content` as [`append`] does, behind `before`: in its buffer, if that
/// has room for the result, else in one of the exact size.
pub fn encode_within(before: &[u8], mut content: Vec<u8>) -> Vec<u8> {
    let len = content.len();
    let total = before.len() + encoded_len(len);
    content.reserve_exact(total - len);
    content.resize(total, 0);
    // The content waits at the end while its lines are written from the front.
    // Encoding makes it longer, so they never reach what is not yet read.
    let mut from = total - len;
    content.copy_within(..len, from);
    if let Some(front) = content.get_mut(..before.len()) {
        front.copy_from_slice(before);
    }
    let mut to = before.len();
    let mut plain = [0_u8; LINES * LINE_OCTETS];
    let mut block = [0_u8; LINES * LINE];
    while let Some(rest) = content.get(from..).filter(|rest| !rest.is_empty()) {
        let (rest, _) = rest.split_at_checked(plain.len()).unwrap_or((rest, &[]));
        from += rest.len();
        let Some(plain) = plain.get_mut(..rest.len()) else { break };
        plain.copy_from_slice(rest);
        let block = STANDARD.encode(plain, base64_simd::AsOut::as_out(block.as_mut_slice()));
        for line in block.chunks(LINE) {
            for part in [line, b"\r\n"] {
                if let Some(place) = content.get_mut(to..to + part.len()) {
                    place.copy_from_slice(part);
                }
                to += part.len();
            }
        }
    }
    content
}

/// How many octets [`append`] makes of so many.
pub fn encoded_len(len: usize) -> usize {
    len.div_ceil(3) * 4 + len.div_ceil(LINE_OCTETS) * 2
}

/// Joins the lines of a body to blocks, and decodes those.
struct Decoder {
    block: Vec<u8>,
    content: Vec<u8>,
}

impl Decoder {
    /// Reads characters without white space between them.
    fn read(&mut self, characters: &[u8]) -> Result<(), MimeError> {
        let mut rest = characters;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(BLOCK - self.block.len()).unwrap_or((rest, &[]));
            self.block.extend_from_slice(head);
            rest = tail;
            if self.block.len() == BLOCK {
                self.decode_block()?;
            }
        }
        Ok(())
    }

    /// Decodes a block, which is full or the last, and empties it.
    fn decode_block(&mut self) -> Result<(), MimeError> {
        STANDARD.decode_append(self.block.as_slice(), &mut self.content).map_err(|_| MimeError::EncodedBody)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>, MimeError> {
        self.decode_block()?;
        Ok(self.content)
    }
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b'\r' | b'\n' | b' ' | b'\t')
}

/// Characters decoded at once; a multiple of four.
const BLOCK: usize = 8192;
/// Characters in a line.
const LINE: usize = 76;
/// Octets in a line.
const LINE_OCTETS: usize = 57;
/// Lines encoded at once.
const LINES: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::budget::Limit;

    fn decoded(body: &[u8]) -> Result<Vec<u8>, MessageError> {
        decode(body, &mut Budget::for_message(body.len()))
    }

    #[test]
    fn white_space_may_stand_anywhere() {
        for body in [&b"aGVsbG8="[..], b"aGVs\r\nbG8=\r\n", b"a G\tV\ns\rbG8\r\n=\r\n\r\n", b"\r\naGVsbG8 = "] {
            assert_eq!(decoded(body).unwrap(), b"hello", "{body:?}");
        }
        assert_eq!(decoded(b"\r\n").unwrap(), b"");
    }

    #[test]
    fn t22_junk_and_bad_padding_are_refused() {
        for body in [
            &b"aGVsbG8"[..],
            b"aGVsbG8==",
            b"aGVsbG8=aGVsbG8=",
            b"aGVsbA==\r\naGVsbG8=",
            b"aGVs!bG8=",
            b"aGVs-_8=",
            b"aGVsbG8=\0",
            b"aGVsbG8=\r\n-- \r\nfooter\r\n",
            b"aGVs=G8=",
            b"====",
            b"a===",
            b"aGVsbG9=",
            b"aGVs\xc3\xa9AA",
        ] {
            assert_eq!(decoded(body), Err(MimeError::EncodedBody.into()), "{body:?}");
        }
    }

    #[test]
    fn padding_at_the_end_of_a_block_ends_the_content() {
        let mut body = vec![b'A'; BLOCK - 2];
        body.extend_from_slice(b"==");
        assert_eq!(decoded(&body).unwrap().len(), BLOCK / 4 * 3 - 2);
        body.extend_from_slice(b"AAAA");
        assert_eq!(decoded(&body), Err(MimeError::EncodedBody.into()));
        body.extend_from_slice(b"AA==");
        assert_eq!(decoded(&body), Err(MimeError::EncodedBody.into()));
    }

    #[test]
    fn the_size_is_known_before_anything_is_allocated() {
        let mut budget = Budget::for_message(0);
        let body = vec![b'A'; 2 << 20];
        assert_eq!(decode(&body, &mut budget), Err(Limit::Octets.into()));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(content in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let mut encoded = Vec::new();
            append(&mut encoded, &content);
            prop_assert_eq!(encoded.len(), encoded_len(content.len()));
            let within = encode_within(b"before", content.clone());
            prop_assert_eq!(&within, &[b"before", encoded.as_slice()].concat());
            prop_assert_eq!(encoded.len(), encoded.capacity());
            prop_assert!(encoded.split(|&c| c == b'\n').all(|line| line.len() <= LINE + 1));
            let decoded = decoded(&encoded).unwrap();
            prop_assert_eq!(decoded.capacity(), decoded.len());
            prop_assert_eq!(decoded, content);
        }
    }
}
