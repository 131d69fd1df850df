//! Writing DER around octets that are DER already.

use super::ber::tag;
use crate::buffer::surround;

/// A value: `tag`, its length, and `parts` one after the other as contents.
pub fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(1 + length_len(len) + len);
    header(&mut out, tag, len);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A `SEQUENCE` of `parts`.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(tag::SEQUENCE, parts)
}

/// A `SET OF` complete values, in the order of DER (X.690, section 11.6).
pub fn set_of(tag: u8, members: &mut [Vec<u8>]) -> Vec<u8> {
    // Comparing as if padded with zeros is comparing as slices: an encoding is
    // never the beginning of another one.
    members.sort();
    value(tag, &members.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A level of nesting around something: what stands before and after it within
/// `tag`.
pub struct Level<'a> {
    pub tag: u8,
    pub before: &'a [u8],
    pub after: &'a [u8],
}

/// `levels`, outermost first, around `contents`: in its buffer, if that has
/// room, else in one of the exact size.
pub fn around(levels: &[Level<'_>], contents: Vec<u8>) -> Vec<u8> {
    let (before, after) = ends(levels, contents.len());
    surround(&before, contents, &after)
}

/// The same, with `contents` copied.
pub fn around_copy(levels: &[Level<'_>], contents: &[u8]) -> Vec<u8> {
    let (before, after) = ends(levels, contents.len());
    let mut out = Vec::with_capacity(before.len() + contents.len() + after.len());
    out.extend_from_slice(&before);
    out.extend_from_slice(contents);
    out.extend_from_slice(&after);
    out
}

/// What stands before and after contents of `len` octets.
fn ends(levels: &[Level<'_>], mut len: usize) -> (Vec<u8>, Vec<u8>) {
    let mut headers = Vec::with_capacity(levels.len());
    let mut after = Vec::new();
    for level in levels.iter().rev() {
        len += level.before.len() + level.after.len();
        let mut start = Vec::with_capacity(header_len(len) + level.before.len());
        header(&mut start, level.tag, len);
        len += start.len();
        start.extend_from_slice(level.before);
        headers.push(start);
        after.extend_from_slice(level.after);
    }
    headers.reverse();
    (headers.concat(), after)
}

/// Identifier and length octets of a value with `len` octets of contents.
pub fn header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    length(out, len);
}

/// Length octets, in as few as possible.
pub fn length(out: &mut Vec<u8>, len: usize) {
    match u8::try_from(len) {
        Ok(short @ ..0x80) => out.push(short),
        _ => {
            let octets = len.to_be_bytes();
            let significant = octets.iter().skip_while(|octet| **octet == 0);
            // At most eight, so the sum stays below 0x80 + 127.
            out.push(0x80 | significant.clone().count() as u8);
            out.extend(significant);
        }
    }
}

/// How many octets a header with `len` octets of contents takes.
pub fn header_len(len: usize) -> usize {
    1 + length_len(len)
}

fn length_len(len: usize) -> usize {
    if len < 0x80 { 1 } else { 1 + (usize::BITS - len.leading_zeros()).div_ceil(8) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal_and_foreseen() {
        for (len, expected) in [
            (0, &[0x04, 0][..]),
            (0x7F, &[0x04, 0x7F]),
            (0x80, &[0x04, 0x81, 0x80]),
            (0xFF, &[0x04, 0x81, 0xFF]),
            (0x100, &[0x04, 0x82, 1, 0]),
            (0x01_0000, &[0x04, 0x83, 1, 0, 0]),
            (0xFF_FFFF, &[0x04, 0x83, 0xFF, 0xFF, 0xFF]),
            (0x0100_0000, &[0x04, 0x84, 1, 0, 0, 0]),
        ] {
            let mut out = Vec::new();
            header(&mut out, tag::OCTET_STRING, len);
            assert_eq!(out, expected);
            assert_eq!(header_len(len), expected.len());
        }
    }

    #[test]
    fn sets_are_sorted() {
        let mut members = vec![vec![0x04, 2, 1, 1], vec![0x02, 1, 9], vec![0x04, 1, 7]];
        assert_eq!(set_of(tag::SET, &mut members), [0x31, 10, 2, 1, 9, 4, 1, 7, 4, 2, 1, 1]);
    }
}
