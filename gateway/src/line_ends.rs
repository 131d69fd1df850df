//! Between the line ends of a Unix pipe (LF) and those of mail (CRLF).

use std::borrow::Cow;

/// How the lines of a message end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// With LF, all of them: it comes from a Unix program.
    Unix,
    /// With CRLF, or not all alike: it is taken as it is, and judged so.
    Mail,
}

impl LineEnds {
    /// Those of `message`.
    pub fn of(message: &[u8]) -> Self {
        if message.contains(&b'\n') && !message.contains(&b'\r') { Self::Unix } else { Self::Mail }
    }

    /// `message` as mail has it.
    pub fn to_mail(self, message: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Mail => Cow::Borrowed(message),
            Self::Unix => {
                let lines = message.iter().filter(|&&octet| octet == b'\n').count();
                let mut converted = Vec::with_capacity(message.len().saturating_add(lines));
                for &octet in message {
                    if octet == b'\n' {
                        converted.push(b'\r');
                    }
                    converted.push(octet);
                }
                Cow::Owned(converted)
            }
        }
    }

    /// `message`, which mail has, as it came.
    pub fn to_received(self, message: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Mail => Cow::Borrowed(message),
            Self::Unix => {
                let mut converted = Vec::with_capacity(message.len());
                let mut rest = message.iter().peekable();
                while let Some(&octet) = rest.next() {
                    if octet == b'\r' && rest.peek() == Some(&&b'\n') {
                        continue;
                    }
                    converted.push(octet);
                }
                Cow::Owned(converted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_message_goes_there_and_back() {
        let message = b"From: a@b.c\n\nHello\n\n";
        let ends = LineEnds::of(message);
        assert_eq!(ends, LineEnds::Unix);
        let mail = ends.to_mail(message);
        assert_eq!(&*mail, b"From: a@b.c\r\n\r\nHello\r\n\r\n");
        assert_eq!(&*ends.to_received(&mail), message);
    }

    #[test]
    fn mail_and_mixtures_stay_as_they_are() {
        for message in [b"a\r\nb\r\n".as_slice(), b"a\r\nb\n", b"a\rb\n", b"", b"no end"] {
            let ends = LineEnds::of(message);
            assert_eq!(ends, LineEnds::Mail);
            assert_eq!(&*ends.to_mail(message), message);
            assert_eq!(&*ends.to_received(message), message);
        }
    }
}
