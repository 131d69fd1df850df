//! Two organisations, and the wire between them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use super::dovecot::Dovecot;
use super::exim::Exim;
use super::gateway::Gateway;
use super::imap::Mailbox;
use super::places::Ports;
use super::ports;
use super::postfix::Postfix;
use super::server::{Hook, Server, Setup};
use super::side::{POLICY, Side};
use super::swaks::{Answer, Swaks};
use super::wire::Wire;
use crate::support::{have, pki, skipped};

/// A user of either organisation for whom nobody has keys.
pub const WITHOUT_KEYS: &str = "heidi";

/// Alice and bob at `peer.example`, carol and dave at `lan.example`.
pub struct World {
    /// Where alice and bob are.
    pub peer: Organisation,
    /// Where carol and dave are.
    pub lan: Organisation,
    /// What goes from peer.example to lan.example.
    pub to_lan: Wire,
    /// What goes from lan.example to peer.example.
    pub to_peer: Wire,
}

/// A mail server, mailboxes and, unless mail is to go in clear, a gateway.
pub struct Organisation {
    /// Its domain.
    pub domain: &'static str,
    /// Its gateway.
    pub gateway: Option<Gateway>,
    /// Its mail server.
    pub server: Server,
    ports: Ports,
    /// What the gateway hands on to the mail server.
    pub handed_on: Wire,
    /// Its mailboxes.
    pub dovecot: Dovecot,
    // Last, because what is below is stopped first.
    _dir: TempDir,
}

impl World {
    /// Starts both organisations, or says that `story` is skipped.
    pub fn start(story: &str, peer: Side, lan: Side) -> Option<Self> {
        if !possible(story, &[peer.kind.programs(), lan.kind.programs()].concat()) {
            return None;
        }
        let (peer_ports, lan_ports) = (Ports::free(), Ports::free());
        let (to_lan, to_peer) = (Wire::to(lan.entrance(lan_ports)), Wire::to(peer.entrance(peer_ports)));
        let (to_lan_port, to_peer_port) = (to_lan.port(), to_peer.port());
        let (peer, lan) = thread::scope(|scope| {
            let peer = scope.spawn(|| Organisation::start(Place::PEER, peer, peer_ports, to_lan_port));
            let lan = Organisation::start(Place::LAN, lan, lan_ports, to_peer_port);
            (peer.join().expect("an organisation that starts"), lan)
        });
        Some(Self { peer, lan, to_lan, to_peer })
    }

    /// The organisation whose tenant has this name.
    pub fn of(&mut self, name: &str) -> &mut Organisation {
        if name == Place::PEER.name { &mut self.peer } else { &mut self.lan }
    }
}

/// Whether the servers that every story needs, and `more`, are there, and may be
/// started; otherwise says that `story` is skipped.
pub fn possible(story: &str, more: &[String]) -> bool {
    if !rustix::process::geteuid().is_root() {
        skipped(story, "mail servers have to be started as root");
        return false;
    }
    let programs = ["dovecot", "swaks", "openssl"];
    have(story, &programs.into_iter().chain(more.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// Who is where.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: &'static str,
    domain: &'static str,
    correspondent: &'static str,
    insiders: &'static [&'static str],
    outsiders: &'static [&'static str],
}

impl Place {
    const PEER: Self = Self {
        name: "peer",
        domain: "peer.example",
        correspondent: "lan.example",
        insiders: &["alice", "bob"],
        outsiders: &["carol", "dave"],
    };
    const LAN: Self = Self {
        name: "lan",
        domain: "lan.example",
        correspondent: "peer.example",
        insiders: &["carol", "dave"],
        outsiders: &["alice", "bob"],
    };
}

impl Organisation {
    fn start(place: Place, side: Side, ports: Ports, wire: u16) -> Self {
        let dir = tempfile::Builder::new()
            .prefix(place.name)
            // Servers that give up their rights find their way through it.
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let dovecot = Dovecot::start(dir.path());
        let mailboxes =
            place.insiders.iter().chain([&WITHOUT_KEYS]).map(|user| format!("{user}@{}", place.domain)).collect();
        let handed_on = Wire::to(ports.reinjection);
        let gateway = dir.path().join("wasmime");
        let setup = Setup {
            ports,
            domain: place.domain,
            mailboxes,
            boxes: side.boxes.unwrap_or_else(|| dovecot.lmtp()),
            logins: Some(dovecot.logins()),
            correspondent: place.correspondent,
            wire,
            outbound: side.outbound,
            inbound: side.inbound,
            gateway: gateway.clone(),
            main: side.main.clone(),
            master: side.master.clone(),
        };
        let gateway = side.filters().then(|| {
            let mut gateway = Gateway::new(&gateway, &configuration(place, &side, handed_on.port()), side.ports());
            gateway.keys(place.name, place.insiders, place.outsiders);
            gateway.start();
            gateway
        });
        let server = side.kind.start(dir.path(), &setup);
        Self { domain: place.domain, gateway, server, ports, handed_on, dovecot, _dir: dir }
    }

