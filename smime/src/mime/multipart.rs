//! The parts of a multipart body, as ranges of it (RFC 2046, section 5.1).

use std::ops::Range;

use memchr::memmem::Finder;

use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// A multipart body, taken apart at its delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart<'a> {
    /// What stands before the first delimiter, and is no part.
    pub preamble: &'a [u8],
    /// The parts, never none. Each is an entity, without the CRLF that belongs
    /// to the delimiter behind it: the octets that `multipart/signed` hashes.
    pub parts: Vec<&'a [u8]>,
    /// What stands after the close delimiter, and is no part.
    pub epilogue: &'a [u8],
    /// Whether there is a close delimiter. Without one the last part reaches to
    /// the end, and something may have been cut off.
    pub closed: bool,
}

/// Takes a multipart body apart.
///
/// A delimiter is two hyphens and the boundary at the start of a line, and
/// nothing but white space behind it. A line that goes on after the boundary is
/// none: it may belong to a longer boundary, of a multipart inside.
///
/// # Errors
/// [`MimeError::Multipart`] for a boundary that RFC 2046 does not allow (1 to 70
/// printable ASCII characters, the last one no space) and one that does not
/// delimit any part; a limit for too many parts.
pub fn parse<'a>(body: &'a [u8], boundary: &str, budget: &mut Budget) -> Result<Multipart<'a>, MessageError> {
    let ranges = ranges(body, boundary, budget)?;
    let octets = |range: &Range<usize>| body.get(range.clone()).unwrap_or_default();
    Ok(Multipart {
        preamble: octets(&ranges.preamble),
        parts: ranges.parts.iter().map(octets).collect(),
        epilogue: octets(&ranges.epilogue),
        closed: ranges.closed,
    })
}

/// The same as a [`Multipart`], in ranges of the body.
pub(super) struct Ranges {
    pub(super) preamble: Range<usize>,
    pub(super) parts: Vec<Range<usize>>,
    pub(super) epilogue: Range<usize>,
    pub(super) closed: bool,
}

pub(super) fn ranges(body: &[u8], boundary: &str, budget: &mut Budget) -> Result<Ranges, MessageError> {
    if !is_boundary(boundary) {
        return Err(MimeError::Multipart.into());
    }
    let dashed = format!("--{boundary}");
    let finder = Finder::new(&dashed);
    let mut delimiters = finder.find_iter(body).filter_map(|at| Delimiter::at(body, at, dashed.len()));

    let first = delimiters.next().filter(|first| !first.closes).ok_or(MimeError::Multipart)?;
    let mut parts = Vec::new();
    let mut start = first.end;
    for delimiter in delimiters {
        budget.part()?;
        // A part may be empty, and share its CRLF with both delimiters.
        parts.push(start..delimiter.start.max(start));
        start = delimiter.end;
        if delimiter.closes {
            return Ok(Ranges { preamble: 0..first.start, parts, epilogue: start..body.len(), closed: true });
        }
    }
    budget.part()?;
    parts.push(start..body.len());
    Ok(Ranges { preamble: 0..first.start, parts, epilogue: body.len()..body.len(), closed: false })
}

/// A delimiter with both of its line ends.
struct Delimiter {
    start: usize,
    end: usize,
    closes: bool,
}

impl Delimiter {
    /// The delimiter whose hyphens are here, if it is one.
    fn at(body: &[u8], at: usize, dashed: usize) -> Option<Self> {
        let (before, line) = body.split_at_checked(at)?;
        let start = match before.strip_suffix(b"\r\n") {
            Some(before) => before.len(),
            None if before.is_empty() => 0,
            None => return None,
        };
        let after = line.get(dashed..)?;
        let (after, closes) = after.strip_prefix(b"--").map_or((after, false), |after| (after, true));
        let padding = after.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let rest = match after.get(padding..)? {
            [b'\r', b'\n', rest @ ..] => rest,
            [] => &[],
            _ => return None,
        };
        Some(Self { start, end: body.len() - rest.len(), closes })
    }
}

/// Mail uses more characters than RFC 2046 lists, but none that ends a line.
pub(super) fn is_boundary(boundary: &str) -> bool {
    (1..=70).contains(&boundary.len())
        && boundary.bytes().all(|octet| matches!(octet, b' '..=b'~'))
        && !boundary.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limit;

    fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Multipart<'a>, MessageError> {
        parse(body, boundary, &mut Budget::for_message(body.len()))
    }

    #[test]
    fn the_line_ends_around_a_delimiter_are_its_own() {
        let body = b"preamble\r\n\r\n--b\r\none\r\n\r\n--b \t\r\n--b\r\n\r\n--b--  \r\nepilogue\r\n--b\r\n";
        let multipart = split(body, "b").unwrap();
        assert_eq!(multipart.preamble, b"preamble\r\n");
        assert_eq!(multipart.parts, [&b"one\r\n"[..], b"", b""]);
        assert_eq!(multipart.epilogue, b"epilogue\r\n--b\r\n");
        assert!(multipart.closed);
    }

    #[test]
    fn a_body_may_begin_and_end_with_a_delimiter() {
        let multipart = split(b"--b\r\none\r\n--b--", "b").unwrap();
        assert_eq!((multipart.preamble, multipart.epilogue), (&b""[..], &b""[..]));
        assert_eq!(multipart.parts, [b"one"]);
    }

    #[test]
    fn a_longer_boundary_is_another() {
        let body = b"--b\r\n\r\n--bb\r\ninner\r\n--bb--\r\n--b-\r\nx--b\r\n --b\r\n--b--x\r\n--b--\r\n";
        let multipart = split(body, "b").unwrap();
        assert_eq!(multipart.parts, [&body[5..body.len() - 9]]);
        assert_eq!(split(multipart.parts[0], "bb").unwrap().parts, [b"inner"]);
        // A boundary that ends in hyphens.
        assert_eq!(split(b"--b--\r\none\r\n--b----\r\n", "b--").unwrap().parts, [b"one"]);
    }

    #[test]
    fn a_missing_close_delimiter_is_told() {
        let multipart = split(b"--b\r\none\r\n--b\r\ntwo\r\n", "b").unwrap();
        assert_eq!(multipart.parts, [&b"one"[..], b"two\r\n"]);
        assert!(!multipart.closed);
        assert_eq!(split(b"--b", "b").unwrap().parts, [b""]);
    }

    #[test]
    fn boundaries_that_do_not_delimit_are_refused() {
        for (body, boundary) in [
            (&b""[..], "b"),
            (b"no delimiter\r\n", "b"),
            (b"--b--\r\n", "b"),
            (b"x --b\r\n", "b"),
            (b"x\n--b\n", "b"),
            (b"--\r\n", ""),
            (b"--b \r\n", "b "),
            (b"--b\xc3\xa4\r\n", "b\u{e4}"),
            (b"--b\r\n\r\n--b\r\n", "b\r\n\r\n--b"),
        ] {
            assert_eq!(split(body, boundary), Err(MimeError::Multipart.into()), "{body:?}");
        }
        let long = "b".repeat(71);
        assert!(split(format!("--{long}\r\n").as_bytes(), &long).is_err());
        assert!(split(format!("--{}\r\n", &long[1..]).as_bytes(), &long[1..]).is_ok());
    }

    #[test]
    fn parts_are_counted() {
        let body = b"--b\r\n".repeat(Budget::PARTS as usize + 1);
        assert_eq!(split(&body, "b"), Err(Limit::Parts.into()));
    }
}
