//! Files that hold secrets: made and read so that only their owner can.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyringError;

/// Where systemd puts what `LoadCredential=` names: readable by the service
/// alone, whatever its mode says.
pub(super) const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Most octets of a file with a key or a passphrase.
const MAX_SECRET: u64 = 4096;

/// `path` with `.extension` appended to its name.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// Reads a secret; none if there is no such file.
pub(super) fn read_secret(path: &Path, check_mode: bool) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let failed = |source| KeyringError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if check_mode && mode & 0o077 != 0 {
        return Err(KeyringError::Exposed { path: path.to_owned(), mode });
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_SECRET as usize));
    file.take(MAX_SECRET).read_to_end(&mut octets).map_err(failed)?;
    Ok(Some(octets))
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
    // A key that is lost when the machine stops takes the keyring with it.
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(written)
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

    #[test]
    fn an_exposed_secret_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        create_secret(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_secret(&path, true).unwrap_err();
        assert!(matches!(error, KeyringError::Exposed { mode: 0o640, .. }));
        assert!(error.to_string().contains("chmod 600"));
        assert!(read_secret(&path, false).unwrap().is_some());
    }
}
