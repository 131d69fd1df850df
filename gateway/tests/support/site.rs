//! A place to run the program in: a configuration with its keyrings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use super::{pki, run};

/// A folder with a configuration of one tenant, `lan.example`: carol and dave
/// have private keys, and the certificates of their correspondents are filed.
pub struct Site {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

/// What the program made of a message.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status.
    pub status: i32,
    /// The object that it printed.
    pub json: Value,
    /// The deliveries, in order.
    pub deliveries: Vec<Delivery>,
}

/// One delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Who gets it.
    pub recipients: Vec<String>,
    /// Whether the message was left as it came.
    pub unchanged: bool,
    /// The message that they get.
    pub bytes: Vec<u8>,
}

impl Site {
    /// A site with the policy of [`POLICY`].
    pub fn new() -> Self {
        Self::with(POLICY)
    }

    /// A site with a policy given as TOML: the tables of `tenant.lan`.
    pub fn with(policy: &str) -> Self {
        let site = Self { dir: TempDir::new().expect("a temporary folder"), environment: Vec::new() };
        for entry in fs::read_dir(KEYS.path()).expect("the keyrings") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), site.path().join(entry.file_name())).expect("a copy");
        }
        site.configure(policy);
        site
    }

    /// A site whose keyring has nothing but what the test imports.
    pub fn empty(policy: &str) -> Self {
        let site = Self { dir: TempDir::new().expect("a temporary folder"), environment: Vec::new() };
        site.configure(policy);
        site
    }

    /// A site with a configuration of its own.
    pub fn configured(config: &str) -> Self {
        let site = Self { dir: TempDir::new().expect("a temporary folder"), environment: Vec::new() };
        fs::write(site.path().join("wasmime.toml"), config).expect("the configuration");
        site
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The program, called in the folder and the environment of the site.
    pub fn wasmime(&self) -> Command {
        let mut command = wasmime(self.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Has the program run with a variable in the environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    fn configure(&self, policy: &str) {
        let anchor = pki("ca.pem");
        let config = format!(
            "[tenant.lan]\ndomains = [\"lan.example\"]\nkeyring = \"lan.keyring\"\nanchors = [{anchor:?}]\n{policy}\n"
        );
        fs::write(self.path().join("wasmime.toml"), config).expect("the configuration");
    }

    /// Calls `wasmime keys import` with further arguments, which must succeed.
    pub fn import(&self, args: &[&str]) {
        let output = run(
            wasmime(self.path()).args(["keys", "import", "--config", "wasmime.toml", "--tenant", "lan"]).args(args),
            b"",
        );
        assert!(output.status.success(), "keys import {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Imports a PKCS #12 file, and files it under `owner`.
    pub fn import_p12_for(&self, owner: &str, file: &Path, password: &str) {
        let kept = self.path().join("password");
        fs::write(&kept, password).expect("a file");
        self.import(&["--address", owner, "--password-file", &kept.display().to_string(), &file.display().to_string()]);
    }

    /// A message from outside. The null reverse-path is `""`.
    pub fn inbound(&self, from: &str, to: &[&str], message: &[u8]) -> Outcome {
        self.process("inbound", &[], from, to, message)
    }

    /// A message that its sender submitted.
    pub fn outbound(&self, from: &str, to: &[&str], message: &[u8]) -> Outcome {
        self.process("outbound", &["--submitter", from], from, to, message)
    }

    /// A message, with further arguments.
    pub fn process(&self, direction: &str, args: &[&str], from: &str, to: &[&str], message: &[u8]) -> Outcome {
        let out = TempDir::new_in(self.path()).expect("a folder for the deliveries");
        let mut command = self.wasmime();
        command.args(["process", "--config", "wasmime.toml", "--direction", direction, "--mail-from", from]);
        for recipient in to {
            command.args(["--rcpt-to", recipient]);
        }
        command.args(args).arg("--output").arg(out.path());
        let output = run(&mut command, message);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            panic!("{e}: {}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        });
        let deliveries = read_deliveries(&json, self.path(), message);
        let outcome = Outcome { status: output.status.code().unwrap_or(-1), json, deliveries };
        outcome.check(to, out.path());
        outcome
    }
}

/// The program, called in the folder `dir`.
pub fn wasmime(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmime"));
    // One place for the compiled component, which is not the user's own.
    command.current_dir(dir).env("NO_COLOR", "1").env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn read_deliveries(json: &Value, dir: &Path, message: &[u8]) -> Vec<Delivery> {
    let none = Vec::new();
    let list = json["deliveries"].as_array().unwrap_or(&none);
    list.iter()
        .map(|delivery| {
            let recipients = delivery["recipients"].as_array().expect("recipients");
            let bytes = match delivery["file"].as_str() {
                Some(file) => fs::read(dir.join(file)).expect("a delivery"),
                None => message.to_vec(),
            };
            Delivery {
                recipients: recipients.iter().map(|r| r.as_str().expect("a mailbox").to_owned()).collect(),
                unchanged: delivery["content"] == "unchanged",
                bytes,
            }
        })
        .collect()
}

impl Outcome {
    /// What always holds: verdict and exit status agree, every recipient is in
    /// exactly one delivery, and a refusal leaves no file behind.
    fn check(&self, to: &[&str], out: &Path) {
        let status = match self.json["verdict"].as_str() {
            Some("deliver") => 0,
            Some("reject") => 77,
            Some("defer") => 75,
            other => panic!("verdict {other:?}: {}", self.json),
        };
        assert_eq!(self.status, status, "{}", self.json);
        if status == 0 {
            let mut covered: Vec<&str> =
                self.deliveries.iter().flat_map(|d| d.recipients.iter().map(String::as_str)).collect();
            let mut wanted = to.to_vec();
            covered.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(covered, wanted, "{}", self.json);
        } else {
            assert!(self.deliveries.is_empty(), "{}", self.json);
            let left: Vec<PathBuf> =
                fs::read_dir(out).expect("the folder").map(|e| e.expect("an entry").path()).collect();
            assert!(left.is_empty(), "a refusal left {left:?} behind");
        }
    }

    /// The reply, as in `550 5.7.7`; empty for a delivery.
    pub fn reply(&self) -> String {
        match (self.json["reply"]["code"].as_u64(), self.json["reply"]["status"].as_str()) {
            (Some(code), Some(status)) => format!("{code} {status}"),
            _ => String::new(),
        }
    }

    /// What the client reads after the codes.
    pub fn text(&self) -> &str {
        self.json["reply"]["text"].as_str().unwrap_or_default()
    }

    /// How often a private key was used.
    pub fn private_key_operations(&self) -> u64 {
        self.json["private-key-operations"].as_u64().expect("private-key-operations")
    }

    /// Whether an event or a field of one mentions `word`.
    pub fn mentions(&self, word: &str) -> bool {
        self.json["events"].to_string().contains(word)
    }

    /// The one delivery there must be.
    #[track_caller]
    pub fn delivered(&self) -> &Delivery {
        match self.deliveries.as_slice() {
            [one] => one,
            _ => panic!("one delivery was expected: {}", self.json),
        }
    }

    /// Asserts a refusal by its codes, as in `550 5.7.7`.
    #[track_caller]
    pub fn refused(&self, reply: &str) -> &Self {
        assert_eq!(self.reply(), reply, "{}", self.json);
        self
    }

    /// Asserts that no private key was used.
    #[track_caller]
    pub fn without_key(&self) -> &Self {
        assert_eq!(self.private_key_operations(), 0, "{}", self.json);
        self
    }
}

/// All protection is wanted, and mail without it is let through, marked.
pub const POLICY: &str = r#"
[tenant.lan.outbound]
sign = "required"
encrypt = "required"
[tenant.lan.inbound]
verify = "opportunistic"
decrypt = "opportunistic"
authserv-id = "mail.lan.example"
"#;

/// Only mail with a trusted signature of its author comes in.
pub const STRICT: &str = r#"
[tenant.lan.inbound]
verify = "required"
authserv-id = "mail.lan.example"
"#;

/// What was decrypted is delivered though nothing proves it.
pub const TRUSTING: &str = r#"
[tenant.lan.inbound]
verify = "opportunistic"
accept-unauthenticated = true
authserv-id = "mail.lan.example"
"#;

/// A folder with the keyring that [`Site::with`] copies, made once.
static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let site = Site::empty(POLICY);
    for insider in ["carol", "dave"] {
        site.import(&[&pki(&format!("{insider}.pem")), &pki(&format!("{insider}.key"))]);
    }
    let outsiders = ["alice", "bob", "mallory", "erin", "frank"].map(|name| pki(&format!("{name}.pem")));
    site.import(&outsiders.each_ref().map(String::as_str));
    site.dir
});
