//! The outermost structure, which says what is inside.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_CT_AUTH_ENVELOPED_DATA, ID_ENVELOPED_DATA, ID_SIGNED_DATA};

use super::ber::{Reader, tag};
use super::{AuthEnvelopedData, CompressedData, EnvelopedData, SignedData};
use crate::budget::Budget;
use crate::error::MessageError;

/// ```text
/// ContentInfo ::= SEQUENCE {
///   contentType ContentType,
///   content [0] EXPLICIT ANY DEFINED BY contentType }
/// ```
/// RFC 5652, section 3.
#[derive(Clone, Debug)]
pub enum ContentInfo {
    /// Content and signatures on it.
    Signed(SignedData),
    /// Encrypted content, which nothing authenticates.
    Enveloped(EnvelopedData),
    /// Encrypted content with proof that it is intact.
    AuthEnveloped(AuthEnvelopedData),
    /// Compressed content.
    Compressed(CompressedData),
    /// A content type that is not opened here; only its name was looked at.
    Other(ObjectIdentifier),
}

impl ContentInfo {
    /// Reads a structure in BER or DER.
    ///
    /// It takes from `budget` the signers, recipients and certificates in it,
    /// and the octets of signed content, which may have to be joined. Those of
    /// encrypted content are for whoever decrypts it, once a recipient, to take.
    ///
    /// # Errors
    /// [`CmsError::Malformed`](crate::error::CmsError::Malformed) for octets that do not parse, more octets than
    /// the structure, or too deep a nesting; `CmsError::ContentType` for
    /// content of PKCS #7 that is no octet string; `CmsError::Altered` for an
    /// authentication tag of the wrong length; a limit.
    pub fn parse(encoded: &[u8], budget: &mut Budget) -> Result<Self, MessageError> {
        let mut reader = Reader::new(encoded);
        let content_info = reader.nested(tag::SEQUENCE, |content_info| {
            let content_type = content_info.oid()?;
            if !matches!(
                content_type,
                ID_SIGNED_DATA | ID_ENVELOPED_DATA | ID_CT_AUTH_ENVELOPED_DATA | ID_CT_COMPRESSED_DATA
            ) {
                while !content_info.is_finished() {
                    content_info.skip()?;
                }
                return Ok(Self::Other(content_type));
            }
            content_info.nested(tag::constructed(0), |content| match content_type {
                ID_SIGNED_DATA => SignedData::read(content, budget).map(Self::Signed),
                ID_ENVELOPED_DATA => EnvelopedData::read(content, budget).map(Self::Enveloped),
                ID_CT_COMPRESSED_DATA => CompressedData::read(content, budget).map(Self::Compressed),
                _ => AuthEnvelopedData::read(content, budget).map(Self::AuthEnveloped),
            })
        })?;
        reader.finish()?;
        Ok(content_info)
    }
}

const ID_CT_COMPRESSED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.9");
