//! Where the servers of an example are, in a test: its files are used as they are
//! handed out, but for ports, folders and the name of the organisation.

use std::path::{Path, PathBuf};

use super::ports;
use super::renumbered::renumbered;

/// Where a server listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// For the users, who may send anywhere.
    pub submission: u16,
    /// For the Internet: mail for the own domain.
    pub mx: u16,
    /// For what comes back from a filter.
    pub reinjection: u16,
}

impl Ports {
    /// Free ones.
    pub fn free() -> Self {
        Self { submission: ports::free(), mx: ports::free(), reinjection: ports::free() }
    }
}

/// A free port for each that an example names, and a folder.
#[derive(Clone, Debug)]
pub struct Places {
    /// The mail server: 25, 587 and 10026.
    pub server: Ports,
    /// Wasmime as a milter: 8891.
    pub milter: u16,
    /// Wasmime for mail that leaves: 10025.
    pub leaving: u16,
    /// Wasmime for mail that arrives: 10027.
    pub arriving: u16,
    /// The status of wasmime: 8025.
    pub status: u16,
    /// In place of `/var/lib/wasmime`.
    pub keyrings: PathBuf,
}

impl Places {
    /// Free ones.
    pub fn free(keyrings: &Path) -> Self {
        let [milter, leaving, arriving, status] = std::array::from_fn(|_| ports::free());
        Self { server: Ports::free(), milter, leaving, arriving, status, keyrings: keyrings.to_owned() }
    }

    /// The text of an example with these places, for `lan.example`, whose keys the
    /// tests have.
    pub fn put_into(&self, text: &str) -> String {
        let text = text
            .replace("/var/lib/wasmime/", &format!("{}/", self.keyrings.display()))
            .replace("example.org", "lan.example")
            .replace(r"example\.org", r"lan\.example");
        renumbered(&text, |number| self.port(number))
    }

    fn port(&self, named: &str) -> Option<u16> {
        Some(match named {
            "25" => self.server.mx,
            "587" => self.server.submission,
            "10026" => self.server.reinjection,
            "8891" => self.milter,
            "10025" => self.leaving,
            "10027" => self.arriving,
            "8025" => self.status,
            _ => return None,
        })
    }
}
