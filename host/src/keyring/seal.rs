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
//! (`nec.keyring.key`), and then beside the keyring; last as `nec.keyring.key.next`,
//! where a rotation leaves it that was interrupted (see [`Keyring::rotate`](super::Keyring::rotate)). The
//! first that unlocks the keyring is taken.
//!
//! The data key also binds the rows of fig. 5, and those of fig. 6 that are pinned,
//! to their address: who can write the file, and no more, can give nobody's key to
//! another and vouch for no key. That rows are missing, or are those of an older
//! copy of the file, it does not show.

use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64_simd::STANDARD;
use zeroize::Zeroizing;

use super::error::KeyringError;
use super::files::{self, beside};
use super::record::Kind;
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

/// The file beside the keyring `path` that unlocks it.
pub(super) fn beside_keyring(path: &Path, method: Method) -> PathBuf {
    beside(path, method.extension())
}

/// Where what unlocks the keyring is while a rotation is under way.
pub(super) fn next_to(secret: &Path) -> PathBuf {
    beside(secret, "next")
}

/// The files that may unlock the keyring `path`, in the order they are tried.
fn candidates(path: &Path, method: Method) -> Vec<PathBuf> {
    let local = beside_keyring(path, method);
    let credential = std::env::var_os(CREDENTIALS_DIRECTORY)
        .zip(local.file_name())
        .map(|(folder, name)| PathBuf::from(folder).join(name));
    let next = next_to(&local);
    credential.into_iter().chain([local, next]).collect()
}

/// A secret that seals data keys, and where it was found.
pub(super) struct Unlocking {
    secret: Zeroizing<Vec<u8>>,
    method: Method,
    found: PathBuf,
}

impl Unlocking {
    /// Finds what shall unlock the new keyring `path`, or makes a key file.
    pub(super) fn find_or_make(path: &Path) -> Result<Self, KeyringError> {
        for method in [Method::Passphrase, Method::KeyFile] {
            for file in candidates(path, method) {
                if let Some(unlocking) = Self::read(&file, method)? {
                    return Ok(unlocking);
                }
            }
        }
        let local = beside_keyring(path, Method::KeyFile);
        files::create_secret(&local, &new_key_file()?)?;
        // What stands there now, be it ours or that of a process beside us.
        Self::read(&local, Method::KeyFile)?
            .ok_or_else(|| KeyringError::NoUnlocking { path: path.to_owned(), tried: vec![local] })
    }

    /// Reads a file; none if there is no such file.
    pub(super) fn read(file: &Path, method: Method) -> Result<Option<Self>, KeyringError> {
        let credentials = std::env::var_os(CREDENTIALS_DIRECTORY);
        let is_credential = credentials.as_ref().is_some_and(|folder| file.starts_with(folder));
        let Some(octets) = files::read_secret(file, !is_credential)? else { return Ok(None) };
        let secret = match method {
            Method::KeyFile => read_key_file(&octets),
            Method::Passphrase => read_passphrase(&octets),
        };
        let secret = secret.map_err(|reason| KeyringError::BadUnlocking { path: file.to_owned(), reason })?;
        Ok(Some(Self { secret, method, found: file.to_owned() }))
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

/// What stands in a new key file.
pub(super) fn new_key_file() -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let mut secret = Zeroizing::new([0; KEY_LEN]);
    fill(secret.as_mut_slice())?;
    let text = format!("{KEY_FILE}{}\n", *Zeroizing::new(STANDARD.encode_to_string(*secret)));
    Ok(Zeroizing::new(text.into_bytes()))
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

/// The open lock of one keyring: seals and unseals its private keys, and binds
/// rows to their address.
pub(crate) struct Seal {
    data_key: LessSafeKey,
    kept: SealedDataKey,
    /// What unlocked it.
    found: PathBuf,
}

/// A data key as a keyring keeps it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SealedDataKey {
    pub(super) keyring: [u8; 16],
    pub(super) method: Method,
    pub(super) salt: Vec<u8>,
    pub(super) sealed: Vec<u8>,
}

impl Seal {
    /// Draws a data key for a new keyring, and seals it.
    pub(super) fn make(unlocking: &Unlocking) -> Result<Self, KeyringError> {
        let mut keyring = [0; 16];
        fill(&mut keyring)?;
        Self::draw(keyring, unlocking)
    }

    /// Draws another data key for the same keyring, and seals it.
    pub(super) fn successor(&self, unlocking: &Unlocking) -> Result<Self, KeyringError> {
        Self::draw(self.kept.keyring, unlocking)
    }

    fn draw(keyring: [u8; 16], unlocking: &Unlocking) -> Result<Self, KeyringError> {
        let (mut salt, mut data_key) = (vec![0; 16], Zeroizing::new([0; KEY_LEN]));
        fill(&mut salt)?;
        fill(data_key.as_mut_slice())?;
        let sealed = seal(&unlocking.key(&salt)?, &data_key_row(&keyring), data_key.as_slice())?;
        let kept = SealedDataKey { keyring, method: unlocking.method, salt, sealed };
        Ok(Self { data_key: aead_key(&data_key)?, kept, found: unlocking.found.clone() })
    }

    /// Unlocks the keyring `path` with what is found to do so.
    pub(super) fn find(path: &Path, kept: &SealedDataKey) -> Result<Self, KeyringError> {
        let tried = candidates(path, kept.method);
        let mut wrong = None;
        for file in &tried {
            let Some(unlocking) = Unlocking::read(file, kept.method)? else { continue };
            match Self::open(kept, &unlocking)? {
                Some(seal) => return Ok(seal),
                None => wrong = wrong.or(Some(file)),
            }
        }
        Err(match wrong {
            Some(file) => KeyringError::WrongUnlocking { path: path.to_owned(), tried: file.clone() },
            None => KeyringError::NoUnlocking { path: path.to_owned(), tried },
        })
    }

