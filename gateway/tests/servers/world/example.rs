//! An organisation set up by an example of `packaging/examples`: carol and dave at
//! `lan.example`, who log in with their addresses, with their mailboxes and the
//! Internet around them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use tempfile::TempDir;

use super::accounts;
use super::client::PASSWORD;
use super::dovecot::Dovecot;
use super::exim::Exim;
use super::gateway::Gateway;
use super::opensmtpd::{self, CIPHERS, OpenSmtpd};
use super::organisation::possible;
use super::places::{Places, Ports};
use super::postfix::Postfix;
use super::sendmail::{Sendmail, Surroundings};
use super::server::{Hook, Kind, Setup};
use super::sink::Sink;
use super::swaks::{Answer, Swaks};
use crate::support::{must, pki, root};

/// An organisation, but for its mail server.
pub struct Example {
    /// Its name, that of its folder.
    pub name: &'static str,
    kind: Kind,
    /// Wasmime, as the example configures it.
    pub gateway: Gateway,
    /// The mailboxes, and the logins.
    pub dovecot: Dovecot,
    /// Where mail for all others ends.
    pub internet: Sink,
    /// The ports.
    pub places: Places,
    dir: TempDir,
}

impl Example {
    /// Starts all but the mail server, or says that `story` is skipped. The keyring has
    /// the keys of carol and dave, and vouches for alice's certificate.
    pub fn start(story: &str, name: &'static str, kind: Kind) -> Option<Self> {
        if !possible(story, &kind.programs()) {
            return None;
        }
        let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder");
        let wasmime = dir.path().join("wasmime");
        let places = Places::free(&wasmime);
        let configuration = places.put_into(&file(name, "wasmime.toml"));
        let listening = [places.milter, places.leaving, places.arriving];
        let listening = listening.into_iter().filter(|port| configuration.contains(&format!(":{port}\"")));
        let mut gateway = Gateway::new(&wasmime, &configuration, listening.collect());
        gateway.keys("example", &["carol", "dave"], &[]);
        gateway.call(&["keys", "import", "--pin", &pki("alice.pem")]);
        gateway.start();
        Some(Self { name, kind, gateway, dovecot: Dovecot::start(dir.path()), internet: Sink::start(), places, dir })
    }

    /// The throw-away folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file of the example, with the places of this test.
    pub fn file(&self, file_name: &str) -> String {
        self.places.put_into(&file(self.name, file_name))
    }

