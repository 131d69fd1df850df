//! A MIME entity: a header and a body, borrowed from the octets received
//! (RFC 2045, section 2.4). A message is one too.

use std::borrow::Cow;

use super::content_type::{ContentType, Disposition};
use super::encoding::TransferEncoding;
use super::header::Header;
use super::multipart::{self, Multipart};
use super::{base64, quoted_printable};
use crate::budget::Budget;
use crate::error::{MessageError, MimeError};

/// A MIME entity, or a message.
#[derive(Clone, Debug)]
pub struct Entity<'a> {
    raw: &'a [u8],
    header: Header<'a>,
    body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Reads an entity: its header now, its body when asked.
    ///
    /// The body is not looked at. [`check_line_ends`](super::check_line_ends)
    /// does that for a message as a whole.
    ///
    /// # Errors
    /// As [`Header::parse`].
    pub fn parse(raw: &'a [u8], budget: &mut Budget) -> Result<Self, MessageError> {
        let (header, body) = Header::parse(raw, budget)?;
        Ok(Self { raw, header, body })
    }

    /// All octets: what a signature of the entity covers.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The header.
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The body, still encoded for transport.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What the entity says it is; `text/plain` if it does not say.
    ///
    /// # Errors
    /// [`MimeError::RepeatedField`] for two `Content-Type` fields,
    /// [`MimeError::ContentType`] for one that does not parse.
    pub fn content_type(&self) -> Result<ContentType, MimeError> {
        match self.header.unique("Content-Type")? {
            Some(field) => ContentType::parse(field.value()),
            None => Ok(ContentType::default()),
        }
    }

    /// How the entity wants to be shown, if it says so.
    ///
    /// # Errors
    /// [`MimeError::RepeatedField`] for two `Content-Disposition` fields,
    /// [`MimeError::ContentType`] for one that does not parse.
    pub fn disposition(&self) -> Result<Option<Disposition>, MimeError> {
        let field = self.header.unique("Content-Disposition")?;
        field.map(|field| Disposition::parse(field.value())).transpose()
    }

    /// Every name the entity gives its file: `filename` of `Content-Disposition`,
    /// `name` of `Content-Type`.
    ///
    /// # Errors
    /// As [`Self::content_type`] and [`Self::disposition`].
    pub fn file_names(&self) -> Result<Vec<String>, MimeError> {
        let disposition = self.disposition()?;
        let content_type = self.content_type()?;
        let names = [disposition.as_ref().and_then(|d| d.parameter("filename")), content_type.parameter("name")];
        Ok(names.into_iter().flatten().map(str::to_owned).collect())
    }

    /// How the body is encoded; `7bit` if the entity does not say.
    ///
    /// # Errors
    /// [`MimeError::RepeatedField`] for two `Content-Transfer-Encoding` fields;
    /// [`MimeError::TransferEncoding`] for an encoding that RFC 2045 does not
    /// have, or that a `multipart`, `message/rfc822` or `message/partial` must not
    /// use (RFC 2045, section 6.4); and as [`Self::content_type`].
    pub fn transfer_encoding(&self) -> Result<TransferEncoding, MimeError> {
        let Some(field) = self.header.unique("Content-Transfer-Encoding")? else {
            return Ok(TransferEncoding::default());
        };
        let encoding = TransferEncoding::parse(field.value())?;
        if !encoding.is_identity() {
            let content_type = self.content_type()?;
            if content_type.is_type("multipart")
                || content_type.is("message", "rfc822")
                || content_type.is("message", "partial")
            {
                return Err(MimeError::TransferEncoding);
            }
        }
        Ok(encoding)
    }

    /// The body without its transfer encoding: borrowed where there is none,
    /// else built once, at its exact size for base64.
    ///
    /// # Errors
    /// As [`Self::transfer_encoding`]; [`MimeError::EncodedBody`] for a body that
    /// its encoding does not explain; a limit if it decodes to too much.
    pub fn decoded_body(&self, budget: &mut Budget) -> Result<Cow<'a, [u8]>, MessageError> {
        match self.transfer_encoding()? {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => {
                Ok(Cow::Borrowed(self.body))
            }
            TransferEncoding::QuotedPrintable => quoted_printable::decode(self.body, budget).map(Cow::Owned),
            TransferEncoding::Base64 => base64::decode(self.body, budget).map(Cow::Owned),
        }
    }

    /// The parts of a multipart.
    ///
    /// # Errors
    /// As [`Self::content_type`] and [`Self::transfer_encoding`];
    /// [`MimeError::Multipart`] if it is none, has no boundary, or the boundary
    /// does not delimit; a limit for too many parts.
    pub fn multipart(&self, budget: &mut Budget) -> Result<Multipart<'a>, MessageError> {
        let content_type = self.content_type()?;
        self.transfer_encoding()?;
        let boundary = content_type.parameter("boundary").filter(|_| content_type.is_type("multipart"));
        multipart::parse(self.body, boundary.ok_or(MimeError::Multipart)?, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(raw: &[u8]) -> Entity<'_> {
        Entity::parse(raw, &mut Budget::for_message(raw.len())).unwrap()
    }

    #[test]
    fn bodies_are_decoded_or_borrowed() {
        let budget = &mut Budget::for_message(1000);
        let base64 = entity(b"Content-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n");
        assert_eq!(base64.decoded_body(budget).unwrap(), Cow::<[u8]>::Owned(b"hello".to_vec()));
        let printable = entity(b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\r\n");
        assert_eq!(printable.decoded_body(budget).unwrap().as_ref(), b"a=\r\n");
        for encoding in ["7bit", "8bit", "binary"] {
            let raw = format!("Content-Transfer-Encoding: {encoding}\r\n\r\na=3D\r\n");
            assert!(matches!(entity(raw.as_bytes()).decoded_body(budget).unwrap(), Cow::Borrowed(b"a=3D\r\n")));
        }
        assert!(matches!(entity(b"\r\nplain").decoded_body(budget).unwrap(), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused() {
        let twice = entity(b"Content-Type: text/plain\r\ncontent-type: text/plain\r\n\r\n");
        assert_eq!(twice.content_type(), Err(MimeError::RepeatedField));
        let twice = entity(b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        assert_eq!(twice.transfer_encoding(), Err(MimeError::RepeatedField));
        let unreadable = entity(b"Content-Type: text\r\n\r\n");
        assert_eq!(unreadable.content_type(), Err(MimeError::ContentType));
        for kind in ["multipart/signed; boundary=b", "message/rfc822", "message/partial; id=x"] {
            let raw = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
            assert_eq!(entity(raw.as_bytes()).transfer_encoding(), Err(MimeError::TransferEncoding), "{kind}");
            assert!(entity(raw.as_bytes()).multipart(&mut Budget::for_message(0)).is_err());
        }
    }

    #[test]
    fn t22_every_file_name_is_told() {
        let raw = b"Content-Type: application/octet-stream; name=smime.p7m\r\nContent-Disposition: attachment;\r\n \
            filename*0=smi; filename*1=me.p7z\r\n\r\n";
        assert_eq!(entity(raw).file_names().unwrap(), ["smime.p7z", "smime.p7m"]);
        assert_eq!(entity(b"\r\n").file_names().unwrap(), [""; 0]);
    }

    #[test]
    fn only_multiparts_have_parts() {
        let raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
        let multipart = entity(raw).multipart(&mut Budget::for_message(0)).unwrap();
        assert_eq!(multipart.parts, [b"\r\none"]);
        for raw in [
            &b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n--b--\r\n"[..],
            b"Content-Type: text/plain; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n",
            b"\r\n--b\r\n\r\n--b--\r\n",
        ] {
            let error = entity(raw).multipart(&mut Budget::for_message(0)).unwrap_err();
            assert_eq!(error, MimeError::Multipart.into());
        }
    }
}
