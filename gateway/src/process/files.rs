//! The files of `--output`: all of them or none, each whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use host::{Content, Delivery};

/// Writes the content of each delivery to `directory`, as `0.eml`, `1.eml` and so
/// on; gives their paths. If one cannot be written none is left.
pub fn write(directory: &Path, deliveries: &[Delivery], received: &[u8]) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(directory)?;
    let mut unfinished = Unfinished(Vec::new());
    for (index, delivery) in deliveries.iter().enumerate() {
        let content = match &delivery.content {
            Content::Unchanged => received,
            Content::Rewritten(octets) => octets,
        };
        let path = directory.join(format!(".{index}.eml.{}", std::process::id()));
        let mut file = File::create(&path)?;
        unfinished.0.push(path);
        file.write_all(content)?;
        file.sync_all()?;
    }
    let names: Vec<PathBuf> = (0..deliveries.len()).map(|index| directory.join(format!("{index}.eml"))).collect();
    for (temporary, name) in unfinished.0.iter().zip(&names) {
        fs::rename(temporary, name)?;
    }
    unfinished.0.clear();
    Ok(names)
}

/// Files that are not yet what they are to be; they go away with this.
struct Unfinished(Vec<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.0 {
            // One that has its name already is no longer here.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(content: Content) -> Delivery {
        Delivery { recipients: vec![0], content }
    }

    #[test]
    fn each_delivery_has_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("new");
        let deliveries = [delivery(Content::Rewritten(b"new".to_vec())), delivery(Content::Unchanged)];
        let names = write(&out, &deliveries, b"old").unwrap();
        assert_eq!(names, [out.join("0.eml"), out.join("1.eml")]);
        assert_eq!(fs::read(&names[0]).unwrap(), b"new");
        assert_eq!(fs::read(&names[1]).unwrap(), b"old");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    }

    #[test]
    fn nothing_is_left_where_one_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let obstacle = format!(".1.eml.{}", std::process::id());
        fs::create_dir(directory.path().join(&obstacle)).unwrap();
        let deliveries = [delivery(Content::Unchanged), delivery(Content::Unchanged)];
        assert!(write(directory.path(), &deliveries, b"m").is_err());
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [obstacle.as_str()]);
    }
}
