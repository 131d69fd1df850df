//! What is handed out besides the program: the service of systemd, the Debian
//! package, the container file and the examples. Each is read by the program it is
//! meant for, where that is installed.

#[path = "../servers/world/daemon.rs"]
#[allow(dead_code)]
mod daemon;
mod debian;
mod examples;
#[path = "../servers/world/gateway.rs"]
#[allow(dead_code)]
mod gateway;
mod haraka;
#[path = "../servers/world/places.rs"]
mod places;
#[path = "../servers/world/ports.rs"]
mod ports;
#[path = "../servers/world/renumbered.rs"]
mod renumbered;
#[path = "../servers/world/sink.rs"]
#[allow(dead_code)]
mod sink;
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
