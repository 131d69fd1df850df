//! Encrypted content that nothing authenticates: AES-CBC.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_DATA, ID_ENVELOPED_DATA};

use super::ber::{Reader, tag};
use super::encrypted_content::{self, Encrypted, EncryptedContentInfo, Frame};
use super::{Cipher, RecipientInfo, Segments, encode};
use crate::budget::Budget;
use crate::crypto::Bulk;
use crate::crypto::cipher::BLOCK_LEN;
use crate::error::{CmsError, MessageError};

/// ```text
/// EnvelopedData ::= SEQUENCE {
///   version CMSVersion,
///   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
///   recipientInfos SET OF RecipientInfo,
///   encryptedContentInfo EncryptedContentInfo,
///   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
/// ```
/// RFC 5652, section 6.1.
#[derive(Clone, Debug)]
pub struct EnvelopedData {
    recipients: Vec<RecipientInfo>,
    content_type: ObjectIdentifier,
    algorithm: ObjectIdentifier,
    /// None with an algorithm that is not implemented.
    cipher: Option<(Cipher, [u8; BLOCK_LEN])>,
    content: Segments,
}

impl EnvelopedData {
    pub(super) fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, MessageError> {
        reader.nested(tag::SEQUENCE, |data| {
            data.version()?;
            let recipients = encrypted_content::recipients(data, budget)?;
            let info = EncryptedContentInfo::read(data)?;
            if data.peek() == Some(tag::constructed(1)) {
                data.skip()?;
            }
            let cipher = match Cipher::from_oid(info.algorithm).filter(|cipher| !cipher.is_authenticated()) {
                Some(cipher) => Some((cipher, initialisation_vector(&info)?)),
                None => None,
            };
            let EncryptedContentInfo { content_type, algorithm, content, .. } = info;
            Ok(Self { recipients, content_type, algorithm, cipher, content })
        })
    }
}

impl Encrypted for EnvelopedData {
    fn recipients(&self) -> &[RecipientInfo] {
        &self.recipients
    }

    fn cipher(&self) -> Result<Cipher, CmsError> {
        if self.content_type != ID_DATA {
            return Err(CmsError::ContentType);
        }
        self.cipher.map(|(cipher, _)| cipher).ok_or(CmsError::Algorithm)
    }

    fn algorithm(&self) -> ObjectIdentifier {
        self.algorithm
    }

    fn is_authenticated(&self) -> bool {
        false
    }

    fn decrypt(self, encoded: Vec<u8>, key: &[u8], bulk: &dyn Bulk) -> Result<Vec<u8>, CmsError> {
        let (_, iv) =
            self.cipher.filter(|(cipher, _)| cipher.key_len() == key.len()).ok_or(CmsError::Undecipherable)?;
        bulk.aes_cbc_decrypt(key, &iv, self.content.take(encoded)).ok_or(CmsError::Undecipherable)
    }
}

/// The IV, and no content that cannot be whole blocks: both are seen before a
/// key is used.
fn initialisation_vector(info: &EncryptedContentInfo) -> Result<[u8; BLOCK_LEN], CmsError> {
    let parameters = info.parameters.as_deref().ok_or(CmsError::Malformed)?;
    let mut reader = Reader::new(parameters);
    let iv = reader.primitive(tag::OCTET_STRING)?.try_into().map_err(|_| CmsError::Malformed)?;
    if info.content.is_empty() || !info.content.len().is_multiple_of(BLOCK_LEN) {
        return Err(CmsError::Malformed);
    }
    Ok(iv)
}

/// Encrypts `plaintext` and writes all of it in DER. `recipients` are
/// `RecipientInfo`s in DER, which transport `key`.
///
/// The plaintext is encrypted in its buffer, and the structure written around it
/// there: with room for the recipients and 256 octets to spare, in place.
///
/// # Errors
/// [`CmsError::Algorithm`] if `cipher` authenticates, or if `key` or `iv` (16
/// octets) have another length than it asks for.
pub fn write(
    recipients: &[Vec<u8>],
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    mut plaintext: Vec<u8>,
    bulk: &dyn Bulk,
) -> Result<Vec<u8>, CmsError> {
    if cipher.is_authenticated() || key.len() != cipher.key_len() || iv.len() != cipher.iv_len() {
        return Err(CmsError::Algorithm);
    }
    encrypted_content::reserve(&mut plaintext, recipients);
    let ciphertext = bulk.aes_cbc_encrypt(key, iv, plaintext);
    if ciphertext.is_empty() {
        return Err(CmsError::Algorithm);
    }
    let parameters = encode::value(tag::OCTET_STRING, &[iv]);
    let frame = Frame { content_type: ID_ENVELOPED_DATA, recipients, cipher, parameters: &parameters, after: b"" };
    Ok(frame.around(encrypted_content::version(recipients), ciphertext))
}
