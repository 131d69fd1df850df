//! Wasmime, as the process that a postmaster runs.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::daemon::{Daemon, eventually};
use crate::support::{pki, run, wasmime};

/// A configuration, and the gateway that runs it.
pub struct Gateway {
    dir: PathBuf,
    ports: Vec<u16>,
    environment: Vec<(String, String)>,
    daemon: Option<Daemon>,
}

impl Gateway {
    /// A folder with a configuration; nothing runs yet. `ports` are those that
    /// the gateway will listen on.
    pub fn new(dir: &Path, configuration: &str, ports: Vec<u16>) -> Self {
        fs::create_dir_all(dir.join("state")).expect("a folder");
        fs::write(dir.join("wasmime.toml"), configuration).expect("the configuration");
        Self { dir: dir.to_owned(), ports, environment: Vec::new(), daemon: None }
    }

    /// Runs it with a variable in its environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Files the pair of keys that `tests/pki` has for each of `insiders`, and
    /// the certificate of each of `outsiders`.
    pub fn keys(&self, tenant: &str, insiders: &[&str], outsiders: &[&str]) {
        let pairs = insiders.iter().flat_map(|name| [pki(&format!("{name}.pem")), pki(&format!("{name}.key"))]);
        let certificates = outsiders.iter().map(|name| pki(&format!("{name}.pem")));
        let files: Vec<String> = pairs.chain(certificates).collect();
        let mut args = vec!["keys", "import", "--tenant", tenant];
        args.extend(files.iter().map(String::as_str));
        self.call(&args);
    }

    /// Calls the program with this configuration. What it prints.
    #[track_caller]
    pub fn call(&self, args: &[&str]) -> String {
        let (command, rest) = args.split_at(args.len().min(2));
        let mut program = wasmime(&self.dir);
        program.args(command).args(["--config", "wasmime.toml"]).args(rest);
        let output = run(&mut program, b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Writes another configuration. It is read at the next start or [`reload`].
    ///
    /// [`reload`]: Self::reload
    pub fn configure(&self, configuration: &str) {
        fs::write(self.dir.join("wasmime.toml"), configuration).expect("the configuration");
    }

    /// Has it read its configuration again, and waits until it says what came of
    /// that: the line of its log.
    #[track_caller]
    pub fn reload(&self) -> String {
        let told = || {
            let log = self.log();
            log.lines().filter(|line| line.contains("the configuration ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = told().len();
        self.process().signal(Signal::HUP);
        eventually("the end of a reload", || told().get(before).cloned())
    }

    /// The process that runs.
    #[track_caller]
    pub fn process(&self) -> &Daemon {
        self.daemon.as_ref().expect("a gateway that runs")
    }

    /// Waits until it ends by itself; its exit status.
    #[track_caller]
    pub fn ended(&mut self) -> Option<i32> {
        self.daemon.as_mut().expect("a gateway that runs").ended()
    }

    /// Starts it, and waits until it listens; without a listener there is
    /// nothing to start.
    pub fn start(&mut self) {
        if self.ports.is_empty() {
            return;
        }
        let mut command = wasmime(&self.dir);
        command.args(["serve", "--config", "wasmime.toml"]).envs(self.environment.iter().map(|(n, v)| (n, v)));
        let mut daemon = Daemon::start("wasmime", &mut command, &self.dir.join("log"));
        for port in &self.ports {
            daemon.listens(*port);
        }
        self.daemon = Some(daemon);
    }

    /// Asks it to end, and waits.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// What it logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    /// The audit events so far, one JSON object a line.
    pub fn audit(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("audit.jsonl")).unwrap_or_default()).into_owned()
    }
}