    /// Makes a certificate for TLS: the files of the certificate and its key.
    pub fn certificate(&self) -> (String, String) {
        let [certificate, key] = ["tls.pem", "tls.key"].map(|name| self.path().join(name).display().to_string());
        let new = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=mail.lan.example",
            "-days",
            "2",
        ];
        must("openssl", &[&new[..], &["-out", &certificate, "-keyout", &key]].concat(), b"");
        (certificate, key)
    }

    /// Starts Postfix with the lines of the example.
    pub fn postfix(&self) -> Postfix {
        let etc = self.path().join("postfix/etc");
        fs::create_dir_all(&etc).expect("a folder");
        for name in ["login_senders", "sender_logins"] {
            let lines = root().join("packaging/examples").join(self.name).join(name);
            if lines.exists() {
                fs::write(etc.join(name), self.file(name)).expect("a table");
            }
        }
        let (certificate, key) = self.certificate();
        let ours = format!(
            "smtpd_tls_cert_file = {certificate}\nsmtpd_tls_key_file = {key}\nsmtpd_tls_security_level = may\n\
             smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n"
        );
        let main = self.file("main.cf").replace("/etc/postfix/", &format!("{}/", etc.display()));
        let service = |line: &str| match line.split_once(' ') {
            Some(("smtp", rest)) if rest.contains("inet") => format!("127.0.0.1:{} {rest}\n", self.places.server.mx),
            Some(("submission", rest)) => format!("127.0.0.1:{} {rest}\n", self.places.server.submission),
            _ => format!("{line}\n"),
        };
        let setup = Setup {
            ports: self.places.server,
            domain: "lan.example",
            mailboxes: ["carol", "dave"].map(|user| format!("{user}@lan.example")).to_vec(),
            boxes: self.dovecot.lmtp(),
            logins: Some(self.dovecot.logins()),
            correspondent: "peer.example",
            wire: self.internet.port(),
            outbound: Hook::Open,
            inbound: Hook::Open,
            gateway: self.gateway.path().to_owned(),
            main: ours + &main,
            master: self.file("master.cf").lines().map(service).collect(),
        };
        Postfix::start(self.path(), &setup)
    }

    /// Starts Exim with the parts of the example, and what it leaves to others behind them.
    pub fn exim(&self) -> Exim {
        let example = self.file("exim.conf").replace("0.0.0.0.", "127.0.0.1.");
        let parts: Vec<&str> = example.split("begin ").collect();
        let [main, acl, routers, transports] = parts[..] else { panic!("other parts: {example}") };
        let (certificate, key) = self.certificate();
        chown(&key, Some(accounts::id("Debian-exim")), None).expect("to be root");
        let (boxes, internet) = (self.dovecot.lmtp(), self.internet.port());
        Exim::configured(self.path(), self.places.server, |_| {
            format!(
                "{main}primary_hostname = mail.lan.example
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
begin {acl}begin {routers}
boxes:
  driver = manualroute
  domains = lan.example
  route_list = * 127.0.0.1
  self = send
  transport = boxes
internet:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = internet
begin {transports}
boxes:
  driver = smtp
  protocol = lmtp
  port = {boxes}
  allow_localhost
internet:
  driver = smtp
  port = {internet}
  allow_localhost
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{{PASSWORD}}}}}
  server_set_id = $auth2
begin retry
* * F,1h,1s
"
            )
        })
    }

    /// Starts OpenSMTPD with the configuration of the example; mailboxes are elsewhere
    /// than it says, and the Internet is.
    pub fn opensmtpd(&self) -> OpenSmtpd {
        let (certificate, key) = self.certificate();
        let file = |name: &str| self.path().join(name).display().to_string();
        let (logins, senders, aliases) = (file("logins"), file("senders"), file("aliases"));
        let sealed = must("openssl", &["passwd", "-6", PASSWORD], b"");
        let login = |user: &str| format!("{user}@lan.example {}", String::from_utf8_lossy(&sealed));
        fs::write(&logins, ["carol", "dave"].map(login).concat()).expect("a table");
        let addresses = self.file("senders").replace("alice", "carol").replace("bob", "dave");
        fs::write(&senders, addresses).expect("a table");
        fs::write(&aliases, "").expect("a table");
        let (boxes, internet) = (self.dovecot.lmtp(), self.internet.port());
        let mut configuration = self.file("smtpd.conf");
        for (theirs, ours) in [
            ("/etc/smtpd/logins", logins.as_str()),
            ("/etc/smtpd/senders", &senders),
            ("/etc/aliases", &aliases),
            ("/etc/ssl/mail.lan.example.pem", &certificate),
            ("/etc/ssl/private/mail.lan.example.key", &key),
            ("listen on eth0", "listen on 127.0.0.1"),
            ("listen on lo ", "listen on 127.0.0.1 "),
            ("maildir alias <aliases>", &format!("relay host \"lmtp://127.0.0.1:{boxes}\"")),
            ("relay helo", &format!("relay host \"smtp://127.0.0.1:{internet}\" helo")),
        ] {
            assert!(configuration.contains(theirs), "no {theirs}: {configuration}");
            configuration = configuration.replace(theirs, ours);
        }
        OpenSmtpd::configured(self.path(), self.places.server, &format!("{CIPHERS}{configuration}"))
    }

    /// Starts Sendmail with the lines of the example. It knows no logins here; its users
    /// are on the host, who send for the tenant without.
    pub fn sendmail(&self) -> Sendmail {
        let Ports { submission, mx, .. } = self.places.server;
        let example = self.file("wasmime.mc").replace("Port=smtp,", &format!("Addr=127.0.0.1, Port={mx},"));
        let lines = format!("{example}DAEMON_OPTIONS(`Addr=127.0.0.1, Port={submission}, Name=users')\n");
        let (boxes, wire) = (self.dovecot.lmtp(), self.internet.port());
        let around = Surroundings { domain: "lan.example", boxes, wire };
        Sendmail::configured(self.path(), self.places.server, &around, &lines)
    }

    /// Somebody, who logs in or does not, sends a message to alice, by TLS.
    pub fn sends(&self, login: Option<&str>, from: &str, message: &[u8]) -> Answer {
        let (port, to) = (self.places.server.submission, "alice@peer.example");
        match self.kind {
            Kind::OpenSmtpd => opensmtpd::submit(port, login, from, to, message),
            Kind::Sendmail => Swaks { port, from, to: &[to], login: None, options: &[] }.send(message),
            _ => Swaks { port, from, to: &[to], login, options: &["--tls"] }.send(message),
        }
    }

    /// A server of the Internet brings a message for carol.
    pub fn arrives(&self, from: &str, message: &[u8]) -> Answer {
        let to: &[&str] = &["carol@lan.example"];
        Swaks { port: self.places.server.mx, from, to, login: None, options: &[] }.send(message)
    }
}

/// A file of an example.
fn file(name: &str, file: &str) -> String {
    let path = root().join("packaging/examples").join(name).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
