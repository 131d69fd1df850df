//! The header of a message or entity, field by field (RFC 5322, section 2.2).

use std::borrow::Cow;

use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// The header fields of a message or entity, in their order.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    raw: &'a [u8],
    fields: Vec<Field<'a>>,
}

impl<'a> Header<'a> {
    /// Reads the header at the start of `entity`, and gives it with the body:
    /// what follows the empty line, and nothing where there is none.
    ///
    /// Values may hold 8-bit octets and lines of any length, because mail does.
    ///
    /// # Errors
    /// [`MimeError::BareLineEnd`] for a CR or LF on its own in the header;
    /// [`MimeError::HeaderField`] for a line that is no field and continues none,
    /// a name that is not of printable ASCII (white space before the colon
    /// included), and control characters; a limit for too many fields.
    pub fn parse(entity: &'a [u8], budget: &mut Budget) -> Result<(Self, &'a [u8]), MessageError> {
        let mut parser = Fields::new(entity);
        let mut fields = Vec::new();
        for field in &mut parser {
            budget.field()?;
            fields.push(field?);
        }
        let len = entity.len() - parser.after_header();
        Ok((Self { raw: entity.get(..len).unwrap_or_default(), fields }, parser.body()))
    }

    /// All fields as received, without the empty line.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The fields, from the top.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The fields of a name, from the top.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// The first field of a name.
    pub fn first(&self, name: &str) -> Option<&Field<'a>> {
        self.all(name).next()
    }

    /// The only field of a name, or none.
    ///
    /// # Errors
    /// [`MimeError::RepeatedField`] if there are several.
    pub fn unique(&self, name: &str) -> Result<Option<&Field<'a>>, MimeError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (field, None) => Ok(field),
            _ => Err(MimeError::RepeatedField),
        }
    }

    /// The octets of the header, as received, less the fields of these names.
    pub fn without(&self, names: &[&str]) -> Vec<u8> {
        self.retain(|field| !names.iter().any(|name| field.is(name)))
    }

    /// The octets of those fields that `keep` wants, as received. The last one
    /// ends in CRLF, even if the message broke off before.
    pub fn retain(&self, mut keep: impl FnMut(&Field<'a>) -> bool) -> Vec<u8> {
        let kept: Vec<&Field<'a>> = self.fields.iter().filter(|field| keep(field)).collect();
        let mut out = Vec::with_capacity(kept.iter().map(|field| field.raw.len()).sum::<usize>() + 2);
        for field in kept {
            out.extend_from_slice(field.raw);
        }
        if !out.is_empty() && !out.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out
    }
}

/// A header field: a name, a colon and a value over one or more lines.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    raw: &'a [u8],
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The whole field as received, folding and final CRLF included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The name, as it is spelt: printable ASCII without colon.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether the field has this name; case does not matter.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What follows the colon, still folded, without the final CRLF.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value on one line, without white space around it. Octets that are
    /// not UTF-8 become U+FFFD: for reading, not for deciding.
    pub fn unfolded(&self) -> String {
        String::from_utf8_lossy(unfold(self.value).trim_ascii()).into_owned()
    }

    /// One field out of its lines, which end in CRLF but for perhaps the last.
    fn parse(raw: &'a [u8]) -> Result<Self, MimeError> {
        let colon = memchr::memchr(b':', raw).ok_or(MimeError::HeaderField)?;
        let (name, value) = raw.split_at_checked(colon).ok_or(MimeError::HeaderField)?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(MimeError::HeaderField);
        }
        let name = str::from_utf8(name).map_err(|_| MimeError::HeaderField)?;
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_suffix(b"\r\n").unwrap_or(value);
        if value.iter().any(|&octet| is_refused(octet)) {
            return Err(MimeError::HeaderField);
        }
        Ok(Self { raw, name, value })
    }
}

/// The fields at the start of an entity, one after the other; then its body.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(entity: &'a [u8]) -> Self {
        Self { rest: entity }
    }

    /// How many octets follow the header, once all fields are read: the empty
    /// line and the body.
    pub(super) fn after_header(&self) -> usize {
        self.rest.len()
    }

    /// The body, once all fields are read.
    pub(super) fn body(&self) -> &'a [u8] {
        self.rest.strip_prefix(b"\r\n").unwrap_or_default()
    }

    /// The octets of the next field: a line, and those that continue it.
    fn lines(&mut self) -> Result<&'a [u8], MimeError> {
        let mut end = 0;
        loop {
            let rest = self.rest.get(end..).unwrap_or_default();
            let line = match memchr::memchr(b'\n', rest) {
                Some(lf) => {
                    let before = rest.get(..lf).unwrap_or_default();
                    end += lf + 1;
                    before.strip_suffix(b"\r").ok_or(MimeError::BareLineEnd)?
                }
                None => {
                    end = self.rest.len();
                    rest
                }
            };
            if memchr::memchr(b'\r', line).is_some() {
                return Err(MimeError::BareLineEnd);
            }
            if !matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                let (field, rest) = self.rest.split_at_checked(end).ok_or(MimeError::HeaderField)?;
                self.rest = rest;
                return Ok(field);
            }
        }
    }
}

