//! What is handed out besides the program: the service of systemd, the Debian
//! package, the container file and the examples. Each is read by the program it is
//! meant for, where that is installed.

mod debian;
mod examples;
#[path = "../support/mod.rs"]
mod support;
mod systemd;

use std::path::PathBuf;

/// A file or folder below `packaging/`.
fn packaging(name: &str) -> PathBuf {
    support::root().join("packaging").join(name)
}

/// The text of such a file.
fn text(name: &str) -> String {
    let path = packaging(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
