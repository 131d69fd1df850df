//! A DNS of our own: a root and some zones that Knot DNS serves and signs, and
//! Unbound, which resolves them.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::daemon::{Daemon, eventually};
use crate::ports;
use crate::support::{attempt, have, must, pki};

/// The servers, and what they know.
pub struct NameServers {
    folder: TempDir,
    name_server: u16,
    resolver: u16,
    knot: Option<Daemon>,
    unbound: Option<Daemon>,
}

const KNOT: &str = "/usr/sbin/knotd";
const UNBOUND: &str = "/usr/sbin/unbound";

/// A record of usage `usage`, selector and matching type, with the DER of a
/// certificate of `tests/pki`.
pub struct Record<'a> {
    pub mailbox: &'a str,
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
    pub certificate: &'a str,
}

/// A whole certificate of a person, as the domain vouches for it (DANE-EE).
pub fn person<'a>(mailbox: &'a str, certificate: &'a str) -> Record<'a> {
    Record { mailbox, usage: 3, selector: 0, matching: 0, certificate }
}

impl NameServers {
    /// Starts servers with these records, in a zone for each domain; none, said
    /// aloud, where they are not installed. The zone `open.example` is not signed, and
    /// `broken.example` is by another key than the root has for it.
    pub fn start(test: &str, records: &[Record<'_>]) -> Option<Self> {
        if !have(test, &["openssl", KNOT, "keymgr", "kdig", "knotc", UNBOUND]) {
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        for name in ["run", "db"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let (name_server, resolver) = (ports::free(), ports::free());
        let mut servers = Self { folder, name_server, resolver, knot: None, unbound: None };
        for domain in DOMAINS {
            servers.write(&format!("{domain}.zone"), &zone(domain, records));
        }
        servers.write("root.zone", ROOT);
        servers.write("knot.conf", &servers.knot_configuration());
        servers.run_name_server();
        servers.delegate();
        servers.write("unbound.conf", &servers.unbound_configuration());
        servers.run_resolver();
        Some(servers)
    }

    /// The folder, with the trust anchor `root.key`.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The resolver, as an address and a port.
    pub fn resolver(&self) -> String {
        format!("127.0.0.1:{}", self.resolver)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.resolver
    }

    /// The name server, likewise: it has answers, and proves none of them.
    pub fn name_server(&self) -> String {
        format!("127.0.0.1:{}", self.name_server)
    }

    /// Runs the name server.
    pub fn run_name_server(&mut self) {
        let mut command = Command::new(KNOT);
        command.args(["-c", &self.file("knot.conf")]);
        let mut knot = Daemon::start("knotd", &mut command, &self.path().join("knot.log"));
        knot.listens(self.name_server);
        for zone in [".", DOMAINS[0]] {
            let asked = ["@127.0.0.1", "-p", &self.name_server.to_string(), "+short", zone, "SOA"];
            eventually("the zones", || Some(()).filter(|()| !must("kdig", &asked, b"").is_empty()));
        }
        self.knot = Some(knot);
    }

    /// Stops it.
    pub fn stop_name_server(&mut self) {
        self.knot = None;
    }

    /// Runs the resolver.
    pub fn run_resolver(&mut self) {
        let mut command = Command::new(UNBOUND);
        command.args(["-d", "-p", "-c", &self.file("unbound.conf")]);
        let mut unbound = Daemon::start("unbound", &mut command, &self.path().join("unbound.log"));
        unbound.listens(self.resolver);
        self.unbound = Some(unbound);
    }

    /// Stops it.
    pub fn stop_resolver(&mut self) {
        self.unbound = None;
    }

    /// The running resolver.
    pub fn unbound(&self) -> &Daemon {
        self.unbound.as_ref().expect("a resolver that runs")
    }

    /// What a configuration says to look certificates up here, with further keys.
    pub fn services(&self, more: &str) -> String {
        self.services_at(&self.resolver(), more)
    }

    /// The same, with another resolver.
    pub fn services_at(&self, resolver: &str, more: &str) -> String {
        format!(
            "public-keys = [\"smimea\"]\n[tenant.lan.smimea]\nresolvers = [{resolver:?}]\nanchor = {:?}\n{more}\n",
            self.file("root.key")
        )
    }

    fn file(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file");
    }

    fn knot_configuration(&self) -> String {
        let zone = |domain: &str| {
            let signing = if domain == OPEN { "off" } else { "on" };
            format!("  - domain: {domain}\n    file: {domain}.zone\n    dnssec-signing: {signing}\n")
        };
        format!(
            "server:\n    rundir: \"{run}\"\n    listen: 127.0.0.1@{port}\ndatabase:\n    storage: \"{db}\"\n\
             policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    nsec3: on\n\
             template:\n  - id: default\n    storage: \"{storage}\"\n    dnssec-policy: p\n    zonefile-load: difference-no-serial\n    journal-content: all\n    \
             zonefile-sync: -1\n\
             zone:\n{zones}  - domain: .\n    file: root.zone\n    dnssec-signing: on\n",
            run = self.file("run"),
            port = self.name_server,
            db = self.file("db"),
            storage = self.path().display(),
            zones = DOMAINS.map(zone).concat(),
        )
    }

    fn unbound_configuration(&self) -> String {
        // The name server is not on the port that a delegation means.
        let stub =
            |zone: &str| format!("stub-zone:\n  name: \"{zone}\"\n  stub-addr: 127.0.0.1@{}\n", self.name_server);
        format!(
            "server:\n  directory: \"{folder}\"\n  username: \"\"\n  chroot: \"\"\n  interface: 127.0.0.1@{port}\n  \
             do-not-query-localhost: no\n  trust-anchor-file: \"{anchor}\"\n  use-syslog: no\n  do-ip6: no\n\
             remote-control:\n  control-enable: no\n{stubs}",
            folder = self.path().display(),
            port = self.resolver,
            anchor = self.file("root.key"),
            stubs = [".", "peer.example", OPEN, BROKEN].map(stub).concat(),
        )
    }

    /// Has the root say which keys the zones are signed with, and takes its own key as
    /// the trust anchor.
    fn delegate(&self) {
        let configuration = self.file("knot.conf");
        let mut root = ROOT.replace("hostmaster.invalid. 1 ", "hostmaster.invalid. 2 ");
        for domain in DOMAINS {
            if domain == OPEN {
                continue;
            }
            // Keys are made once the server is at work.
            let digest = eventually("the keys of a zone", || {
                let listed = attempt("keymgr", &["-c", &configuration, domain, "ds"], b"").ok()?;
                let listed = String::from_utf8(listed).ok()?;
                listed.lines().find(|line| line.contains(" 13 2 ")).map(str::to_owned)
            });
            let (before, digest) = digest.rsplit_once(' ').expect("a digest");
            let digest = if domain == BROKEN { "0".repeat(digest.len()) } else { digest.to_owned() };
            root.push_str(&format!("{} {digest}\n", before.replace(" DS ", " IN DS ")));
        }
        self.write("root.zone", &root);
        eventually("the server's own socket", || {
            attempt("knotc", &["-b", "-c", &configuration, "zone-reload", "."], b"").ok()
        });
        let asked = ["@127.0.0.1", "-p", &self.name_server.to_string(), "+short", ".", "DNSKEY"];
        let anchor = eventually("the keys of the root", || {
            let answer = String::from_utf8(must("kdig", &asked, b"")).ok()?;
            answer.lines().find(|line| line.starts_with("257 ")).map(|key| format!(". IN DNSKEY {key}\n"))
        });
        self.write("root.key", &anchor);
        let asked = ["@127.0.0.1", "-p", &self.name_server.to_string(), "+short", "peer.example", "DS"];
        eventually("the delegations", || Some(()).filter(|()| !must("kdig", &asked, b"").is_empty()));
    }
}

const OPEN: &str = "open.example";
const BROKEN: &str = "broken.example";
const DOMAINS: [&str; 3] = ["peer.example", OPEN, BROKEN];

const ROOT: &str = "$ORIGIN .\n$TTL 300\n@ SOA ns.invalid. hostmaster.invalid. 1 300 300 3000 1\n@ NS ns.invalid.\n\
                    ns.invalid. A 127.0.0.1\npeer.example. NS ns.invalid.\nopen.example. NS ns.invalid.\n\
                    broken.example. NS ns.invalid.\n";

fn zone(domain: &str, records: &[Record<'_>]) -> String {
    let mut text = format!(
        "$ORIGIN {domain}.\n$TTL 300\n@ SOA ns.invalid. hostmaster.invalid. 1 300 300 3000 1\n@ NS ns.invalid.\n"
    );
    for Record { mailbox, usage, selector, matching, certificate } in records {
        let Some(local) = mailbox.strip_suffix(&format!("@{domain}")) else { continue };
        let der = must("openssl", &["x509", "-in", &pki(&format!("{certificate}.pem")), "-outform", "DER"], b"");
        let data = if *matching == 1 { Sha256::digest(&der).to_vec() } else { der };
        let name = hex(&Sha256::digest(local)[..28]);
        text.push_str(&format!("{name}._smimecert SMIMEA {usage} {selector} {matching} {}\n", hex(&data)));
    }
    text
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
