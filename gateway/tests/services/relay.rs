//! `wasmime serve` as a relay for either direction: the key services are those of a
//! configuration, and nothing else of it matters.

use std::path::Path;
use std::process::Command;

use crate::client::Client;
use crate::daemon::Daemon;
use crate::ports;
use crate::sink::Sink;
use crate::support::Site;

/// A gateway that runs, and the mail server that it hands everything to.
pub struct Relay {
    outbound: u16,
    inbound: u16,
    next_hop: Sink,
    _gateway: Daemon,
}

impl Relay {
    /// Runs the gateway with the services of a site.
    pub fn of(site: &Site) -> Self {
        let (outbound, inbound, next_hop) = (ports::free(), ports::free(), Sink::start());
        let listener = |direction: &str, port: u16| {
            format!(
                "[[listener]]\nname = \"{direction}\"\nprotocol = \"smtp\"\naddress = \"127.0.0.1:{port}\"\n\
                 direction = \"{direction}\"\nnext-hop = \"smtp://127.0.0.1:{}\"\n",
                next_hop.port()
            )
        };
        let tenants = std::fs::read_to_string(site.path().join("wasmime.toml")).expect("the configuration");
        let listeners = [listener("outbound", outbound), listener("inbound", inbound)].concat();
        std::fs::write(site.path().join("relay.toml"), listeners + &tenants).expect("a configuration");
        let mut command = site.wasmime();
        command.args(["serve", "--config", "relay.toml"]);
        Self::start(&mut command, site.path(), [outbound, inbound], next_hop)
    }

    /// Runs a gateway that listens for mail that leaves and mail that arrives on these
    /// ports, and hands on to `next_hop`.
    pub fn start(command: &mut Command, folder: &Path, [outbound, inbound]: [u16; 2], next_hop: Sink) -> Self {
        let mut gateway = Daemon::start("wasmime", command, &folder.join("relay.log"));
        for port in [outbound, inbound] {
            gateway.listens(port);
        }
        Self { outbound, inbound, next_hop, _gateway: gateway }
    }

    /// What became of a message that leaves: what was handed on, or the reply.
    pub fn sends(&self, from: &str, to: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        self.through(self.outbound, from, to, message)
    }

    /// What became of a message that arrives, likewise.
    pub fn receives(&self, from: &str, to: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        self.through(self.inbound, from, to, message)
    }

    fn through(&self, port: u16, from: &str, to: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        let before = self.next_hop.count();
        let mut client = Client::connect(port).expect("a gateway that listens");
        for command in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>")] {
            let reply = client.says(&command).expect("a reply");
            if !reply.starts_with("250") {
                return Err(reply);
            }
        }
        let reply = client.data(message).expect("a reply");
        let mut handed_on = self.next_hop.messages().split_off(before);
        match reply.starts_with("250") {
            true => Ok(handed_on.pop().expect("a message that was handed on")),
            false => {
                assert!(handed_on.is_empty(), "handed on, and refused: {reply}");
                Err(reply)
            }
        }
    }
}
