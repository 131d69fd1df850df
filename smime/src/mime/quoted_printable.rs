//! Quoted-printable (RFC 2045, section 6.7): decoding, and encoding so that the
//! same octets come back, whatever they are.

use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// Decodes a body. White space at the end of a line is a relay's, and goes.
///
/// # Errors
/// [`MimeError::EncodedBody`] for an octet that the encoding does not have, an
/// `=` that is neither followed by two hexadecimal digits nor at the end of its
/// line, and a CR or LF on its own; a limit if the content would be too large.
pub fn decode(body: &[u8], budget: &mut Budget) -> Result<Vec<u8>, MessageError> {
    // Each `=` stands for at least two octets less.
    let escapes = memchr::memchr_iter(b'=', body).count();
    let most = body.len().saturating_sub(escapes.saturating_mul(2));
    budget.octets(most)?;

    let mut content = Vec::with_capacity(most);
    let mut rest = body;
    while !rest.is_empty() {
        let (line, hard_break, after) = match memchr::memchr(b'\n', rest) {
            Some(lf) => {
                let line = rest.get(..lf).and_then(|line| line.strip_suffix(b"\r")).ok_or(MimeError::EncodedBody)?;
                (line, true, rest.get(lf + 1..).unwrap_or_default())
            }
            None => (rest, false, &[][..]),
        };
        let line = trim_end(line);
        let (line, soft_break) = line.strip_suffix(b"=").map_or((line, false), |line| (line, true));
        decode_line(line, &mut content)?;
        if hard_break && !soft_break {
            content.extend_from_slice(b"\r\n");
        }
        rest = after;
    }
    Ok(content)
}