    /// A user logs in and sends a message.
    pub fn sends(&self, user: &str, to: &[&str], message: &[u8]) -> Answer {
        self.submits(&self.address(user), user, to, message)
    }

    /// A user logs in and sends a message with another reverse-path.
    pub fn submits(&self, from: &str, user: &str, to: &[&str], message: &[u8]) -> Answer {
        let login = self.address(user);
        // The others of the servers here know no logins.
        let login = matches!(self.server, Server::Postfix(_)).then_some(login.as_str());
        Swaks { port: self.ports.submission, from, to, login, options: &[] }.send(message)
    }

    /// The mailbox of a user.
    pub fn mailbox(&self, user: &str) -> Mailbox {
        self.dovecot.mailbox(&self.address(user))
    }

    /// Where its mail server listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Its mail server, where it is Postfix.
    pub fn postfix(&self) -> &Postfix {
        match &self.server {
            Server::Postfix(postfix) => postfix,
            _ => panic!("another mail server than Postfix"),
        }
    }

    /// Its mail server, where it is Exim.
    pub fn exim(&self) -> &Exim {
        match &self.server {
            Server::Exim(exim) => exim,
            _ => panic!("another mail server than Exim"),
        }
    }

    /// The gateway there must be.
    pub fn gateway(&mut self) -> &mut Gateway {
        self.gateway.as_mut().expect("an organisation with a gateway")
    }

    fn address(&self, user: &str) -> String {
        format!("{user}@{}", self.domain)
    }
}

impl Hook {
    /// The listener of the gateway that belongs to it.
    fn listener(self, direction: &str, next_hop: u16) -> String {
        let (protocol, port) = match self {
            Self::Open | Self::Pipe => return String::new(),
            Self::Milter(port) | Self::Milters(port, _) => ("milter", port),
            Self::Smtp(port) | Self::Proxy(port) | Self::Front(port) => ("smtp", port),
            Self::Lmtp(port) => ("lmtp", port),
        };
        let xforward = if protocol == "milter" { "" } else { "xforward = [\"127.0.0.0/8\"]\n" };
        format!(
            "[[listener]]\nname = \"{direction}\"\nprotocol = \"{protocol}\"\naddress = \"127.0.0.1:{port}\"\n\
             direction = \"{direction}\"\nnext-hop = \"smtp://127.0.0.1:{next_hop}\"\n{xforward}"
        )
    }
}

/// The gateway of a provider, with both organisations as its tenants. Its
/// listeners are those of the hooks; nothing has to be split.
pub fn provider(dir: &Path, outbound: Hook, inbound: Hook) -> Gateway {
    let places = [Place::PEER, Place::LAN];
    let tenants = places.map(|place| tenant(place, POLICY)).concat();
    let listeners = [outbound.listener("outbound", ports::free()), inbound.listener("inbound", ports::free())].concat();
    let ports = [outbound, inbound].into_iter().filter_map(Hook::port).collect();
    let gateway = Gateway::new(dir, &format!("{}{listeners}{tenants}", general("provider.example")), ports);
    for place in places {
        gateway.keys(place.name, place.insiders, place.outsiders);
    }
    gateway
}

fn configuration(place: Place, side: &Side, next_hop: u16) -> String {
    let listeners = [side.outbound.listener("outbound", next_hop), side.inbound.listener("inbound", next_hop)].concat();
    format!("{}{listeners}{}", general(place.domain), tenant(place, side.policy))
}

/// What is said of a gateway as a whole.
fn general(domain: &str) -> String {
    format!("[gateway]\nhostname = \"gateway.{domain}\"\nstate = \"state\"\naudit = \"audit.jsonl\"\n")
}

/// What is said of a tenant.
fn tenant(place: Place, policy: &str) -> String {
    let Place { name, domain, .. } = place;
    let (anchor, policy) = (pki("ca.pem"), policy.replace("NAME", name));
    // Whoever writes results has a name, that of the server unless the policy has another.
    let results = if policy.contains("authserv-id") { "" } else { &format!("authserv-id = \"mx.{domain}\"\n") };
    let policy = policy.replace("inbound]\n", &format!("inbound]\n{results}"));
    format!(
        "[tenant.{name}]\ndomains = [\"{domain}\"]\nkeyring = \"{name}.keyring\"\nanchors = [{anchor:?}]\n{policy}\n"
    )
}
