//! What a private key needs to know of a `RecipientInfo`: whose key it is for, and
//! how the content-encryption key was encrypted. It is read as the logic reads it,
//! so that both agree on odd but real certificates.

use smime::cms::recipient::{EncryptedKey, KeyAgreeRecipientInfo};
use smime::error::CmsError;
use smime::x509::Certificate;

use crate::KeyError;
use crate::software_key::random::or_random;

/// Octets of the longest content-encryption key.
const LONGEST: usize = 64;

/// Reads the DER of a `RecipientInfo` for one key.
pub(crate) fn read(recipient_info: &[u8]) -> Result<EncryptedKey, KeyError> {
    EncryptedKey::from_der(recipient_info).map_err(|e| match e {
        CmsError::Algorithm => KeyError::Unsupported,
        _ => KeyError::Malformed,
    })
}

/// Whether a `RecipientInfo` is for the key of `certificate`, both in DER.
pub(crate) fn is_for(recipient_info: &[u8], certificate: &[u8]) -> Result<bool, KeyError> {
    let encrypted_key = read(recipient_info)?;
    let certificate = Certificate::from_der(certificate).map_err(|_| KeyError::Malformed)?;
    Ok(encrypted_key.names(&certificate))
}

/// The content-encryption key of `length` octets in a `KeyAgreeRecipientInfo`, from
/// the `secret` that was agreed on with its originator; a random one where there is
/// none, or the key was wrapped with another.
pub(crate) fn agreed_key(
    recipient: &KeyAgreeRecipientInfo,
    secret: Option<&[u8]>,
    length: u32,
) -> Result<Vec<u8>, KeyError> {
    let scheme = recipient.scheme.as_ref().ok_or(KeyError::Unsupported)?;
    or_random(length, LONGEST, |out| {
        let key = scheme.unwrap(secret?, recipient.ukm.as_deref(), &recipient.encrypted_key)?;
        out.get_mut(..key.len())?.copy_from_slice(&key);
        Some(key.len())
    })
}
