//! The milter, spoken to as Postfix and Sendmail do, and as nobody should.

mod hostile;
mod miltertest;
pub mod mta;
mod probes;
mod sessions;
mod splits;
mod verdicts;

use std::os::unix::net::UnixStream;

use tempfile::TempDir;

use crate::gateway::Gateway;
use crate::ports;
use mta::Mta;

/// A gateway with two tenants, `lan.example` (carol, dave) and `peer.example`
/// (alice, bob), and a milter for each direction.
struct Milter {
    gateway: Gateway,
    outbound: u16,
    inbound: u16,
    by_client: u16,
    _dir: TempDir,
}

impl Milter {
    fn start() -> Self {
        Self::with("")
    }

    /// With further keys of `[tenant.lan.outbound]`, and tables.
    fn with(more: &str) -> Self {
        Self::configured("", more)
    }

    /// Whose listener for what users send has a next hop on this port.
    fn handing_on(port: u16, more: &str) -> Self {
        Self::configured(&format!("next-hop = \"smtp://127.0.0.1:{port}\"\n"), more)
    }

    fn configured(outbound_more: &str, more: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let [outbound, inbound, by_client] = [ports::free(), ports::free(), ports::free()];
        let anchor = crate::support::pki("ca.pem");
        let configuration = format!(
            r#"
[[listener]]
name = "out"
protocol = "milter"
address = "127.0.0.1:{outbound}"
direction = "outbound"
{outbound_more}
[[listener]]
name = "in"
protocol = "milter"
address = "127.0.0.1:{inbound}"
direction = "inbound"

[[listener]]
name = "both"
protocol = "milter"
address = "127.0.0.1:{by_client}"
direction = "by-client"
inside = ["10.0.0.0/8"]

[[listener]]
name = "socket"
protocol = "milter"
address = "unix:milter.sock"
direction = "inbound"

[tenant.peer]
domains = ["peer.example"]
keyring = "peer.keyring"
anchors = [{anchor:?}]
outbound = {{ sign = "required", encrypt = "required" }}
inbound = {{ verify = "opportunistic", decrypt = "opportunistic", authserv-id = "mx.peer.example" }}

[tenant.lan]
domains = ["lan.example"]
keyring = "lan.keyring"
anchors = [{anchor:?}]
inbound = {{ verify = "opportunistic", decrypt = "opportunistic", authserv-id = "mx.lan.example" }}
limits = {{ message-size = "200KiB" }}

[tenant.lan.outbound]
sign = "required"
{more}
"#
        );
        let mut gateway = Gateway::new(dir.path(), &configuration, vec![outbound, inbound, by_client]);
        gateway.keys("lan", &["carol", "dave"], &["alice", "bob"]);
        gateway.keys("peer", &["alice", "bob"], &["carol", "dave"]);
        gateway.start();
        Self { gateway, outbound, inbound, by_client, _dir: dir }
    }

    /// What users send.
    fn outbound(&self) -> Mta {
        Mta::connect(self.outbound, "10.0.0.7")
    }

    /// What arrives.
    fn inbound(&self) -> Mta {
        Mta::connect(self.inbound, "192.0.2.7")
    }

    /// What arrives, by the Unix socket.
    fn socket(&self) -> Mta<UnixStream> {
        Mta::over(UnixStream::connect(self.gateway.path().join("milter.sock")).expect("a filter that listens"))
    }

    /// Waits for a line of the log that has `words`.
    #[track_caller]
    fn logs(&self, words: &[&str]) {
        crate::daemon::eventually(&format!("{words:?} in the log"), || {
            let log = self.gateway.log();
            log.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
        });
    }
}
