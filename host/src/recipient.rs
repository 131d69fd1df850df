//! What a private key needs to know of a `RecipientInfo`: whose key it is for, and
//! how the content-encryption key was encrypted. It is read as the logic reads it,
//! so that both agree on odd but real certificates.

use smime::cms::recipient::EncryptedKey;
use smime::error::CmsError;
use smime::x509::Certificate;

use crate::KeyError;

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