    /// Unseals a data key; none if it is sealed under another secret.
    pub(super) fn open(kept: &SealedDataKey, unlocking: &Unlocking) -> Result<Option<Self>, KeyringError> {
        let Some(data_key) = unseal(&unlocking.key(&kept.salt)?, &data_key_row(&kept.keyring), &kept.sealed) else {
            return Ok(None);
        };
        let Ok(data_key) = <&[u8; KEY_LEN]>::try_from(data_key.as_slice()) else { return Ok(None) };
        Ok(Some(Self { data_key: aead_key(data_key)?, kept: kept.clone(), found: unlocking.found.clone() }))
    }

    /// The same, now that the secret is in another file.
    pub(super) fn found_at(mut self, file: &Path) -> Self {
        file.clone_into(&mut self.found);
        self
    }

    /// The data key as it is kept.
    pub(super) fn kept(&self) -> &SealedDataKey {
        &self.kept
    }

    /// The file that unlocked it.
    pub(super) fn found(&self) -> &Path {
        &self.found
    }

    /// Seals the PKCS #8 DER of a private key for its row.
    pub(crate) fn seal(&self, key_id: &[u8], pkcs8: &[u8]) -> Result<Vec<u8>, KeyringError> {
        seal(&self.data_key, &private_key_row(&self.kept.keyring, key_id), pkcs8)
    }

    /// Unseals the private key of a row; none if it is not what was sealed there.
    pub(crate) fn unseal(&self, key_id: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unseal(&self.data_key, &private_key_row(&self.kept.keyring, key_id), sealed)
    }

    /// What proves that `row` was filed by somebody who could unlock the keyring.
    pub(super) fn bind(&self, row: &BoundRow<'_>) -> Result<Vec<u8>, KeyringError> {
        seal(&self.data_key, &row.encoded(&self.kept.keyring), &[])
    }

    /// Whether `proof` is such a proof for `row`.
    pub(super) fn is_bound(&self, row: &BoundRow<'_>, proof: &[u8]) -> bool {
        unseal(&self.data_key, &row.encoded(&self.kept.keyring), proof).is_some()
    }
}

/// What is bound of a row: that in this store this address has this certificate
/// with this key.
pub(super) struct BoundRow<'a> {
    pub(super) kind: Kind,
    pub(super) address: &'a str,
    pub(super) fingerprint: &'a [u8; 32],
    pub(super) key_id: &'a [u8; 32],
}

impl BoundRow<'_> {
    /// The address, which alone has no fixed length, goes last.
    fn encoded(&self, keyring: &[u8; 16]) -> Vec<u8> {
        let label = match self.kind {
            Kind::Private => b"wasmime keyring 1, private row, ".as_slice(),
            Kind::Public => b"wasmime keyring 1, pinned row,  ",
        };
        [label, keyring, self.fingerprint, self.key_id, self.address.as_bytes()].concat()
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
        let seal = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        let sealed = seal.seal(b"row 1", b"the private key").unwrap();
        assert_eq!(seal.unseal(b"row 1", &sealed).unwrap().as_slice(), b"the private key");
        assert!(seal.unseal(b"row 2", &sealed).is_none());
        let other = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        assert!(other.unseal(b"row 1", &sealed).is_none(), "another keyring");
        assert_ne!(sealed, seal.seal(b"row 1", b"the private key").unwrap(), "a nonce of its own");
    }

    #[test]
    fn a_row_is_bound_to_store_address_certificate_and_key() {
        let seal = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
        let row = |kind, address, fingerprint, key_id| BoundRow { kind, address, fingerprint, key_id };
        let proof = seal.bind(&row(Kind::Private, "taro@nec.co.jp", &[1; 32], &[2; 32])).unwrap();
        assert!(seal.is_bound(&row(Kind::Private, "taro@nec.co.jp", &[1; 32], &[2; 32]), &proof));
        for other in [
            row(Kind::Public, "taro@nec.co.jp", &[1; 32], &[2; 32]),
            row(Kind::Private, "mallory@nec.co.jp", &[1; 32], &[2; 32]),
            row(Kind::Private, "taro@nec.co.jp", &[3; 32], &[2; 32]),
            row(Kind::Private, "taro@nec.co.jp", &[1; 32], &[3; 32]),
        ] {
            assert!(!seal.is_bound(&other, &proof));
        }
        let successor = seal.successor(&unlocking(Method::KeyFile, &[8; 32])).unwrap();
        assert!(!successor.is_bound(&row(Kind::Private, "taro@nec.co.jp", &[1; 32], &[2; 32]), &proof));
    }

    #[test]
    fn no_flipped_bit_opens() {
        let seal = Seal::make(&unlocking(Method::KeyFile, &[7; 32])).unwrap();
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
            let seal = Seal::make(&unlocking(method, &[7; 32])).unwrap();
            let sealed = seal.seal(b"row", b"key").unwrap();
            let again = Seal::open(seal.kept(), &unlocking(method, &[7; 32])).unwrap().unwrap();
            assert_eq!(again.unseal(b"row", &sealed).unwrap().as_slice(), b"key");
            assert!(Seal::open(seal.kept(), &unlocking(method, &[8; 32])).unwrap().is_none());
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
