//! Secrets that lie in files: a PIN, a password, the key of a TLS client.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Where systemd puts what `LoadCredential=` names: readable by the service
/// alone, whatever its mode says.
pub(crate) const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// What stands before the name of a file in that folder.
const CREDENTIAL: &str = "credential:";

/// Most octets of a file with a secret.
const LONGEST: u64 = 16 << 10;

/// Where a secret lies. It is read when it is needed, and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFile {
    /// A file, which must be its owner's alone.
    Path(PathBuf),
    /// A file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// One writing of a file: another follows when it is changed, replaced or touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    seconds: i64,
    nanos: i64,
}

/// Why a secret cannot be had.
#[non_exhaustive]
#[derive(Debug)]
pub enum SecretError {
    /// There is no such file.
    Missing(PathBuf),
    /// Others than its owner can use it.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is not one line of text.
    NotALine(PathBuf),
    /// A credential is named, and there are none.
    NoCredentials(String),
}

impl SecretFile {
    /// Reads a name as it is configured: `credential:NAME`, or a path, which is
    /// relative to `folder`.
    pub fn named(name: &str, folder: &Path) -> Self {
        match name.strip_prefix(CREDENTIAL) {
            Some(name) => Self::Credential(name.to_owned()),
            None => Self::Path(folder.join(name)),
        }
    }

    /// The octets of the file.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        match self {
            Self::Path(path) => read(path, true),
            Self::Credential(_) => read(&self.path()?, false),
        }
    }

    /// The one line of text that the file has, without its end.
    pub fn line(&self) -> Result<Zeroizing<String>, SecretError> {
        let octets = self.read()?;
        let line = octets.strip_suffix(b"\n").unwrap_or(&octets);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match str::from_utf8(line) {
            Ok(text) if !text.is_empty() && !text.contains(['\n', '\r', '\0']) => Ok(Zeroizing::new(text.to_owned())),
            _ => Err(SecretError::NotALine(self.path()?)),
        }
    }

    /// Which writing of the file this is.
    pub(crate) fn stamp(&self) -> Result<Stamp, SecretError> {
        let path = self.path()?;
        match std::fs::metadata(&path) {
            Ok(metadata) => {
                Ok(Stamp { inode: metadata.ino(), seconds: metadata.ctime(), nanos: metadata.ctime_nsec() })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(SecretError::Missing(path)),
            Err(source) => Err(SecretError::File { path, source }),
        }
    }

    fn path(&self) -> Result<PathBuf, SecretError> {
        match self {
            Self::Path(path) => Ok(path.clone()),
            Self::Credential(name) => {
                let folder = std::env::var_os(CREDENTIALS_DIRECTORY).filter(|folder| !folder.is_empty());
                // The name of a file in that folder, and of none elsewhere.
                let is_name = Path::new(name).file_name() == Some(OsStr::new(name));
                let folder = folder.filter(|_| is_name).ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                Ok(PathBuf::from(folder).join(name))
            }
        }
    }
}

/// Reads a secret, and where `check_mode` says so only one that is its owner's alone.
pub(crate) fn read(path: &Path, check_mode: bool) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => SecretError::Missing(path.to_owned()),
        _ => failed(error),
    })?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if check_mode && mode & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    // All of its room at once: a buffer that grows would leave parts behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is no file {}", path.display()),
            Self::Exposed { path, mode } => write!(
                f,
                "{} can be read or written by others than its owner (mode {mode:04o}); run: chmod 600 {}",
                path.display(),
                path.display()
            ),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NotALine(path) => write!(f, "{} is not one line of text", path.display()),
            Self::NoCredentials(name) => write!(
                f,
                "there is no credential `{name}`; name it with LoadCredential= in the unit, or give a file instead"
            ),
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn secret(octets: &[u8]) -> (tempfile::TempDir, SecretFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let secret = SecretFile::named("pin", folder.path());
        (folder, secret)
    }

    #[test]
    fn a_secret_is_one_line_without_its_end() {
        for octets in [&b"1234"[..], b"1234\n", b"1234\r\n"] {
            assert_eq!(*secret(octets).1.line().unwrap(), "1234");
        }
        for octets in [&b""[..], b"\n", b"12\n34\n", b"12\0", b"\xFF"] {
            assert!(matches!(secret(octets).1.line(), Err(SecretError::NotALine(_))), "{octets:?}");
        }
    }

    #[test]
    fn an_exposed_secret_is_not_used() {
        let (folder, secret) = secret(b"1234");
        let path = folder.path().join("pin");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = secret.read().unwrap_err();
        assert!(matches!(error, SecretError::Exposed { mode: 0o640, .. }));
        assert!(error.to_string().contains("chmod 600"));
        assert!(read(&path, false).is_ok());
    }

    #[test]
    fn a_credential_is_the_name_of_a_file_and_no_path() {
        for name in ["credential:../etc/passwd", "credential:", "credential:/etc/passwd", "credential:.."] {
            let error = SecretFile::named(name, Path::new("/etc")).read().unwrap_err();
            assert!(matches!(error, SecretError::NoCredentials(_)), "{name}");
        }
    }
}
