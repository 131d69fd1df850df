//! Line ends: pipes of Unix have LF where mail has CRLF.

use std::borrow::Cow;

/// The line ends of a message on a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// LF throughout, as mail servers write into pipes.
    Unix,
    /// Those of mail; or a mixture, which is the filter's to judge.
    Mail,
}

impl LineEnds {
    /// What a message has.
    pub fn of(message: &[u8]) -> Self {
        if message.contains(&b'\n') && !message.contains(&b'\r') { Self::Unix } else { Self::Mail }
    }

    /// The message with the line ends of mail.
    pub fn to_mail(self, message: &[u8]) -> Cow<'_, [u8]> {
        self.replace(message, b"\n", b"\r\n")
    }

    /// The reverse.
    pub fn from_mail(self, message: &[u8]) -> Cow<'_, [u8]> {
        self.replace(message, b"\r\n", b"\n")
    }

    fn replace<'m>(self, message: &'m [u8], from: &[u8], to: &[u8]) -> Cow<'m, [u8]> {
        if self == Self::Mail {
            return Cow::Borrowed(message);
        }
        let mut out = Vec::with_capacity(message.len() + message.len() / 32);
        for line in message.split_inclusive(|&octet| octet == b'\n') {
            match line.strip_suffix(from) {
                Some(line) => {
                    out.extend_from_slice(line);
                    out.extend_from_slice(to);
                }
                None => out.extend_from_slice(line),
            }
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_that_is_all_unix_is_converted_and_back() {
        let unix: &[u8] = b"From: a\n\nx\n\ny";
        let ends = LineEnds::of(unix);
        assert_eq!(ends, LineEnds::Unix);
        let mail = ends.to_mail(unix);
        assert_eq!(mail.as_ref(), b"From: a\r\n\r\nx\r\n\r\ny");
        assert_eq!(ends.from_mail(&mail).as_ref(), unix);
        for other in [&b"a\r\nb\n"[..], b"a\r\n", b"a\rb", b"", b"a"] {
            assert_eq!(LineEnds::of(other), LineEnds::Mail);
            assert_eq!(LineEnds::Mail.to_mail(other).as_ref(), other);
        }
    }
}
