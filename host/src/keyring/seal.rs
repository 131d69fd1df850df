//! How private keys are sealed.
//!
//! Each keyring has a data key of its own, drawn when it is made. Private keys
//! are encrypted under it with AES-256-GCM, bound to their keyring and row, so
//! that no row can take the place of another. The data key in turn is encrypted
//! under one of
//!
//! * a **key file**, 32 random octets, made beside the keyring as
//!   `<keyring>.key` with mode 0600 (the default): who has both files has the
//!   keys, so back them up to different places;
//! * a **passphrase**, stretched with scrypt, when a file `<keyring>.passphrase`
//!   is there as the keyring is made. It costs 32 MiB and a tenth of a second each time
//!   a keyring is opened, and once when there is one process for all messages.
//!
//! Either file is looked for in `$CREDENTIALS_DIRECTORY` first, where systemd's
//! `LoadCredential=` and `LoadCredentialEncrypted=` put it under its own name
//! (`nec.keyring.key`), and then beside the keyring.

use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64_simd::STANDARD;
use zeroize::Zeroizing;

use super::error::KeyringError;
use super::files::{self, beside};
use crate::secret_file::CREDENTIALS_DIRECTORY;

/// The octets of each key.
const KEY_LEN: usize = 32;
/// The first words of a key file.
const KEY_FILE: &str = "wasmime-keyring-key-1:";
/// The fewest octets of a passphrase.
const MIN_PASSPHRASE: usize = 12;
/// scrypt: N = 2^15, r = 8, p = 1.
const SCRYPT_LOG_N: u8 = 15;

/// What the data key of a keyring is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A key file.
    KeyFile,
    /// A passphrase.
    Passphrase,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KeyFile => "key-file",
            Self::Passphrase => "passphrase",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::KeyFile, Self::Passphrase].into_iter().find(|method| method.name() == name)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::KeyFile => "key",
            Self::Passphrase => "passphrase",
        }
    }
}

/// The files that may unlock the keyring `path`, in the order they are tried.
pub fn candidates(path: &Path, method: Method) -> Vec<PathBuf> {
    let local = beside(path, method.extension());
    let credential = std::env::var_os(CREDENTIALS_DIRECTORY)
        .zip(local.file_name())
        .map(|(folder, name)| PathBuf::from(folder).join(name));
    credential.into_iter().chain([local]).collect()
}

/// A secret that seals data keys, and where it was found.
pub(super) struct Unlocking {
    secret: Zeroizing<Vec<u8>>,
    method: Method,
    found: PathBuf,
}

impl Unlocking {
    /// Finds what unlocks the keyring `path`.
    pub(super) fn find(path: &Path, method: Method) -> Result<Self, KeyringError> {
        let tried = candidates(path, method);
        match Self::first(&tried, method)? {
            Some(unlocking) => Ok(unlocking),
            None => Err(KeyringError::NoUnlocking { path: path.to_owned(), tried }),
        }
    }

    /// Finds what shall unlock the new keyring `path`, or makes a key file.
    pub(super) fn find_or_make(path: &Path) -> Result<Self, KeyringError> {
        for method in [Method::Passphrase, Method::KeyFile] {
            if let Some(unlocking) = Self::first(&candidates(path, method), method)? {
                return Ok(unlocking);
            }
        }
        let mut secret = Zeroizing::new([0; KEY_LEN]);
        fill(secret.as_mut_slice())?;
        let text = Zeroizing::new(format!("{KEY_FILE}{}\n", *Zeroizing::new(STANDARD.encode_to_string(*secret))));
        files::create_secret(&beside(path, Method::KeyFile.extension()), text.as_bytes())?;
        // What stands there now, be it ours or that of a process beside us.
        Self::find(path, Method::KeyFile)
    }

