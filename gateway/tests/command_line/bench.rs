//! A folder with a configuration, and the program called in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Two organisations, each with a keyring of its own.
pub const BOTH: &str = "[tenant.nec]\ndomains = [\"nec.co.jp\"]\n[tenant.abc]\ndomains = [\"abc.com\"]\n";

/// A folder with a configuration.
pub struct Bench {
    folder: TempDir,
}

/// What a call came to.
pub struct Done {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

impl Bench {
    /// A folder with this configuration.
    pub fn new(configuration: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("wasmime.toml", configuration.as_bytes());
        bench
    }

    /// Two organisations whose users know each other's keys.
    pub fn acquainted() -> Self {
        let bench = Self::new(BOTH);
        for (tenant, address, other) in [("nec", "taro@nec.co.jp", "abc"), ("abc", "alice@abc.com", "nec")] {
            bench.keys("generate", tenant, &["--address", address, "--algorithm", "rsa2048"]).good();
            let exported = bench.keys("export", tenant, &["--address", address]).good();
            bench.write("exported.pem", &exported.out);
            bench.keys("import", other, &["--pin", "exported.pem"]).good();
        }
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, octets: &[u8]) {
        fs::write(self.path(name), octets).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Calls the program.
    pub fn call(&self, arguments: &[&str], input: &[u8]) -> Done {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmime"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            // The component is compiled once for all tests.
            .env("WASMIME_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
            .args(arguments);
        run(command, input)
    }

    /// Calls `wasmime keys`.
    pub fn keys(&self, what: &str, tenant: &str, arguments: &[&str]) -> Done {
        self.call(&[&["keys", what, "--config", "wasmime.toml", "--tenant", tenant], arguments].concat(), b"")
    }

    /// Calls `wasmime process`.
    pub fn process(&self, direction: &str, from: &str, to: &[&str], arguments: &[&str], message: &[u8]) -> Done {
        let mut all = vec!["process", "--config", "wasmime.toml", "--direction", direction, "--mail-from", from];
        all.extend(to.iter().flat_map(|to| ["--rcpt-to", to]));
        all.extend(arguments);
        self.call(&all, message)
    }
}

impl Done {
    /// That it ended well.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.status, 0, "{}{}", self.text(), self.err);
        self
    }

    /// That it ended with this status, and said this on standard error.
    #[track_caller]
    pub fn bad(&self, status: i32, says: &str) {
        assert!(self.err.contains(says), "{} {}\ndoes not say: {says}", self.text(), self.err);
        assert_eq!(self.status, status, "{}", self.err);
        assert!(self.out.is_empty(), "{}", self.text());
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Standard output as one JSON value, and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.text(), self.err))
    }
}

/// Calls OpenSSL in the folder of a bench; none, said aloud, where there is none.
pub fn openssl(bench: &Bench, arguments: &str) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.current_dir(bench.folder.path()).args(arguments.split_whitespace());
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("a test of formats", "openssl is not installed (make peers)");
        return None;
    }
    let done = run(command, b"");
    assert_eq!(done.status, 0, "openssl {arguments}: {}", done.err);
    Some(done.out)
}

/// Says aloud that a test, or a part of one, is skipped: past the capture of the
/// test runner.
pub fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr().lock(), "skipped: {test}: {why}");
}

fn run(mut command: Command, input: &[u8]) -> Done {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    // A program that ends before it has read all is no fault of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Done {
        status: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The folder of keys and certificates that tests share.
pub fn pki(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pki").join(name).to_str().unwrap().to_owned()
}
