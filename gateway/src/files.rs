//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes `octets` to `path`, in place of what was there. Only the owner may
/// read it: it is a message, or a key.
pub fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    replace(path, octets, 0o600)
}

/// Writes what everybody may read to `path`, in place of what was there.
pub fn publish(path: &Path, octets: &[u8]) -> io::Result<()> {
    replace(path, octets, 0o644)
}

fn replace(path: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = Path::new(&draft);
    let written = create(draft, mode).and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(draft, path)
    });
    if written.is_err() {
        // What remains is half a message; the error that is told is the first.
        let _ = fs::remove_file(draft);
    }
    written
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.eml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("no/such/0.eml"), b"x").is_err());
    }
}
