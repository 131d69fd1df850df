//! A real key management server: PyKMIP, in a folder of its own.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::support::{have, must, pki, root, run};
use crate::{ports, tls};

/// A server with its keys.
pub struct KmipServer {
    folder: TempDir,
    port: u16,
    daemon: Option<Daemon>,
    certificate: &'static str,
}

/// An object to be registered: a command of `register.py`.
pub type Registered<'a> = [&'a str; 4];

impl KmipServer {
    /// Starts a server without keys; none, said aloud, where it is not installed.
    pub fn start(test: &str) -> Option<Self> {
        let program = program("pykmip-server");
        if !have(test, &["openssl", &program.display().to_string()]) {
            return None;
        }
        let folder = TempDir::new().expect("a temporary folder");
        tls::make(folder.path());
        fs::create_dir(folder.path().join("policy")).expect("a folder");
        let mut server = Self { folder, port: ports::free(), daemon: None, certificate: "server" };
        server.run();
        Some(server)
    }

    /// Starts it again on its port.
    pub fn run(&mut self) {
        self.run_with("server");
    }

    /// Starts it again, with another certificate.
    pub fn run_with(&mut self, certificate: &'static str) {
        self.certificate = certificate;
        let path = |file: &str| self.path().join(file).display().to_string();
        let configuration = format!(
            "[server]\nhostname=127.0.0.1\nport={}\ncertificate_path={}\nkey_path={}\nca_path={}\nauth_suite=TLS1.2\n\
             policy_path={}\nenable_tls_client_auth=True\nlogging_level=INFO\ndatabase_path={}\n",
            self.port,
            path(&format!("{certificate}.pem")),
            path(&format!("{certificate}.key")),
            path("ca.pem"),
            path("policy"),
            path("db.sqlite"),
        );
        fs::write(self.path().join("server.conf"), configuration).expect("a configuration");
        let mut command = Command::new(program("pykmip-server"));
        command.args(["-f", &path("server.conf"), "-l", &path("server.log")]).env("PYTHONWARNINGS", "ignore");
        command.process_group(0);
        let mut daemon = Daemon::start("PyKMIP", &mut command, &self.path().join("output"));
        daemon.listens(self.port);
        self.daemon = Some(daemon);
    }

    /// Stops it, and the process that it has for its policies, at once: asked to, it
    /// takes seconds.
    pub fn stop(&mut self) {
        let Some(daemon) = self.daemon.take() else { return };
        if let Some(group) = i32::try_from(daemon.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).expect("processes to kill");
        }
    }

    /// The process.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    /// How often it was asked for an operation.
    pub fn count(&self, operation: &str) -> usize {
        let log = fs::read_to_string(self.path().join("server.log")).expect("a log");
        log.lines().filter(|line| line.ends_with(&format!("Processing operation: {operation}"))).count()
    }

    /// Its folder, with the files of `tls`.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has it do what commands of `register.py` say.
    pub fn register(&self, objects: &[Registered<'_>]) {
        let mut command = Command::new(program("python"));
        command.arg(root().join("gateway/tests/services/register.py")).arg(self.port.to_string()).arg(self.path());
        command.args(objects.iter().flatten());
        let output = run(&mut command, b"");
        assert!(output.status.success(), "register.py: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Files the key and the certificate of somebody of `tests/pki` under `address`.
    pub fn register_identity(&self, name: &str, address: &str) {
        let (key, certificate) = (self.key(name), self.certificate(name));
        self.register(&[["key", address, &key, "pkcs8"], ["certificate", address, &certificate, "-"]]);
    }

    /// The DER of a private key of `tests/pki`, as PKCS #8.
    pub fn key(&self, name: &str) -> String {
        let der = self.path().join(format!("{name}.p8")).display().to_string();
        let key = pki(&format!("{name}.key"));
        must("openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &der], b"");
        der
    }

    /// The DER of a private key of `tests/pki`, as PKCS #1.
    pub fn pkcs1_key(&self, name: &str) -> String {
        let der = self.path().join(format!("{name}.p1")).display().to_string();
        let key = pki(&format!("{name}.key"));
        must("openssl", &["rsa", "-traditional", "-in", &key, "-outform", "DER", "-out", &der], b"");
        der
    }

    /// The DER of a certificate of `tests/pki`.
    pub fn certificate(&self, name: &str) -> String {
        let der = self.path().join(format!("{name}.der")).display().to_string();
        let certificate = pki(&format!("{name}.pem"));
        must("openssl", &["x509", "-in", &certificate, "-outform", "DER", "-out", &der], b"");
        der
    }

    /// What makes a tenant ask this server, with `more` keys of its table.
    pub fn services(&self, more: &str) -> String {
        self.services_at(&[self.port], more)
    }

    /// What makes a tenant ask servers at other ports, as this client.
    pub fn services_at(&self, ports: &[u16], more: &str) -> String {
        let servers: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let path = |file: &str| self.path().join(file);
        format!(
            "private-keys = [\"kmip\"]\n[tenant.lan.kmip]\nservers = {servers:?}\nca = {:?}\ncertificate = {:?}\n\
             key = {:?}\n{more}\n",
            path("ca.pem"),
            path("client.pem"),
            path("client.key"),
        )
    }
}

impl Drop for KmipServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program of the Python environment that `tools/peers` makes.
fn program(name: &str) -> PathBuf {
    root().join("target/pykmip/bin").join(name)
}
