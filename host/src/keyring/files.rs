//! Files that hold secrets: made and read so that only their owner can.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyringError;
use crate::secret_file::{self, SecretError};

/// `path` with `.extension` appended to its name.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// Reads a secret; none if there is no such file.
pub(super) fn read_secret(path: &Path, check_mode: bool) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    match secret_file::read(path, check_mode) {
        Ok(octets) => Ok(Some(octets)),
        Err(SecretError::Missing(_)) => Ok(None),
        Err(SecretError::Exposed { path, mode }) => Err(KeyringError::Exposed { path, mode }),
        Err(SecretError::File { path, source }) => Err(KeyringError::File { path, source }),
        Err(other) => Err(KeyringError::File { path: path.to_owned(), source: std::io::Error::other(other) }),
    }
}

/// Makes a secret file that appears whole or not at all. False if there is one
/// already, which is left alone.
pub(super) fn create_secret(path: &Path, octets: &[u8]) -> Result<bool, KeyringError> {
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    let draft = beside(path, &format!("{}.new", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(octets)?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    })();
    // The draft is a second name of the same file by now, or of no use.
    let _ = fs::remove_file(&draft);
    let written = written.map_err(failed)?;
    sync_folder(path).map_err(failed)?;
    Ok(written)
}

/// Writes a secret file in the place of any that is there. A process that is killed
/// meanwhile may leave a part of it.
pub(super) fn write_secret(path: &Path, octets: &[u8]) -> Result<(), KeyringError> {
    let written = (|| {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(octets)?;
        file.sync_all()?;
        sync_folder(path)
    })();
    written.map_err(|source| KeyringError::File { path: path.to_owned(), source })
}

/// Gives a file another name, in the place of any that has it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), KeyringError> {
    let renamed = fs::rename(from, to).and_then(|()| sync_folder(to));
    renamed.map_err(|source| KeyringError::File { path: to.to_owned(), source })
}

/// A key that is lost when the machine stops takes the keyring with it.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Makes an empty file that only its owner can read, if there is none.
pub(super) fn create_private(path: &Path) -> Result<(), KeyringError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(KeyringError::File { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_alone_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        assert!(create_secret(&path, b"one").unwrap());
        assert!(!create_secret(&path, b"two").unwrap());
        assert_eq!(read_secret(&path, true).unwrap().unwrap().as_slice(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the draft is gone");
    }
}