    fn first(candidates: &[PathBuf], method: Method) -> Result<Option<Self>, KeyringError> {
        let credentials = std::env::var_os(CREDENTIALS_DIRECTORY);
        for found in candidates {
            let is_credential = credentials.as_ref().is_some_and(|folder| found.starts_with(folder));
            if let Some(octets) = files::read_secret(found, !is_credential)? {
                let secret = match method {
                    Method::KeyFile => read_key_file(&octets),
                    Method::Passphrase => read_passphrase(&octets),
                };
                let secret = secret.map_err(|reason| KeyringError::BadUnlocking { path: found.clone(), reason })?;
                return Ok(Some(Self { secret, method, found: found.clone() }));
            }
        }
        Ok(None)
    }

    /// What kind of secret it is.
    pub(super) fn method(&self) -> Method {
        self.method
    }

    fn key(&self, salt: &[u8]) -> Result<LessSafeKey, KeyringError> {
        let failed = || KeyringError::Cryptography("derive a key from the passphrase");
        let mut key = Zeroizing::new([0; KEY_LEN]);
        match self.method {
            Method::KeyFile => key.copy_from_slice(self.secret.get(..KEY_LEN).ok_or_else(failed)?),
            Method::Passphrase => {
                let params = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).map_err(|_| failed())?;
                scrypt::scrypt(&self.secret, salt, &params, key.as_mut_slice()).map_err(|_| failed())?;
            }
        }
        aead_key(&key)
    }
}

fn read_key_file(octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    const REASON: &str = "this is not a key file of a keyring; restore it from where it was backed up";
    let text = std::str::from_utf8(octets).map_err(|_| REASON)?;
    let encoded = text.trim_end().strip_prefix(KEY_FILE).ok_or(REASON)?;
    let secret = Zeroizing::new(STANDARD.decode_to_vec(encoded).map_err(|_| REASON)?);
    if secret.len() == KEY_LEN { Ok(secret) } else { Err(REASON) }
}

fn read_passphrase(octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&b'\n') {
        return Err("a passphrase file has one line");
    }
    if line.len() < MIN_PASSPHRASE {
        return Err("the passphrase is too short: it needs 12 characters or more");
    }
    Ok(Zeroizing::new(line.to_vec()))
}

/// The open lock of one keyring: seals and unseals its private keys.
pub(super) struct Seal {
    data_key: LessSafeKey,
    keyring: [u8; 16],
}

/// A data key as a keyring keeps it.
pub(super) struct SealedDataKey {
    pub(super) keyring: [u8; 16],
    pub(super) method: Method,
    pub(super) salt: Vec<u8>,
    pub(super) sealed: Vec<u8>,
}

impl Seal {
    /// Draws a data key and seals it.
    pub(super) fn make(unlocking: &Unlocking) -> Result<(Self, SealedDataKey), KeyringError> {
        let (mut keyring, mut salt, mut data_key) = ([0; 16], vec![0; 16], Zeroizing::new([0; KEY_LEN]));
        fill(&mut keyring)?;
        fill(&mut salt)?;
        fill(data_key.as_mut_slice())?;
        let sealed = seal(&unlocking.key(&salt)?, &data_key_row(&keyring), data_key.as_slice())?;
        let method = unlocking.method();
        Ok((Self { data_key: aead_key(&data_key)?, keyring }, SealedDataKey { keyring, method, salt, sealed }))
    }

    /// Unseals the data key of the keyring `path`.
    pub(super) fn open(path: &Path, sealed: &SealedDataKey, unlocking: &Unlocking) -> Result<Self, KeyringError> {
        let wrong = || KeyringError::WrongUnlocking { path: path.to_owned(), tried: unlocking.found.clone() };
        let data_key =
            unseal(&unlocking.key(&sealed.salt)?, &data_key_row(&sealed.keyring), &sealed.sealed).ok_or_else(wrong)?;
        let data_key: &[u8; KEY_LEN] = data_key.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Self { data_key: aead_key(data_key)?, keyring: sealed.keyring })
    }

    /// Seals the PKCS #8 DER of a private key for its row.
    pub(super) fn seal(&self, key_id: &[u8], pkcs8: &[u8]) -> Result<Vec<u8>, KeyringError> {
        seal(&self.data_key, &private_key_row(&self.keyring, key_id), pkcs8)
    }

    /// Unseals the private key of a row; none if it is not what was sealed there.
    pub(super) fn unseal(&self, key_id: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unseal(&self.data_key, &private_key_row(&self.keyring, key_id), sealed)
    }
}

