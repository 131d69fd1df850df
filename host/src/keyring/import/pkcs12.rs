//! PKCS #12 (RFC 7292), as mail clients, authorities and OpenSSL write it.

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, KeyStoreEntry};
use zeroize::Zeroizing;

use super::ImportError;

/// What is in a PKCS #12 file.
#[derive(Default)]
pub(super) struct Content {
    /// Private keys, as PKCS #8.
    pub(super) private_keys: Vec<Zeroizing<Vec<u8>>>,
    /// Certificates, as DER.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Opens a file, called `name` in messages.
pub(super) fn read(name: &str, encoded: &[u8], password: Option<&str>) -> Result<Content, ImportError> {
    let store = KeyStore::from_pkcs12(encoded, password.unwrap_or_default()).map_err(|error| match error {
        Error::MacError(_) if password.is_none() => ImportError::PasswordNeeded(name.to_owned()),
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => ImportError::PasswordWrong(name.to_owned()),
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => {
            ImportError::Encryption { file: name.to_owned(), what: "the encryption of the PKCS #12 file".to_owned() }
        }
        _ => ImportError::Malformed { file: name.to_owned(), what: "PKCS #12 file".to_owned() },
    })?;
    let mut content = Content::default();
    for (_, entry) in store.entries() {
        match entry {
            KeyStoreEntry::PrivateKeyChain(entry) => {
                content.private_keys.push(Zeroizing::new(entry.key().to_vec()));
                content.certificates.extend(entry.chain().iter().map(|certificate| certificate.as_der().to_vec()));
            }
            KeyStoreEntry::Certificate(certificate) => content.certificates.push(certificate.as_der().to_vec()),
            KeyStoreEntry::Secret(_) => {}
        }
    }
    Ok(content)
}
