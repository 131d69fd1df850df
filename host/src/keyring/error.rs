//! What can go wrong with a keyring, in sentences that say what to do.

use std::fmt;
use std::path::PathBuf;

/// Why a keyring did not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyringError {
    /// There is no such file.
    Missing(PathBuf),
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Another process holds the keyring; a later attempt may succeed.
    Busy(PathBuf),
    /// The file is no keyring, or a damaged one.
    Damaged {
        /// The keyring.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A later release of the program wrote the keyring.
    Newer {
        /// The keyring.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The last version that this release knows.
        known: i64,
    },
    /// What the private keys are sealed under is not there.
    NoUnlocking {
        /// The keyring.
        path: PathBuf,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// What was found to unlock the keyring is malformed.
    BadUnlocking {
        /// The key file or passphrase file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key file or passphrase is that of another keyring.
    WrongUnlocking {
        /// The keyring.
        path: PathBuf,
        /// The key file or passphrase file.
        tried: PathBuf,
    },
    /// Others than its owner may read or write a secret file.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A sealed key was altered, or moved from another row or keyring.
    Unsealable(String),
    /// A password is too short to protect a private key.
    ShortPassword,
    /// The cryptographic library refused.
    Cryptography(&'static str),
    /// A key that signs nothing, or not what an authority reads: its algorithm.
    NoRequest(String),
    /// The row of an address is not as it was filed.
    Altered(String),
    /// Nothing that was asked for is filed.
    NotFound(String),
    /// Several are filed, and which is meant was not said.
    Ambiguous {
        /// The address.
        address: String,
        /// Fingerprints to choose from.
        fingerprints: Vec<String>,
    },
    /// What was to be filed could not be.
    Import(ImportError),
}

/// Why a file, or something in it, cannot be filed.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// This is no mail address.
    Address(String),
    /// A file is larger than any bundle of keys.
    TooLarge(String),
    /// A file holds nothing.
    Empty(String),
    /// A file is none of the formats that are read.
    Unknown(String),
    /// A part of a file does not parse.
    Malformed {
        /// The file.
        file: String,
        /// What it should be.
        what: String,
    },
    /// A part of a file is encrypted, and no password was given.
    PasswordNeeded(String),
    /// The password is not that of the file.
    PasswordWrong(String),
    /// A private key in the encryption of old OpenSSL releases.
    TraditionalEncryption(String),
    /// The password was given and the file has an encryption that is not read.
    Encryption {
        /// The file.
        file: String,
        /// What it is.
        what: String,
    },
    /// A private key is of a kind or size that is not filed.
    Key {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A certificate that is not for mail.
    Certificate {
        /// Its subject.
        subject: String,
        /// Why.
        reason: &'static str,
    },
    /// A certificate that names no mail address.
    NoAddress(String),
    /// A private key whose certificate is nowhere to be found.
    NoCertificate(String),
    /// Certificates of authorities alone.
    OnlyAuthorities,
    /// A PKCS #12 file whose private key says not whose certificate it is for, or
    /// that has none.
    Unlinked(String),
    /// Nothing was given.
    Nothing,
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(
                f,
                "there is no keyring {}; `wasmime keys import` and `wasmime keys generate` make one",
                path.display()
            ),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Busy(path) => write!(f, "the keyring {} is in use by another process; try again", path.display()),
            Self::Damaged { path, reason } => write!(
                f,
                "{} is not a sound keyring ({reason}); restore it from a backup, together with its key file",
                path.display()
            ),
            Self::Newer { path, found, known } => write!(
                f,
                "the keyring {} was written by a later release (its tables have version {found}, this release knows \
                 {known}); upgrade wasmime",
                path.display()
            ),
            Self::NoUnlocking { path, tried } => {
                write!(f, "the private keys of {} cannot be unlocked: there is no ", path.display())?;
                for (at, file) in tried.iter().enumerate() {
                    write!(f, "{}{}", if at == 0 { "" } else { " and no " }, file.display())?;
                }
                write!(f, "; restore that file from where it was backed up")
            }
            Self::BadUnlocking { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::WrongUnlocking { path, tried } => write!(
                f,
                "{} does not unlock the keyring {}: it belongs to another one",
                tried.display(),
                path.display()
            ),
            Self::Exposed { path, mode } => write!(
                f,
                "{} can be read or written by others than its owner (mode {mode:04o}); run: chmod 600 {}",
                path.display(),
                path.display()
            ),
            Self::Unsealable(key) => write!(
                f,
                "the private key {key} does not unseal: its row was altered or comes from another keyring; import it \
                 again from its own backup"
            ),
            Self::ShortPassword => {
                write!(f, "the password is too short to protect a private key: it needs 12 characters or more")
            }
            Self::Cryptography(what) => write!(f, "the cryptographic library could not {what}"),
            Self::NoRequest(algorithm) => write!(
                f,
                "a key of {algorithm} signs no request; generate another with --algorithm, or make the request with the \
                 tools of the authority"
            ),
            Self::Altered(address) => write!(
                f,
                "a key of {address} was filed by somebody who cannot unlock the keyring; see who can write the file, and \
                 `wasmime keys remove` what `wasmime keys list` notes as altered"
            ),
            Self::NotFound(what) => write!(f, "{what}; `wasmime keys list` shows what is filed"),
            Self::Ambiguous { address, fingerprints } => write!(
                f,
                "several certificates are filed for {address}; say which with --fingerprint: {}",
                fingerprints.join(", ")
            ),
            Self::Import(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "`{text}` is not a mail address; write it as user@domain"),
            Self::TooLarge(file) => write!(f, "{file} is larger than 16 MiB: this is not a file of keys"),
            Self::Empty(file) => write!(f, "{file} is empty"),
            Self::Unknown(file) => {
                write!(f, "{file} is none of PEM, DER certificate, PKCS #7 (.p7b), PKCS #8 and PKCS #12 (.p12, .pfx)")
            }
            Self::Malformed { file, what } => write!(f, "{file}: this is not a sound {what}"),
            Self::PasswordNeeded(file) => {
                write!(f, "{file} is protected by a password; put it into a file and give --password-file")
            }
            Self::PasswordWrong(file) => write!(f, "{file}: the password is wrong, or the file is damaged"),
            Self::TraditionalEncryption(file) => write!(
                f,
                "{file}: the private key is encrypted in the format of old OpenSSL releases; convert it with: openssl \
                 pkcs8 -topk8 -in {file} -out key.p8"
            ),
            Self::Encryption { file, what } => write!(
                f,
                "{file}: {what} is not read; write the file anew with AES-256 and SHA-256, as OpenSSL 3 does by itself"
            ),
            Self::Key { file, reason } => write!(f, "{file}: {reason}"),
            Self::Certificate { subject, reason } => write!(f, "the certificate of {subject} {reason}"),
            Self::NoAddress(subject) => write!(
                f,
                "the certificate of {subject} names no mail address; say whose it is with --address user@domain"
            ),
            Self::NoCertificate(file) => write!(
                f,
                "{file}: no certificate belongs to this private key; import both together, or the certificate first"
            ),
            Self::OnlyAuthorities => write!(
                f,
                "these are certificates of authorities only; list the file under `anchors` or `intermediates` in the \
                 configuration"
            ),
            Self::Unlinked(file) => write!(
                f,
                "{file} has no private key, or one that is not linked to its certificate; convert it with: openssl pkcs12 \
                 -in {file} -out keys.pem, and import keys.pem"
            ),
            Self::Nothing => write!(f, "there is neither a certificate nor a private key in what was given"),
        }
    }
}

impl std::error::Error for KeyringError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::error::Error for ImportError {}

impl From<ImportError> for KeyringError {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl KeyringError {
    /// Whether a later attempt may succeed without anyone doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}
