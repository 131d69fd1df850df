//! The end of a message: CRLF, a dot, CRLF, and nothing else.
//!
//! What one program takes for the end and another for text lets a client smuggle
//! a second message in the first (CVE-2023-51764 and its kin). Here a bare CR or
//! LF is never an end of a line; a message with one is read to its true end, so
//! that nothing of it is taken for commands, and then refused.

use memchr::memchr2;

/// Finds the end of a message and takes out the dots that were put before its
/// lines (RFC 5321, section 4.5.2), however its octets arrive.
#[derive(Debug, Default)]
pub struct DataReader {
    state: State,
    bare: bool,
}

/// What was read last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// CRLF, or nothing: a line begins.
    #[default]
    Start,
    /// A dot that begins a line.
    Dot,
    /// The same, and a CR.
    DotCr,
    /// Text.
    Text,
    /// A CR within text.
    Cr,
}

impl DataReader {
    /// Reads `octets`, and gives the message's own to `keep`. The number of octets
    /// up to the message's end, if it is among them: those after it are not read.
    pub fn read(&mut self, octets: &[u8], mut keep: impl FnMut(&[u8])) -> Option<usize> {
        let mut rest = octets;
        while let Some((&octet, tail)) = rest.split_first() {
            if self.state == State::Text {
                let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
                if !text.is_empty() {
                    keep(text);
                    rest = after;
                    continue;
                }
            }
            rest = tail;
            self.state = match (self.state, octet) {
                (State::Start, b'.') => State::Dot,
                (State::Dot, b'\r') => State::DotCr,
                (State::DotCr, b'\n') => return Some(octets.len().saturating_sub(rest.len())),
                (State::Cr, b'\n') => {
                    keep(b"\r\n");
                    State::Start
                }
                (State::DotCr | State::Cr, _) => {
                    // The CR that came before ends nothing.
                    self.bare = true;
                    keep(b"\r");
                    self.text(octet, &mut keep)
                }
                (State::Start | State::Dot | State::Text, _) => self.text(octet, &mut keep),
            };
        }
        None
    }

    /// Whether a bare CR or LF was among what has been read.
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    fn text(&mut self, octet: u8, keep: &mut impl FnMut(&[u8])) -> State {
        match octet {
            b'\r' => State::Cr,
            _ => {
                self.bare |= octet == b'\n';
                keep(&[octet]);
                State::Text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message, what follows its end, and whether it is sound; in pieces of
    /// every size.
    fn read(octets: &[u8]) -> Option<(Vec<u8>, Vec<u8>, bool)> {
        let mut results = (1..=octets.len().max(1)).map(|size| {
            let mut reader = DataReader::default();
            let mut message = Vec::new();
            let mut before = 0;
            for piece in octets.chunks(size) {
                if let Some(end) = reader.read(piece, |kept| message.extend_from_slice(kept)) {
                    return Some((message, octets[before + end..].to_vec(), !reader.is_bare()));
                }
                before += piece.len();
            }
            None
        });
        let first = results.next().unwrap();
        assert!(results.all(|result| result == first), "pieces matter");
        first
    }

    #[test]
    fn a_message_ends_with_a_lone_dot() {
        for (octets, message, after) in [
            ("a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"),
            (".\r\n", "", ""),
            ("\r\n.\r\n", "\r\n", ""),
            ("..\r\n.\r\n", ".\r\n", ""),
            (".a\r\n..b\r\n.\r\n", "a\r\n.b\r\n", ""),
            ("a.\r\n.\r\n", "a.\r\n", ""),
            ("a\r\n.\r\n.\r\n", "a\r\n", ".\r\n"),
        ] {
            let expected = (message.as_bytes().to_vec(), after.as_bytes().to_vec(), true);
            assert_eq!(read(octets.as_bytes()), Some(expected), "{octets:?}");
        }
        for octets in ["", ".", ".\r", "a\r\n.", "a\r\n.\r", "a.\r\n", "a\n.\n", "a\r.\r"] {
            assert_eq!(read(octets.as_bytes()), None, "{octets:?}");
        }
    }

    #[test]
    fn t42_nothing_but_crlf_dot_crlf_ends_a_message() {
        for end in [
            "\n.\n",
            "\r.\r",
            "\n.\r\n",
            "\r\n.\n",
            "\r\n.\r",
            "\r.\r\n",
            "\r\r\n.\n",
            "\n\r\n.\r\r\n",
            "\r\n\0.\r\n",
            "\n..\r\n",
        ] {
            let smuggled = format!("a{end}MAIL FROM:<x@y.example>\r\n.\r\nQUIT\r\n");
            let (message, after, sound) = read(smuggled.as_bytes()).unwrap();
            assert_eq!(after, b"QUIT\r\n", "{end:?}");
            assert!(message.ends_with(b"MAIL FROM:<x@y.example>\r\n"), "{end:?}");
            assert_eq!(sound, end == "\r\n\0.\r\n", "{end:?}");
        }
    }
}
