//! A message as the mail server shows it, put together again: field by field, and
//! the body in pieces.

use bytes::{Bytes, BytesMut};

use crate::serve::{Held, Refusal};

/// A message that is being received.
pub struct Message {
    octets: BytesMut,
    held: Held,
    most: usize,
    in_body: bool,
    refused: Option<Refusal>,
    /// Octets that came, kept or not.
    size: usize,
}

/// A field whose value would end the field, or the header: no mail server says so.
#[derive(Debug, PartialEq, Eq)]
pub struct NoField;

impl Message {
    /// A message that grows as `held` lets it, once its size is [allowed](Self::allow).
    pub fn new(held: Held) -> Self {
        Self { octets: BytesMut::new(), held, most: 0, in_body: false, refused: None, size: 0 }
    }

    /// Allows it `most` octets.
    pub fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// Appends a field; folds come as LF, or CRLF, and become CRLF. Without
    /// `space` the mail server has eaten the space after the colon.
    ///
    /// What the server does not show is lost: white space before the colon.
    pub fn field(&mut self, name: &[u8], value: &[u8], space: bool) -> Result<(), NoField> {
        let mut lines = value.split(|&octet| octet == b'\n');
        let first = lines.next().unwrap_or_default();
        self.append(&[name, if space { b":" } else { b": " }, without_cr(first)]);
        for line in lines {
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                return Err(NoField);
            }
            self.append(&[b"\r\n", without_cr(line)]);
        }
        self.append(&[b"\r\n"]);
        Ok(())
    }

    /// Ends the header.
    pub fn end_of_header(&mut self) {
        if !std::mem::replace(&mut self.in_body, true) {
            self.append(&[b"\r\n"]);
        }
    }

    /// Appends octets of the body.
    pub fn body(&mut self, octets: &[u8]) {
        self.end_of_header();
        self.append(&[octets]);
    }

    /// Whether the body has begun.
    pub fn in_body(&self) -> bool {
        self.in_body
    }

    /// Why the message cannot be taken, as soon as that is known, and how many octets
    /// have come. Nothing more is kept of it from then on.
    pub fn refused(&self) -> Option<(&Refusal, usize)> {
        self.refused.as_ref().map(|refusal| (refusal, self.size))
    }

    /// The message, and what holds its place until it has gone its way; or why it is
    /// not taken, and how many octets have come.
    pub fn finish(mut self) -> Result<(Bytes, Held), (Refusal, usize)> {
        self.end_of_header();
        match self.refused {
            Some(refusal) => Err((refusal, self.size)),
            None => Ok((self.octets.freeze(), self.held)),
        }
    }

    fn append(&mut self, pieces: &[&[u8]]) {
        let more = pieces.iter().map(|piece| piece.len()).sum();
        self.size = self.size.saturating_add(more);
        if self.refused.is_some() {
            return;
        }
        let grown = if self.size > self.most {
            Err(Refusal::TooLarge { size: self.size, most: self.most })
        } else {
            self.held.grow(more)
        };
        match grown {
            Ok(()) => pieces.iter().for_each(|piece| self.octets.extend_from_slice(piece)),
            Err(refusal) => {
                self.octets = BytesMut::new();
                self.refused = Some(refusal);
            }
        }
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::header::{Field, split};
    use super::*;
    use crate::serve::held::Quota;

    fn message(most: usize) -> Message {
        let mut message = Message::new(Quota::new(100).take(0).unwrap());
        message.allow(most);
        message
    }

    fn finished(message: Message) -> Bytes {
        message.finish().unwrap().0
    }

    #[test]
    fn the_octets_are_those_that_the_mail_server_has() {
        let mut shown = message(1000);
        shown.field(b"Subject", b" folded\n\there\r\n too", true).unwrap();
        shown.field(b"X", b"", true).unwrap();
        shown.field(b"Latin", b"\xf6", true).unwrap();
        shown.end_of_header();
        shown.body(b"a\0\r\n");
        shown.body(b"\r\nb");
        assert_eq!(finished(shown), &b"Subject: folded\r\n\there\r\n too\r\nX:\r\nLatin:\xf6\r\n\r\na\0\r\n\r\nb"[..]);

        let mut eaten = message(1000);
        eaten.field(b"Subject", b"s", false).unwrap();
        assert_eq!(finished(eaten), "Subject: s\r\n\r\n");
    }

    #[test]
    fn a_value_makes_no_field_of_its_own() {
        for value in [&b"a\nBcc: b"[..], b"a\n\n", b"a\n", b"a\r\n\r\nbody"] {
            assert_eq!(message(1000).field(b"X", value, true), Err(NoField));
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_not_kept() {
        let mut large = message(10);
        large.body(b"12345678");
        assert!(large.refused().is_none());
        large.body(b"9");
        assert_eq!(large.refused(), Some((&Refusal::TooLarge { size: 11, most: 10 }, 11)));
        assert!(large.octets.is_empty());
        large.body(&[0; 1000]);
        assert!(large.octets.is_empty());
        assert_eq!(large.finish().unwrap_err(), (Refusal::TooLarge { size: 11, most: 10 }, 1011));
    }

    #[test]
    fn a_message_that_there_is_no_memory_for_is_put_off() {
        let mut large = message(1000);
        large.body(&[0; 101]);
        assert_eq!(large.refused().map(|(refusal, _)| refusal), Some(&Refusal::Memory));
    }

    proptest! {
        /// The changes are counted in the fields that the mail server showed: they
        /// have to be those that are found in the message again.
        #[test]
        fn a_message_has_the_fields_that_were_shown(
            fields in proptest::collection::vec(("[!-9;-~]{1,8}", "[^\\r\\n]{0,20}(\n[ \t][^\\r\\n]{0,20}){0,2}"), 0..6),
            body in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut shown = Message::new(Quota::new(1 << 20).take(0).unwrap());
            shown.allow(1 << 20);
            for (name, value) in &fields {
                shown.field(name.as_bytes(), value.as_bytes(), true).unwrap();
            }
            shown.body(&body);
            let octets = finished(shown);
            let values: Vec<String> = fields.iter().map(|(_, value)| value.replace('\n', "\r\n")).collect();
            let wanted = fields.iter().zip(&values).map(|((name, _), value)| Field { name: name.as_bytes(), value: value.as_bytes() });
            let (found, rest) = split(&octets).unwrap();
            prop_assert_eq!(found, wanted.collect::<Vec<_>>());
            prop_assert_eq!(rest, &body[..]);
        }
    }
}
