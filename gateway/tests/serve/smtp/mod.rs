//! The SMTP and LMTP relay, between a client and a next hop that do what the tests
//! tell them.

mod client;
mod envelope;
mod faults;
mod hop;
mod isolation;
mod lmtp;
mod notifications;
mod parts;
mod refusals;
mod session;
mod smuggling;
mod tls;

use tempfile::TempDir;

use crate::gateway::Gateway;
use crate::ports;
use client::Client;
use hop::{Does, Hop, Mail};

/// A gateway with two tenants, `lan.example` (carol, dave) and `peer.example`
/// (alice, bob), and a next hop for all of its mail.
struct Relay {
    gateway: Gateway,
    hop: Hop,
    outbound: u16,
    inbound: u16,
    /// Outbound by LMTP.
    lmtp: u16,
    _dir: TempDir,
}

impl Relay {
    fn start() -> Self {
        Self::with(Hop::smtp(), "smtp", "")
    }

    /// To a next hop that speaks `protocol`; with further keys for each listener.
    fn with(hop: Hop, protocol: &str, keys: &str) -> Self {
        Self::limited(hop, protocol, keys, "")
    }

    /// The same, with further limits of `lan`.
    fn limited(hop: Hop, protocol: &str, keys: &str, limits: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let [outbound, inbound, lmtp] = [ports::free(), ports::free(), ports::free()];
        let anchor = crate::support::pki("ca.pem");
        let listener = |name: &str, spoken: &str, port: u16, direction: &str| {
            format!(
                "[[listener]]\nname = {name:?}\nprotocol = {spoken:?}\naddress = \"127.0.0.1:{port}\"\n\
                 direction = {direction:?}\nnext-hop = \"{protocol}://127.0.0.1:{}\"\n\
                 xforward = [\"127.0.0.1\"]\n{keys}\n",
                hop.port
            )
        };
        let listeners = [
            listener("out", "smtp", outbound, "outbound"),
            listener("in", "smtp", inbound, "inbound"),
            listener("lmtp", "lmtp", lmtp, "outbound"),
        ];
        let configuration = format!(
            r#"
[gateway]
hostname = "gw.lan.example"
state = "state"
landlock = false

{}
[tenant.lan]
domains = ["lan.example"]
keyring = "lan.keyring"
anchors = [{anchor:?}]
outbound = {{ sign = "required", encrypt = "opportunistic" }}
inbound = {{ verify = "opportunistic", decrypt = "opportunistic", authserv-id = "mx.lan.example" }}
limits = {{ message-size = "200KiB"{limits} }}

[tenant.peer]
domains = ["peer.example"]
keyring = "peer.keyring"
anchors = [{anchor:?}]
inbound = {{ verify = "opportunistic", decrypt = "opportunistic", authserv-id = "mx.peer.example" }}
limits = {{ message-size = "200KiB" }}
"#,
            listeners.concat()
        );
        let mut gateway = Gateway::new(dir.path(), &configuration, vec![outbound, inbound, lmtp]);
        gateway.keys("lan", &["carol", "dave"], &["alice", "bob"]);
        gateway.keys("peer", &["alice", "bob"], &["carol", "dave"]);
        gateway.start();
        Self { gateway, hop, outbound, inbound, lmtp, _dir: dir }
    }

    /// A client that sends for users.
    fn sender(&self) -> Client {
        Client::greet(self.outbound, "EHLO mua.lan.example")
    }

    /// A client from outside.
    fn stranger(&self) -> Client {
        Client::greet(self.inbound, "EHLO mx.elsewhere.example")
    }

    /// A client that sends for users by LMTP.
    fn local(&self) -> Client {
        Client::greet(self.lmtp, "LHLO mail.lan.example")
    }

    /// The one message that the next hop has taken.
    #[track_caller]
    fn taken(&self) -> Mail {
        let taken = self.hop.taken();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken[0].clone()
    }
}

const CAROL: &str = "carol@lan.example";
const DAVE: &str = "dave@lan.example";
const ALICE: &str = "alice@peer.example";
const BOB: &str = "bob@peer.example";

/// A message of carol's, to whomever.
const MESSAGE: &str = "From: carol@lan.example\r\nTo: alice@peer.example, dave@lan.example\r\nSubject: Budget\r\n\
                       Message-ID: <1@lan.example>\r\n\r\nThe plain words\r\n";

/// Mail from outside without any protection.
const CLEAR: &str = "From: someone@elsewhere.example\r\nTo: carol@lan.example\r\nSubject: Hello\r\n\r\nGood day\r\n";
