//! PKCS #12 (RFC 7292), as mail clients, authorities and OpenSSL write it.
//!
//! The library that opens the files gives its keys by their friendly names, so
//! that of two keys with one name — for signing and for encryption, as
//! Thunderbird exports them — only one would be left. Each key is therefore read
//! from a file of its own, made of the original's parts.

mod split;

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

/// Opens a file, called `name` in messages. It fails rather than leave out a key.
pub(super) fn read(name: &str, encoded: &[u8], password: Option<&str>) -> Result<Content, ImportError> {
    let mut content = Content::default();
    // The whole first: the check of its password covers all of it.
    content.add(name, encoded, password)?;
    let of_one_key = split::by_key(encoded)
        .ok_or_else(|| ImportError::Malformed { file: name.to_owned(), what: "PKCS #12 file".to_owned() })?;
    for part in &of_one_key {
        content.add(name, part, password)?;
    }
    if content.private_keys.is_empty() || content.private_keys.len() < of_one_key.len() {
        return Err(ImportError::Unlinked(name.to_owned()));
    }
    Ok(content)
}

impl Content {
    fn add(&mut self, name: &str, encoded: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        let store = KeyStore::from_pkcs12(encoded, password.unwrap_or_default())
            .map_err(|error| complaint(name, &error, password.is_some()))?;
        for (_, entry) in store.entries() {
            match entry {
                KeyStoreEntry::PrivateKeyChain(entry) => {
                    if self.private_keys.iter().all(|known| known.as_slice() != entry.key()) {
                        self.private_keys.push(Zeroizing::new(entry.key().to_vec()));
                    }
                    self.certificates.extend(entry.chain().iter().map(|certificate| certificate.as_der().to_vec()));
                }
                KeyStoreEntry::Certificate(certificate) => self.certificates.push(certificate.as_der().to_vec()),
                KeyStoreEntry::Secret(_) => {}
            }
        }
        Ok(())
    }
}

fn complaint(name: &str, error: &Error, has_password: bool) -> ImportError {
    match error {
        Error::MacError(_) if !has_password => ImportError::PasswordNeeded(name.to_owned()),
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => ImportError::PasswordWrong(name.to_owned()),
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => {
            ImportError::Encryption { file: name.to_owned(), what: "the encryption of the PKCS #12 file".to_owned() }
        }
        _ => ImportError::Malformed { file: name.to_owned(), what: "PKCS #12 file".to_owned() },
    }
}
