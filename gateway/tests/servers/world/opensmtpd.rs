//! OpenSMTPD, below a folder.

use std::fs::{self, Permissions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::client::Client;
use super::daemon::Daemon;
use super::places::Ports;
use super::server::{Hook, Setup, unpacked};
use super::swaks::Answer;

/// A running instance.
pub struct OpenSmtpd {
    _daemon: Daemon,
}

impl OpenSmtpd {
    /// Starts it, and waits until it listens.
    pub fn start(dir: &Path, setup: &Setup) -> Self {
        Self::configured(dir, setup.ports, &configuration(setup))
    }

    /// Starts it with this configuration, and waits until it listens.
    pub fn configured(dir: &Path, ports: Ports, configuration: &str) -> Self {
        let dir = dir.join("opensmtpd");
        for folder in ["", "spool", "run", "root", "root/empty"] {
            fs::create_dir(dir.join(folder)).expect("a folder");
        }
        fs::set_permissions(dir.join("spool"), Permissions::from_mode(0o711)).expect("a mode");
        let file = dir.join("smtpd.conf");
        fs::write(&file, configuration).expect("its configuration");
        // In a name space of its own: its folders are compiled into it.
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNTS]).arg(&dir);
        command.arg(unpacked("usr/sbin/smtpd")).arg("-d").arg("-f").arg(&file);
        let mut daemon = Daemon::start("opensmtpd", &mut command, &dir.join("log"));
        for port in [ports.submission, ports.mx, ports.reinjection] {
            daemon.listens(port);
        }
        Self { _daemon: daemon }
    }
}

/// Goes before a configuration with TLS: OpenSMTPD 6.8 cannot use a private key with
/// OpenSSL 3, so that there is TLS only where nobody shows a certificate.
pub const CIPHERS: &str = "smtp ciphers \"aNULL:@SECLEVEL=0\"\n";

/// A user sends a message by [such TLS](CIPHERS), which swaks does not speak.
pub fn submit(port: u16, login: Option<&str>, from: &str, to: &str, message: &[u8]) -> Answer {
    let mut client = Client::greeted(BufReader::new(AnonymousTls::connect(port))).expect("a server");
    let mut told = login.map(|login| client.login(login)).into_iter().collect::<Vec<_>>();
    told.extend([format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>")].map(|command| client.says(&command)));
    told.push(client.data(message));
    let told: Vec<String> = told.into_iter().map(|reply| reply.expect("a reply")).collect();
    Answer { accepted: told.iter().all(|reply| reply.starts_with('2')), dialogue: told.concat() }
}

/// A connection by way of OpenSSL, which ends with it.
struct AnonymousTls(Child);

impl AnonymousTls {
    /// Connects to a port of 127.0.0.1. What the server says before TLS OpenSSL reads.
    fn connect(port: u16) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-starttls", "smtp", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"]);
        command.args(["-connect", &format!("127.0.0.1:{port}")]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Self(child.expect("openssl"))
    }
}

impl Read for AnonymousTls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.stdout.as_mut().expect("a pipe").read(buffer)
    }
}

impl Write for AnonymousTls {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.stdin.as_mut().expect("a pipe").write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.stdin.as_mut().expect("a pipe").flush()
    }
}

impl Drop for AnonymousTls {
    fn drop(&mut self) {
        // One that has ended meanwhile needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Puts folders of the test where OpenSMTPD looks for its own.
const MOUNTS: &str = "set -e
mkdir -p /var/spool/smtpd /var/lib/opensmtpd
mount --bind \"$0/spool\" /var/spool/smtpd
mount --bind \"$0/root\" /var/lib/opensmtpd
mount --bind \"$0/run\" /run
exec \"$@\"
";

fn configuration(setup: &Setup) -> String {
    let Setup { ports, domain, boxes, wire, .. } = setup;
    let (submission, mx, reinjection) = (ports.submission, ports.mx, ports.reinjection);
    let filter = match setup.outbound {
        Hook::Smtp(port) => format!("smtp://127.0.0.1:{port}"),
        Hook::Lmtp(port) => format!("lmtp://127.0.0.1:{port}"),
        other => panic!("OpenSMTPD has no {other:?}"),
    };
    format!(
        "listen on 127.0.0.1 port {submission} hostname mx.{domain} tag users
listen on 127.0.0.1 port {mx} hostname mx.{domain} tag internet
listen on 127.0.0.1 port {reinjection} hostname mx.{domain} tag filtered
smtp max-message-size 50M
action \"gateway\" relay host \"{filter}\"
action \"wire\" relay host \"smtp://127.0.0.1:{wire}\"
action \"boxes\" relay host \"lmtp://127.0.0.1:{boxes}\"
match tag users from any for any action \"gateway\"
match tag filtered from any for domain \"{domain}\" action \"boxes\"
match tag filtered from any for any action \"wire\"
match tag internet from any for domain \"{domain}\" action \"boxes\"
"
    )
}
