//! The gateway as a milter, and the messages that it is shown.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::daemon::Daemon;
use crate::measure::{Message, Usage, Used};
use crate::ports;
use crate::support::{self, pki, run, wasmime};

/// A configuration with a listener for each direction.
pub struct Filters {
    dir: PathBuf,
    outbound: u16,
    inbound: u16,
}

impl Filters {
    /// In a folder of its own below `dir`. All protection is required, so that a
    /// message that has its 250 was sealed, or opened and verified.
    pub fn new(dir: &Path) -> Self {
        let filters = Self { dir: dir.join("wasmime"), outbound: ports::free(), inbound: ports::free() };
        fs::create_dir(&filters.dir).expect("a folder");
        let Self { outbound, inbound, .. } = filters;
        let anchor = pki("ca.pem");
        let configuration = format!(
            r#"
[[listener]]
name = "outbound"
protocol = "milter"
address = "127.0.0.1:{outbound}"
direction = "outbound"
[[listener]]
name = "inbound"
protocol = "milter"
address = "127.0.0.1:{inbound}"
direction = "inbound"
[tenant.lan]
domains = ["lan.example"]
keyring = "lan.keyring"
anchors = [{anchor:?}]
outbound = {{ sign = "required", encrypt = "required" }}
[tenant.peer]
domains = ["peer.example"]
keyring = "peer.keyring"
anchors = [{anchor:?}]
inbound = {{ verify = "required", decrypt = "required", authserv-id = "mx.peer.example" }}
"#
        );
        fs::write(filters.dir.join("wasmime.toml"), configuration).expect("the configuration");
        filters.import("lan", ["carol.pem", "carol.key", "alice.pem"]);
        filters.import("peer", ["alice.pem", "alice.key", "carol.pem"]);
        filters
    }

    fn import(&self, tenant: &str, files: [&str; 3]) {
        let mut command = wasmime(&self.dir);
        command.args(["keys", "import", "--config", "wasmime.toml", "--tenant", tenant]).args(files.map(pki));
        let output = run(&mut command, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Carol's message to alice of `size` octets, and the same sealed.
    pub fn messages(&self, size: usize) -> (Message, Message) {
        let line = "The quick brown fox jumps over the lazy dog, and the dog does not mind.\r\n";
        let text = line.repeat(size / line.len());
        let entity = format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}");
        let clear = support::message("carol@lan.example", "alice@peer.example", entity.as_bytes());
        let (operations, sealed) = self.process("outbound", &clear);
        let (opening, _) = self.process("inbound", &sealed);
        (self.message("clear.eml", &clear, operations), self.message("sealed.eml", &sealed, opening))
    }

    /// Private-key operations, and the message that came of it.
    fn process(&self, direction: &str, message: &[u8]) -> (u64, Vec<u8>) {
        let mut command = wasmime(&self.dir);
        command.args(["process", "--config", "wasmime.toml", "--direction", direction]);
        command.args(["--mail-from", "carol@lan.example", "--rcpt-to", "alice@peer.example", "--output", "out"]);
        let output = run(&mut command, message);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("a verdict");
        let file = answer["deliveries"][0]["file"].as_str().unwrap_or_else(|| panic!("no delivery: {answer}"));
        let rewritten = fs::read(self.dir.join(file)).expect("a delivery");
        (answer["private-key-operations"].as_u64().expect("a number"), rewritten)
    }

    /// A file with LF at the ends of lines, as `smtp-source` reads it.
    fn message(&self, name: &str, message: &[u8], key_operations: u64) -> Message {
        let path = self.dir.join(name);
        let lines: Vec<u8> = message.iter().copied().filter(|&octet| octet != b'\r').collect();
        fs::write(&path, lines).expect("a file");
        Message { path, size: message.len(), key_operations }
    }

    /// Runs the gateway for as long as `load` takes, given the port of a listener,
    /// and adds what it used.
    pub fn watched(&self, listener: &str, load: impl FnOnce(u16) -> Used) -> Used {
        let mut command = wasmime(&self.dir);
        command.args(["serve", "--config", "wasmime.toml"]);
        let mut gateway = Daemon::start("wasmime", &mut command, &self.dir.join("log"));
        for port in [self.outbound, self.inbound] {
            gateway.listens(port);
        }
        let used = load(if listener == "outbound" { self.outbound } else { self.inbound });
        Used { gateway: Some(Usage::of(gateway.id())), ..used }
    }
}