impl<'a> Iterator for &mut Fields<'a> {
    type Item = Result<Field<'a>, MimeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.rest.starts_with(b"\r\n") {
            return None;
        }
        Some(self.lines().and_then(Field::parse))
    }
}

/// A value without the line ends of its folding (RFC 5322, section 2.2.3).
pub(super) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect())
}

/// Control characters have no place in a field, and NUL cuts it short for some
/// readers. ESC is the exception: ISO-2022-JP is full of it, and old Japanese
/// mail has that unencoded in its subjects.
fn is_refused(octet: u8) -> bool {
    octet.is_ascii_control() && !matches!(octet, b'\t' | b'\r' | b'\n' | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(message: &[u8]) -> Result<(Header<'_>, &[u8]), MessageError> {
        Header::parse(message, &mut Budget::for_message(message.len()))
    }

    fn refused(message: &[u8]) -> MimeError {
        match parse(message) {
            Err(MessageError::Mime(e)) => e,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_keep_their_octets_order_and_folding() {
        let message = b"Subject: one\r\n\t two\r\nTo:a@b\r\nSUBJECT: three\r\n\r\nbody\r\n";
        let (header, body) = parse(message).unwrap();
        assert_eq!(body, b"body\r\n");
        assert_eq!(header.raw(), &message[..message.len() - 8]);
        assert_eq!(header.fields().iter().map(Field::name).collect::<Vec<_>>(), ["Subject", "To", "SUBJECT"]);
        let subject = header.first("subject").unwrap();
        assert_eq!(subject.raw(), b"Subject: one\r\n\t two\r\n");
        assert_eq!(subject.value(), b" one\r\n\t two");
        assert_eq!(subject.unfolded(), "one\t two");
        assert_eq!(header.all("Subject").count(), 2);
        assert_eq!(header.unique("Subject").unwrap_err(), MimeError::RepeatedField);
        assert_eq!(header.unique("To").unwrap().unwrap().unfolded(), "a@b");
        assert!(header.unique("Cc").unwrap().is_none());
    }

    #[test]
    fn a_header_without_empty_line_has_an_empty_body() {
        for message in [&b"Subject: x\r\n"[..], b"Subject: x", b"Subject: x\r\n\r\n", b"\r\n", b""] {
            assert_eq!(parse(message).unwrap().1, b"", "{message:?}");
        }
        assert_eq!(parse(b"\r\nbody").unwrap().1, b"body");
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for message in [
            &b"no colon\r\n\r\n"[..],
            b" leading continuation: x\r\n\r\n",
            b"Subject : space before the colon\r\n\r\n",
            b": no name\r\n\r\n",
            b"S\xc3\xbcbject: x\r\n\r\n",
            b"Subject: nul\0\r\n\r\n",
            b"Subject: bell\x07\r\n\r\n",
            b"Sub\tject: x\r\n\r\n",
            b"From alice@nec.example Sun Nov 22 20:25:00 2026\r\nFrom: a@b\r\n\r\n",
        ] {
            assert_eq!(refused(message), MimeError::HeaderField, "{message:?}");
        }
    }

    #[test]
    fn lines_of_a_header_end_in_crlf_only() {
        for message in [&b"a: x\nb: y\r\n\r\n"[..], b"a: x\ry\r\n\r\n", b"a: x\r", b"a: x\r\r\n\r\n", b"a: x\n\n"] {
            assert_eq!(refused(message), MimeError::BareLineEnd, "{message:?}");
        }
    }

    #[test]
    fn mail_as_it_is_gets_in() {
        let long = [b"X: ".to_vec(), vec![b'x'; 5000], b"\r\n\r\n".to_vec()].concat();
        assert_eq!(parse(&long).unwrap().0.fields().len(), 1);
        let (header, _) = parse(b"Subject: \x1b$B%F\x1b(B\r\nFrom: Andr\xe9 <a@b>\r\nX:\r\n \r\n y\r\n\r\n").unwrap();
        assert_eq!(header.fields().len(), 3);
    }

    #[test]
    fn fields_are_counted() {
        let message = b"a:\r\n".repeat(Budget::FIELDS as usize + 1);
        assert_eq!(parse(&message).unwrap_err(), MessageError::Limit(crate::budget::Limit::Fields));
    }

    #[test]
    fn fields_are_removed_by_name() {
        let (header, _) = parse(b"Bcc: x@y\r\nTo: a@b\r\nbcc:\r\n z@y\r\nCc: c@d\r\n\r\n").unwrap();
        assert_eq!(header.without(&["Bcc"]), b"To: a@b\r\nCc: c@d\r\n");
        assert_eq!(header.without(&[]), header.raw());
        let (header, _) = parse(b"Bcc: x@y\r\nTo: a@b").unwrap();
        assert_eq!(header.without(&["BCC"]), b"To: a@b\r\n");
    }
}