fn decode_line(line: &[u8], content: &mut Vec<u8>) -> Result<(), MimeError> {
    let mut rest = line;
    loop {
        let equals = memchr::memchr(b'=', rest);
        let (literal, escape) = rest.split_at_checked(equals.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        if !literal.iter().all(|&octet| is_literal(octet)) {
            return Err(MimeError::EncodedBody);
        }
        content.extend_from_slice(literal);
        match escape {
            [] => return Ok(()),
            [_, high, low, after @ ..] => {
                content.push(hex(*high)? * 16 + hex(*low)?);
                rest = after;
            }
            _ => return Err(MimeError::EncodedBody),
        }
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    let len = line.iter().rposition(|&octet| !is_blank(octet)).map_or(0, |last| last + 1);
    line.get(..len).unwrap_or(line)
}

/// RFC 2045 asks for capital letters; small ones leave no doubt either.
fn hex(digit: u8) -> Result<u8, MimeError> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(MimeError::EncodedBody)
}

/// Appends `content`: CRLF stays a line end, a CR or LF on its own does not, and
/// `From ` and a lone dot, which mailboxes and SMTP know, do not start a line.
pub fn append(out: &mut Vec<u8>, content: &[u8]) {
    out.reserve_exact(encoded_len(content));
    append_reserved(out, content);
}

/// The same where the room, of [`encoded_len`], is there already: counting costs
/// as much as encoding.
pub(super) fn append_reserved(out: &mut Vec<u8>, content: &[u8]) {
    encode(content, &mut |piece| out.extend_from_slice(piece));
}

/// How many octets [`append`] makes of `content`.
pub fn encoded_len(content: &[u8]) -> usize {
    let mut len = 0;
    encode(content, &mut |piece| len += piece.len());
    len
}

fn encode(content: &[u8], write: &mut impl FnMut(&[u8])) {
    let mut rest = content;
    while !rest.is_empty() {
        match memchr::memmem::find(rest, b"\r\n") {
            Some(at) => {
                encode_line(rest.get(..at).unwrap_or_default(), write);
                write(b"\r\n");
                rest = rest.get(at + 2..).unwrap_or_default();
            }
            None => {
                encode_line(rest, write);
                rest = &[];
            }
        }
    }
}

/// Encodes a line of the content as one or more lines of at most 76 octets, in
/// stretches that need no escape.
fn encode_line(line: &[u8], write: &mut impl FnMut(&[u8])) {
    let mut rest = line;
    let mut column = 0;
    while let Some((&octet, after)) = rest.split_first() {
        // The `=` of a soft line break needs a column, where more follows.
        let room = LINE - 1 - column;
        let is_risky = column == 0 && is_risky_start(rest);
        if is_risky || !is_plain(octet) || (after.is_empty() && is_blank(octet)) {
            if ESCAPE > if after.is_empty() { room + 1 } else { room } {
                write(b"=\r\n");
                column = 0;
                continue;
            }
            write(&[b'=', digit(octet >> 4), digit(octet & 15)]);
            column += ESCAPE;
            rest = after;
            continue;
        }
        let plain = rest.iter().take(room + 1).take_while(|&&octet| is_plain(octet)).count();
        let is_whole = plain == rest.len() && !rest.last().is_some_and(|&last| is_blank(last));
        // A blank that ends the line is left for an escape of its own.
        let len = if is_whole { plain } else { plain.min(room).min(rest.len() - 1) };
        let (stretch, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        write(stretch);
        column += len;
        rest = after;
        if column >= LINE - 1 && !rest.is_empty() {
            write(b"=\r\n");
            column = 0;
        }
    }
}

fn is_risky_start(rest: &[u8]) -> bool {
    rest.starts_with(b"From ") || rest.starts_with(b".")
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + (value - 10) }
}

/// An octet that may stand for itself.
fn is_plain(octet: u8) -> bool {
    is_literal(octet) && octet != b'='
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// An octet that an encoded body may have.
fn is_literal(octet: u8) -> bool {
    octet.is_ascii_graphic() || is_blank(octet)
}

/// Octets in a line, without CRLF.
const LINE: usize = 76;
/// Octets in an escape.
const ESCAPE: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(body: &[u8]) -> Result<Vec<u8>, MessageError> {
        decode(body, &mut Budget::for_message(body.len()))
    }

    fn encoded(content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append(&mut out, content);
        out
    }

    #[test]
    fn escapes_breaks_and_trailing_space_are_read() {
        assert_eq!(
            decoded(b"a=3Db=e3=81=82 \t\r\nsoft=\r\n break= \r\n=20\r\nend=").unwrap(),
            "a=bあ\r\nsoft break \r\nend".as_bytes()
        );
        assert_eq!(decoded(b"").unwrap(), b"");
    }

    #[test]
    fn what_the_encoding_does_not_have_is_refused() {
        for body in [&b"a=\xc3"[..], b"\xc3\xa4", b"a=4", b"a=4G", b"a==41", b"a\nb", b"a\rb", b"a\0b", b"a= b"] {
            assert_eq!(decoded(body), Err(MimeError::EncodedBody.into()), "{body:?}");
        }
    }

    #[test]
    fn relays_find_nothing_to_change() {
        assert_eq!(
            encoded(b"From x\r\n.\r\n..\r\ntrailing \r\n a\tb\r\n"),
            b"=46rom x\r\n=2E\r\n=2E.\r\ntrailing=20\r\n a\tb\r\n"
        );
        assert_eq!(encoded("ä=\r\n".as_bytes()), b"=C3=A4=3D\r\n");
        assert_eq!(encoded(b"a\nb\rc"), b"a=0Ab=0Dc");
        // Exactly 76 octets need no soft break; 77 do.
        assert_eq!(encoded(&[b'x'; 76]).len(), 76);
        assert_eq!(encoded(&[b'x'; 77]), [&[b'x'; 75][..], b"=\r\nxx"].concat());
        assert_eq!(encoded(&[&[b'x'; 75][..], b".y"].concat()), [&[b'x'; 75][..], b"=\r\n=2Ey"].concat());
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(content in prop::collection::vec(prop::sample::select(&b"aF rom.=\t\r\n\0\xe3\x81"[..]), 0..2000)) {
            let encoded = encoded(&content);
            prop_assert_eq!(encoded.len(), encoded.capacity());
            prop_assert!(encoded.is_ascii());
            prop_assert!(encoded.split(|&c| c == b'\n').all(|line| line.len() <= LINE + 1));
            prop_assert_eq!(crate::mime::check_line_ends(&encoded), Ok(()));
            prop_assert_eq!(decoded(&encoded).unwrap(), content);
        }
    }
}
