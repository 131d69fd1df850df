//! PKCS #12 (RFC 7292), as mail clients, authorities and OpenSSL write it.
//!
//! Its MAC is checked here, and it is brought to DER: the library that opens the
//! files reads no other encoding, and NSS writes BER.
//!
//! That library gives the keys of a file by their friendly names, so that of two
//! keys with one name — for signing and for encryption, as Thunderbird exports
//! them — only one would be left. Each key is therefore read from a file of its
//! own, made of the original's parts.

mod ber;
mod mac;
mod pbes2;
mod split;
mod structure;

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, KeyStoreEntry};
use zeroize::Zeroizing;

use self::mac::MacError;
use super::ImportError;

/// Most iterations of one key derivation: about two seconds. NSS takes 600,000.
const MAX_ITERATIONS: u32 = 5_000_000;

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
    let malformed = || ImportError::Malformed { file: name.to_owned(), what: "PKCS #12 file".to_owned() };
    let pfx = ber::Pfx::read(encoded).ok_or_else(malformed)?;
    if let Some(mac_data) = pfx.mac_data() {
        mac::verify(mac_data, password.unwrap_or_default(), pfx.content()).map_err(|error| match error {
            MacError::Malformed => malformed(),
            MacError::Algorithm => unknown(name, "the MAC of the PKCS #12 file"),
            MacError::Mismatch => mismatch(name, password),
        })?;
    }
    let file = File { name, password, is_checked: pfx.mac_data().is_some() };
    let whole = pfx.to_der().ok_or_else(malformed)?;
    let mut content = Content::default();
    let of_one_key = split::by_key(&whole).ok_or_else(malformed)?;
    // What is no key in a plain safe is in each part; opening costs its iterations.
    if of_one_key.is_empty() {
        content.add(&file, &whole)?;
    }
    for part in &of_one_key {
        content.add(&file, part)?;
    }
    if content.private_keys.is_empty() || content.private_keys.len() < of_one_key.len() {
        return Err(ImportError::Unlinked(name.to_owned()));
    }
    Ok(content)
}

/// What there is to know of a file that is opened.
struct File<'a> {
    name: &'a str,
    password: Option<&'a str>,
    /// The MAC was right, and so is the password.
    is_checked: bool,
}

impl Content {
    fn add(&mut self, file: &File<'_>, encoded: &[u8]) -> Result<(), ImportError> {
        let store = KeyStore::from_pkcs12(encoded, file.password.unwrap_or_default())
            .map_err(|error| complaint(file, &error))?;
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

fn complaint(file: &File<'_>, error: &Error) -> ImportError {
    match error {
        // The file is what its writer meant, and the password is right.
        Error::Pkcs5Error(_) if file.is_checked => unknown(file.name, ENCRYPTION),
        Error::DerError(_) if file.is_checked => unknown(file.name, "a part of the PKCS #12 file"),
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => mismatch(file.name, file.password),
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => unknown(file.name, ENCRYPTION),
        _ => ImportError::Malformed { file: file.name.to_owned(), what: "PKCS #12 file".to_owned() },
    }
}

const ENCRYPTION: &str = "the encryption of the PKCS #12 file";

fn unknown(name: &str, what: &str) -> ImportError {
    ImportError::Encryption { file: name.to_owned(), what: what.to_owned() }
}

fn mismatch(name: &str, password: Option<&str>) -> ImportError {
    match password {
        None => ImportError::PasswordNeeded(name.to_owned()),
        Some(_) => ImportError::PasswordWrong(name.to_owned()),
    }
}

#[cfg(test)]
mod tests;
