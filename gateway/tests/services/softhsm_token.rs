//! A real token: SoftHSM, in a folder of its own, behind p11-kit, which stands
//! between the token and its user as the network does between a hardware module
//! and its user.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::daemon::{Daemon, eventually};
use crate::support::{have, must, pki, run, skipped};

/// A token called `smime` with the PIN 1234.
pub struct Token {
    folder: PathBuf,
    /// The folder, if it goes with the token.
    _temporary: Option<TempDir>,
    server: Option<Daemon>,
}

impl Token {
    /// Makes a token without keys; none, said aloud, where SoftHSM is not installed.
    pub fn make(test: &str) -> Option<Self> {
        if !have(test, &["openssl", "softhsm2-util", "pkcs11-tool", "p11-kit", SOFTHSM]) {
            return None;
        }
        if client().is_none() {
            skipped(test, "p11-kit-client.so missing (make peers)");
            return None;
        }
        let temporary = TempDir::new().expect("a temporary folder");
        let token = Self { folder: temporary.path().to_owned(), _temporary: Some(temporary), server: None };
        let tokens = token.path().join("tokens");
        let configuration =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        fs::write(token.path().join("softhsm2.conf"), configuration).expect("a configuration");
        token.write_pin("1234");
        token.initialise();
        Some(token)
    }

    /// The token that was made in a folder.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _temporary: None, server: None }
    }

    /// Makes the token, in place of one that was removed.
    pub fn initialise(&self) {
        fs::create_dir_all(self.path().join("tokens")).expect("a folder");
        self.softhsm(&["--init-token", "--free", "--label", "smime", "--pin", "1234", "--so-pin", "5678"]);
    }

    /// Removes the token.
    pub fn remove(&self) {
        fs::remove_dir_all(self.path().join("tokens")).expect("the tokens");
        fs::create_dir(self.path().join("tokens")).expect("a folder");
    }

    /// Writes the file with the PIN.
    pub fn write_pin(&self, pin: &str) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.path().join("pin");
        fs::write(&file, pin).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("for its owner alone");
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Imports the private key of somebody of `tests/pki`.
    pub fn import_key(&self, name: &str, label: &str, id: &str) {
        let p8 = self.path().join(format!("{name}.p8")).display().to_string();
        must("openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", &pki(&format!("{name}.key")), "-out", &p8], b"");
        self.import_file(&p8, label, id);
    }

    /// Imports the private key of a file of PKCS #8, in PEM.
    pub fn import_file(&self, p8: &str, label: &str, id: &str) {
        self.softhsm(&["--import", p8, "--token", "smime", "--label", label, "--id", id, "--pin", "1234"]);
    }

    /// Imports the key pair of somebody of `tests/pki` that is on a curve, for both
    /// uses, with the certificate.
    pub fn import_curve(&self, name: &str, address: &str, id: &str) {
        for (class, option) in [("privkey", &[][..]), ("pubkey", &["-pubout"][..])] {
            let der = self.path().join(format!("{name}.{class}")).display().to_string();
            let key = pki(&format!("{name}.key"));
            must("openssl", &[&["pkey", "-in", &key, "-outform", "DER", "-out", &der][..], option].concat(), b"");
            self.write_object(class, &der, address, id, &["--usage-sign", "--usage-derive"]);
        }
        self.import_certificate(name, address, id);
    }

    /// Generates a key of a type of `pkcs11-tool` in the token.
    pub fn generate(&self, key_type: &str, label: &str, id: &str) {
        self.tool(&["--keypairgen", "--key-type", key_type, "--usage-sign", "--label", label, "--id", id]);
    }

    /// Imports the certificate of somebody of `tests/pki`.
    pub fn import_certificate(&self, name: &str, label: &str, id: &str) {
        let der = self.path().join(format!("{name}.der")).display().to_string();
        let certificate = pki(&format!("{name}.pem"));
        must("openssl", &["x509", "-in", &certificate, "-outform", "DER", "-out", &der], b"");
        self.write_object("cert", &der, label, id, &[]);
    }

    /// Writes an object, from a file of DER.
    pub fn write_object(&self, class: &str, der: &str, label: &str, id: &str, options: &[&str]) {
        self.tool(&[&["--write-object", der, "--type", class, "--label", label, "--id", id][..], options].concat());
    }

    fn tool(&self, args: &[&str]) {
        let mut command = Command::new("pkcs11-tool");
        command.args(["--module", SOFTHSM, "--login", "--pin", "1234", "--token-label", "smime"]);
        self.must(command.args(args));
    }

    /// Imports both for `address`.
    pub fn import(&self, name: &str, address: &str) {
        self.import_key(name, address, "01");
        self.import_certificate(name, address, "01");
    }

    fn softhsm(&self, args: &[&str]) {
        self.must(Command::new("softhsm2-util").args(args));
    }

    fn must(&self, command: &mut Command) {
        let output = run(command.env("SOFTHSM2_CONF", self.configuration()), b"");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What SoftHSM has to find in its environment, `SOFTHSM2_CONF`.
    pub fn configuration(&self) -> PathBuf {
        self.path().join("softhsm2.conf")
    }

    /// Puts the token behind a server; the module that asks it finds that in its
    /// environment, [`Token::environment`].
    pub fn serve(&mut self) {
        // One that was killed leaves its socket behind.
        let _ = fs::remove_file(self.socket());
        let mut command = Command::new("p11-kit");
        command.args(["server", "--foreground", "--provider", SOFTHSM, "--name"]).arg(self.socket());
        command.arg("pkcs11:token=smime").env("SOFTHSM2_CONF", self.configuration()).process_group(0);
        self.server = Some(Daemon::start("p11-kit", &mut command, &self.path().join("server.log")));
        eventually("the socket of p11-kit", || self.socket().exists().then_some(()));
    }

    /// Sends a signal to the server and to the processes that it has for each user.
    pub fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("it serves");
        let group = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process_group(group, signal).expect("processes to signal");
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.server = None;
    }

    /// The socket of the server.
    pub fn socket(&self) -> PathBuf {
        self.path().join("p11-kit.sock")
    }

    /// What the program has to find in its environment.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        self.environment_at(&self.socket())
    }

    /// The same, where the server is to be found at another socket.
    pub fn environment_at(&self, socket: &Path) -> [(&'static str, String); 2] {
        [
            ("SOFTHSM2_CONF", self.configuration().display().to_string()),
            ("P11_KIT_SERVER_ADDRESS", format!("unix:path={}", socket.display())),
        ]
    }

    /// What makes a tenant ask the token itself, with `more` keys of its table.
    pub fn services(&self, more: &str) -> String {
        self.services_by(Path::new(SOFTHSM), more)
    }

    /// What makes a tenant ask the token by way of the server.
    pub fn services_by_server(&self, more: &str) -> String {
        self.services_by(&client().expect("a module"), more)
    }

    fn services_by(&self, module: &Path, more: &str) -> String {
        format!(
            "private-keys = [\"pkcs11\"]\n[tenant.lan.pkcs11]\nmodule = {module:?}\ntoken = \"smime\"\npin-file = {:?}\n{more}\n",
            self.path().join("pin")
        )
    }
}

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// The module of p11-kit that asks a server: where the machine has it.
pub fn client() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("pkcs11/p11-kit-client.so")).find(|module| module.exists())
}

impl Drop for Token {
    fn drop(&mut self) {
        // What the server started may outlive it.
        if self.server.is_some() {
            self.kill();
        }
    }
}
