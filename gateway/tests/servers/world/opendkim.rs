//! OpenDKIM, as a milter that signs or verifies (RFC 6376).

use std::fs;
use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;
use super::ports;
use crate::support::must;

/// A running instance.
pub struct OpenDkim {
    port: u16,
    _daemon: Daemon,
}

/// A key for the mail of a domain, in a folder.
pub fn key(dir: &Path, domain: &str) {
    let dir = dir.display().to_string();
    must("opendkim-genkey", &["-b", "2048", "-s", SELECTOR, "-d", domain, "-D", &dir], b"");
    let record = fs::read_to_string(format!("{dir}/{SELECTOR}.txt")).expect("a record");
    // Quoted strings, as in a zone file: what stands in them is the record.
    let record: String = record.split('"').skip(1).step_by(2).collect();
    fs::write(format!("{dir}/public"), format!("{SELECTOR}._domainkey.{domain} {record}\n")).expect("a file");
}

impl OpenDkim {
    /// Signs what users of a domain send, with the key in a folder.
    pub fn signer(dir: &Path, domain: &str) -> Self {
        Self::start(
            dir,
            "signer",
            &format!("Mode s\nDomain {domain}\nSelector {SELECTOR}\nKeyFile {}/{SELECTOR}.private\n", dir.display()),
        )
    }

    /// Verifies what arrives, with the record in a folder; `authserv_id` says
    /// whose results it writes.
    pub fn verifier(dir: &Path, authserv_id: &str) -> Self {
        Self::start(
            dir,
            "verifier",
            &format!("Mode v\nAuthservID {authserv_id}\nTestPublicKeys {}/public\n", dir.display()),
        )
    }

    fn start(dir: &Path, name: &str, lines: &str) -> Self {
        let port = ports::free();
        let configuration = dir.join(format!("{name}.conf"));
        let text = format!(
            "Socket inet:{port}@127.0.0.1\nBackground no\nSyslog no\nLogResults yes\nRequireSafeKeys no\n\
             Canonicalization relaxed/simple\nInternalHosts 127.0.0.0/8\nUserID root\n{lines}"
        );
        // What is from inside is signed; the verifier is to take nobody for inside.
        let text = if name == "verifier" { text.replace("127.0.0.0/8", "192.0.2.1") } else { text };
        fs::write(&configuration, text).expect("its configuration");
        let mut command = Command::new("opendkim");
        command.arg("-f").arg("-x").arg(&configuration);
        let mut daemon = Daemon::start("opendkim", &mut command, &dir.join(format!("{name}.log")));
        daemon.listens(port);
        Self { port, _daemon: daemon }
    }

    /// Where it is.
    pub fn port(&self) -> u16 {
        self.port
    }
}

const SELECTOR: &str = "mail";