fn data_key_row(keyring: &[u8; 16]) -> Vec<u8> {
    [b"wasmime keyring 1, data key, ".as_slice(), keyring].concat()
}

fn private_key_row(keyring: &[u8; 16], key_id: &[u8]) -> Vec<u8> {
    [b"wasmime keyring 1, private key, ".as_slice(), keyring, key_id].concat()
}

/// Nonce, ciphertext, tag. The nonce is random: a keyring would have to seal
/// 2^32 keys before two are likely to meet.
fn seal(key: &LessSafeKey, row: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    // Reserved at once: growing would leave copies of the key behind.
    let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let (_, content) = sealed.split_at_mut(NONCE_LEN);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row), content)
        .map_err(|_| KeyringError::Cryptography("seal a key"))?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn unseal(key: &LessSafeKey, row: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, content) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut content = Zeroizing::new(content.to_vec());
    let len = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row), &mut content).ok()?.len();
    content.truncate(len);
    Some(content)
}

fn aead_key(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, KeyringError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeyringError::Cryptography("take a key"))?;
    Ok(LessSafeKey::new(key))
}

fn fill(octets: &mut [u8]) -> Result<(), KeyringError> {
    aws_lc_rs::rand::fill(octets).map_err(|_| KeyringError::Cryptography("draw random octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unlocking(method: Method, secret: &[u8]) -> Unlocking {
        Unlocking { secret: Zeroizing::new(secret.to_vec()), method, found: PathBuf::from("k") }
    }

    #[test]
    fn a_key_opens_in_its_own_row_only() {
        let (seal, _) = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        let sealed = seal.seal(b"row 1", b"the private key").unwrap();
        assert_eq!(seal.unseal(b"row 1", &sealed).unwrap().as_slice(), b"the private key");
        assert!(seal.unseal(b"row 2", &sealed).is_none());
        let (other, _) = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        assert!(other.unseal(b"row 1", &sealed).is_none(), "another keyring");
        assert_ne!(sealed, seal.seal(b"row 1", b"the private key").unwrap(), "a nonce of its own");
    }

    #[test]
    fn no_flipped_bit_opens() {
        let (seal, _) = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        let sealed = seal.seal(b"row", b"key").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(seal.unseal(b"row", &flipped).is_none(), "bit {bit}");
        }
        assert!(seal.unseal(b"row", b"short").is_none());
    }

    #[test]
    fn a_data_key_opens_with_its_own_secret_only() {
        for method in [Method::KeyFile, Method::Passphrase] {
            let (seal, kept) = Seal::make(&unlocking(method, &[7; 32])).unwrap();
            let sealed = seal.seal(b"row", b"key").unwrap();
            let again = Seal::open(Path::new("r"), &kept, &unlocking(method, &[7; 32])).unwrap();
            assert_eq!(again.unseal(b"row", &sealed).unwrap().as_slice(), b"key");
            assert!(matches!(
                Seal::open(Path::new("r"), &kept, &unlocking(method, &[8; 32])),
                Err(KeyringError::WrongUnlocking { .. })
            ));
        }
    }

    #[test]
    fn key_and_passphrase_files_are_read_strictly() {
        let good = format!("{KEY_FILE}{}\n", STANDARD.encode_to_string([9; 32]));
        assert_eq!(read_key_file(good.as_bytes()).unwrap().as_slice(), [9; 32]);
        for bad in ["", "wasmime-keyring-key-1:", "wasmime-keyring-key-1:QUJD", &good[3..], &good.replace("-1:", "-2:")]
        {
            assert!(read_key_file(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read_passphrase(b"correct horse\r\n").unwrap().as_slice(), b"correct horse");
        assert!(read_passphrase(b"too short\n").is_err());
        assert!(read_passphrase(b"one line here\nanother\n").is_err());
    }
}
