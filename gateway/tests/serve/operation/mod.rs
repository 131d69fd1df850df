//! What an operator and the times do to the gateway: reloads, stops, crashes,
//! overload, stores that hang.

mod crash;
mod load;
mod log;
mod on_demand;
mod reload;
mod smtp;
mod stop;
pub mod tenants;

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use tempfile::TempDir;

use crate::gateway::Gateway;
use crate::milter::mta::{Answer, Mta};
use crate::ports;
use crate::support::{TEXT, message, pki};

/// A gateway with a milter for mail that leaves `lan.example` (carol) and
/// `peer.example` (alice).
struct Site {
    gateway: Gateway,
    port: u16,
    dir: TempDir,
}

impl Site {
    /// With further keys of `[gateway]` and further tables; it runs.
    fn start(gateway: &str, tables: &str) -> Self {
        let mut site = Self::prepare(gateway, tables);
        site.gateway.keys("lan", &["carol"], &["alice"]);
        site.gateway.keys("peer", &["alice"], &["carol"]);
        site.gateway.start();
        site
    }

    /// The same, without keys; nothing runs yet.
    fn prepare(gateway: &str, tables: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let port = ports::free();
        let configuration = configuration(gateway, &[port], tables);
        Self { gateway: Gateway::new(dir.path(), &configuration, vec![port]), port, dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A mail server's connection.
    fn connect(&self) -> Mta {
        Mta::connect(self.port, "10.0.0.7")
    }

    /// Whether anybody answers at the port.
    fn answers(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }
}

/// A configuration with a milter at each of these ports.
fn configuration(gateway: &str, listeners: &[u16], tables: &str) -> String {
    let anchor = pki("ca.pem");
    let listeners: String = listeners
        .iter()
        .map(|port| {
            format!("[[listener]]\nprotocol = \"milter\"\naddress = \"127.0.0.1:{port}\"\ndirection = \"outbound\"\n")
        })
        .collect();
    let tenants: String = ["lan", "peer"]
        .iter()
        .map(|name| format!("[tenant.{name}]\ndomains = [\"{name}.example\"]\nanchors = [{anchor:?}]\n"))
        .collect();
    format!("[gateway]\n{gateway}\n{listeners}{tenants}{tables}\n")
}

/// Carol's offer to alice.
fn carols() -> Vec<u8> {
    message("carol@lan.example", "alice@peer.example", TEXT)
}

/// Alice's offer to carol.
fn alices() -> Vec<u8> {
    message("alice@peer.example", "carol@lan.example", TEXT)
}

/// Sends carol's offer; what the filter says to it.
fn send_carols(mta: &mut Mta) -> Answer {
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    mta.message(&carols()).answer
}

/// Sends alice's offer; what the filter says to it.
fn send_alices(mta: &mut Mta) -> Answer {
    mta.envelope("alice@peer.example", None, &["carol@lan.example"]);
    mta.message(&alices()).answer
}
