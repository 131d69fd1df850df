//! What enveloped and authenticated-enveloped data have in common: recipients
//! of a key, and content encrypted with it.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_DATA;

use super::ber::{Reader, tag};
use super::{Cipher, RecipientInfo, Segments, encode};
use crate::budget::Budget;
use crate::crypto::Bulk;
use crate::error::{CmsError, MessageError};

/// Content encrypted to recipients, in either form.
pub trait Encrypted {
    /// Whom the content-encryption key was encrypted to.
    fn recipients(&self) -> &[RecipientInfo];

    /// The cipher.
    ///
    /// # Errors
    /// [`CmsError::Algorithm`] if it is not implemented, or not for this form;
    /// [`CmsError::ContentType`] if the content is not id-data, as all of S/MIME
    /// is (RFC 8551, section 2.4.3).
    fn cipher(&self) -> Result<Cipher, CmsError>;

    /// What is named as content-encryption algorithm, implemented or not.
    fn algorithm(&self) -> ObjectIdentifier;

    /// The length of the content-encryption key, in octets.
    ///
    /// # Errors
    /// As [`Self::cipher`].
    fn key_len(&self) -> Result<usize, CmsError> {
        self.cipher().map(Cipher::key_len)
    }

    /// Whether decryption proves that the content is intact. It never proves
    /// whom it is from.
    fn is_authenticated(&self) -> bool;

    /// Decrypts the content within `encoded`, the octets that were parsed.
    ///
    /// # Errors
    /// [`CmsError::Undecipherable`], whatever the reason.
    fn decrypt(self, encoded: Vec<u8>, key: &[u8], bulk: &dyn Bulk) -> Result<Vec<u8>, CmsError>;
}

/// ```text
/// EncryptedContentInfo ::= SEQUENCE {
///   contentType ContentType,
///   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
///   encryptedContent [0] IMPLICIT OCTET STRING OPTIONAL }
/// ```
/// RFC 5652, section 6.1.
#[derive(Clone, Debug)]
pub(super) struct EncryptedContentInfo {
    pub content_type: ObjectIdentifier,
    pub algorithm: ObjectIdentifier,
    /// The parameters of the algorithm in DER; none if absent.
    pub parameters: Option<Vec<u8>>,
    pub content: Segments,
}

impl EncryptedContentInfo {
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        reader.nested(tag::SEQUENCE, |info| {
            let content_type = info.oid()?;
            let (algorithm, parameters) = info.nested(tag::SEQUENCE, |algorithm| {
                let oid = algorithm.oid()?;
                let parameters = if algorithm.is_finished() { None } else { Some(algorithm.der()?) };
                Ok::<_, CmsError>((oid, parameters))
            })?;
            // Content that is kept elsewhere is nothing that mail has.
            let content = info.octet_string(tag::context(0))?;
            Ok(Self { content_type, algorithm, parameters, content })
        })
    }
}

/// Reads `originatorInfo [0] OPTIONAL`, of which nothing is needed, and
/// `recipientInfos`.
pub(super) fn recipients(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Vec<RecipientInfo>, MessageError> {
    if reader.peek() == Some(tag::constructed(0)) {
        reader.skip()?;
    }
    reader.nested(tag::SET, |set| {
        let mut recipients = Vec::new();
        while !set.is_finished() {
            RecipientInfo::read(set, &mut recipients, budget)?;
        }
        // SIZE (1..MAX)
        if recipients.is_empty() { Err(CmsError::Malformed.into()) } else { Ok(recipients) }
    })
}

/// Makes room for the ciphertext and all that is written around it, so that a
/// large buffer moves once at most.
pub(super) fn reserve(plaintext: &mut Vec<u8>, recipients: &[Vec<u8>]) {
    // Padding, tag, and headers with identifiers and parameters.
    const FRAME: usize = 256;
    plaintext.reserve_exact(recipients.iter().map(Vec::len).sum::<usize>() + FRAME);
}

/// What is written around a ciphertext.
pub(super) struct Frame<'a> {
    /// The content type of all of it.
    pub content_type: ObjectIdentifier,
    pub recipients: &'a [Vec<u8>],
    pub cipher: Cipher,
    /// The parameters of the cipher in DER.
    pub parameters: &'a [u8],
    /// What follows the encrypted content info.
    pub after: &'a [u8],
}

impl Frame<'_> {
    /// Writes it around `ciphertext`, in its buffer if that has room.
    pub fn around(&self, version: u8, ciphertext: Vec<u8>) -> Vec<u8> {
        let oid = |oid: ObjectIdentifier| encode::value(tag::OBJECT_IDENTIFIER, &[oid.as_bytes()]);
        let algorithm = encode::sequence(&[&oid(self.cipher.oid()), self.parameters]);
        let before =
            [encode::value(tag::INTEGER, &[&[version]]), encode::set_of(tag::SET, &mut self.recipients.to_vec())]
                .concat();
        let levels = [
            encode::Level { tag: tag::SEQUENCE, before: &oid(self.content_type), after: b"" },
            encode::Level { tag: tag::constructed(0), before: b"", after: b"" },
            encode::Level { tag: tag::SEQUENCE, before: &before, after: self.after },
            encode::Level { tag: tag::SEQUENCE, before: &[oid(ID_DATA), algorithm].concat(), after: b"" },
            encode::Level { tag: tag::context(0), before: b"", after: b"" },
        ];
        encode::around(&levels, ciphertext)
    }
}

/// The version of the structure: 0 if all recipients have version 0, 3 if one is
/// of another kind than RFC 5652 has (section 6.1).
pub(super) fn version(recipients: &[Vec<u8>]) -> u8 {
    let is_zero = |recipient: &Vec<u8>| {
        let ktri = Reader::new(recipient).step_into(tag::SEQUENCE);
        ktri.and_then(|mut ktri| ktri.version()) == Ok(0)
    };
    let is_other = |recipient: &Vec<u8>| recipient.first() == Some(&tag::constructed(4));
    match () {
        () if recipients.iter().any(is_other) => 3,
        () if recipients.iter().all(is_zero) => 0,
        () => 2,
    }
}
