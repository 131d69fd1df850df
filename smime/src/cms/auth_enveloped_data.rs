//! Encrypted content with proof that it is intact: AES-GCM, ChaCha20-Poly1305.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_CT_AUTH_ENVELOPED_DATA, ID_DATA};

use super::attributes::SignedAttributes;
use super::ber::{Reader, tag};
use super::encrypted_content::{self, Encrypted, EncryptedContentInfo, Frame};
use super::{Cipher, RecipientInfo, Segments, encode};
use crate::budget::Budget;
use crate::crypto::Bulk;
use crate::crypto::cipher::{self, NONCE_LEN, TAG_LEN};
use crate::error::{CmsError, MessageError};

/// ```text
/// AuthEnvelopedData ::= SEQUENCE {
///   version CMSVersion,
///   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
///   recipientInfos SET OF RecipientInfo,
///   authEncryptedContentInfo EncryptedContentInfo,
///   authAttrs [1] IMPLICIT AuthAttributes OPTIONAL,
///   mac OCTET STRING,
///   unauthAttrs [2] IMPLICIT UnauthAttributes OPTIONAL }
/// ```
/// RFC 5083, section 2.1.
#[derive(Clone, Debug)]
pub struct AuthEnvelopedData {
    recipients: Vec<RecipientInfo>,
    content_type: ObjectIdentifier,
    algorithm: ObjectIdentifier,
    /// None with an algorithm that is not implemented.
    cipher: Option<(Cipher, [u8; NONCE_LEN])>,
    content: Segments,
    /// The authenticated attributes in DER, as a `SET OF`; empty without.
    associated_data: Vec<u8>,
    mac: Vec<u8>,
}

impl AuthEnvelopedData {
    pub(super) fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, MessageError> {
        reader.nested(tag::SEQUENCE, |data| {
            if data.version()? != 0 {
                return Err(CmsError::Malformed.into());
            }
            let recipients = encrypted_content::recipients(data, budget)?;
            let info = EncryptedContentInfo::read(data)?;
            let associated_data = match data.peek() {
                Some(tag) if tag == tag::constructed(1) => {
                    let attributes = SignedAttributes::read_tagged(data, tag)?;
                    attributes.sorted().unwrap_or_else(|| attributes.as_received().to_vec())
                }
                _ => Vec::new(),
            };
            let mac = data.small_octet_string(tag::OCTET_STRING)?;
            if data.peek() == Some(tag::constructed(2)) {
                data.skip()?;
            }
            let cipher = match Cipher::from_oid(info.algorithm).filter(|cipher| cipher.is_authenticated()) {
                Some(cipher) => nonce(cipher, &info, mac.len())?.map(|nonce| (cipher, nonce)),
                None => None,
            };
            let EncryptedContentInfo { content_type, algorithm, content, .. } = info;
            Ok(Self { recipients, content_type, algorithm, cipher, content, associated_data, mac })
        })
    }
}

impl Encrypted for AuthEnvelopedData {
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
        true
    }

    fn decrypt(self, encoded: Vec<u8>, key: &[u8], bulk: &dyn Bulk) -> Result<Vec<u8>, CmsError> {
        let (cipher, nonce) =
            self.cipher.filter(|(cipher, _)| cipher.key_len() == key.len()).ok_or(CmsError::Undecipherable)?;
        let mut ciphertext = self.content.take(encoded);
        // The buffer held the tag before: there is room for it.
        ciphertext.extend_from_slice(&self.mac);
        let plaintext = if cipher == Cipher::ChaCha20Poly1305 {
            cipher::chacha20_poly1305_open(key, &nonce, &self.associated_data, ciphertext)
        } else if self.mac.len() == TAG_LEN {
            bulk.aes_gcm_open(key, &nonce, &self.associated_data, ciphertext)
        } else {
            cipher::aes_gcm_open(key, &nonce, &self.associated_data, ciphertext, self.mac.len())
        };
        plaintext.ok_or(CmsError::Undecipherable)
    }
}

/// The nonce; none of a length that is not implemented. A tag that is not as
/// long as is said here is refused before a key is used.
///
/// ```text
/// GCMParameters ::= SEQUENCE {
///   aes-nonce OCTET STRING, -- recommended size is 12 octets
///   aes-ICVlen INTEGER (12 | 13 | 14 | 15 | 16) DEFAULT 12 }
/// AEADChaCha20Poly1305Nonce ::= OCTET STRING (SIZE(12))
/// ```
/// RFC 5084, section 3.2; RFC 8103, section 4.
fn nonce(cipher: Cipher, info: &EncryptedContentInfo, mac_len: usize) -> Result<Option<[u8; NONCE_LEN]>, CmsError> {
    let parameters = info.parameters.as_deref().ok_or(CmsError::Malformed)?;
    if cipher == Cipher::ChaCha20Poly1305 {
        let nonce = Reader::new(parameters).primitive(tag::OCTET_STRING)?.try_into().ok();
        return if mac_len == TAG_LEN { Ok(nonce) } else { Err(CmsError::Altered) };
    }
    let (nonce, icv_len) = Reader::new(parameters).nested(tag::SEQUENCE, |parameters| {
        let nonce = parameters.primitive(tag::OCTET_STRING)?.try_into().ok();
        let icv_len = if parameters.is_finished() { 12 } else { parameters.version()? };
        Ok::<_, CmsError>((nonce, icv_len))
    })?;
    if !(12..=16).contains(&icv_len) || usize::from(icv_len) != mac_len {
        return Err(CmsError::Altered);
    }
    Ok(nonce)
}

/// Encrypts `plaintext` with a tag of 16 octets and writes all of it in DER,
/// without authenticated attributes. `recipients` are `RecipientInfo`s in DER,
/// which transport `key`. The same `key` and `nonce` must never be used twice.
///
/// # Errors
/// [`CmsError::Algorithm`] if `cipher` does not authenticate, or if `key` or
/// `nonce` (12 octets) have another length than it asks for.
pub fn write(
    recipients: &[Vec<u8>],
    cipher: Cipher,
    key: &[u8],
    nonce: &[u8],
    mut plaintext: Vec<u8>,
    bulk: &dyn Bulk,
) -> Result<Vec<u8>, CmsError> {
    if !cipher.is_authenticated() || key.len() != cipher.key_len() || nonce.len() != cipher.iv_len() {
        return Err(CmsError::Algorithm);
    }
    encrypted_content::reserve(&mut plaintext, recipients);
    let chacha = cipher == Cipher::ChaCha20Poly1305;
    let mut ciphertext = if chacha {
        cipher::chacha20_poly1305_seal(key, nonce, b"", plaintext)
    } else {
        bulk.aes_gcm_seal(key, nonce, b"", plaintext)
    };
    let mac = ciphertext.len().checked_sub(TAG_LEN).map(|at| ciphertext.split_off(at)).ok_or(CmsError::Algorithm)?;
    let nonce = encode::value(tag::OCTET_STRING, &[nonce]);
    // Absent the length of the tag would mean 12.
    let icv_len = encode::value(tag::INTEGER, &[&[16]]);
    let parameters = if chacha { nonce } else { encode::sequence(&[&nonce, &icv_len]) };
    let after = encode::value(tag::OCTET_STRING, &[&mac]);
    let content_type = ID_CT_AUTH_ENVELOPED_DATA;
    let frame = Frame { content_type, recipients, cipher, parameters: &parameters, after: &after };
    Ok(frame.around(0, ciphertext))
}
