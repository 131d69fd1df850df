//! `docs/operations.md` sets up each embodiment from nothing: its commands are taken out
//! of the page and run, with other ports, and mail goes both ways by what they made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::ports;
use crate::relay::Relay;
use crate::renumbered::renumbered;
use crate::sink::Sink;
use crate::support::{TEXT, contains, crlf, field, have, message, must, root};

const YOU: &str = "you@example.org";
const FRIEND: &str = "friend@peer.example";

#[test]
fn the_embedded_keyring_is_set_up_by_the_commands_of_the_page() {
    both_ways("the_embedded_keyring_is_set_up_by_the_commands_of_the_page", "keyring", &[]);
}

#[test]
fn a_directory_and_a_key_management_server_are_set_up_by_the_commands_of_the_page() {
    let test = "a_directory_and_a_key_management_server_are_set_up_by_the_commands_of_the_page";
    let pykmip = pykmip().join("pykmip-server").display().to_string();
    both_ways(test, "directory", &["/usr/sbin/slapd", "ldapadd", &pykmip]);
}

#[test]
fn a_directory_and_a_token_are_set_up_by_the_commands_of_the_page() {
    let test = "a_directory_and_a_token_are_set_up_by_the_commands_of_the_page";
    both_ways(test, "tokens", &["/usr/sbin/slapd", "ldapadd", "softhsm2-util", "pkcs11-tool"]);
}

#[test]
fn the_dns_is_set_up_by_the_commands_of_the_page() {
    let programs = ["/usr/sbin/knotd", "keymgr", "knotc", "kdig", "/usr/sbin/unbound"];
    both_ways("the_dns_is_set_up_by_the_commands_of_the_page", "dns", &programs);
}

/// Runs the commands marked with `embodiment`; then you write to a friend, and the
/// friend to you.
fn both_ways(test: &str, embodiment: &str, programs: &[&str]) {
    if !have(test, &["openssl"]) || !have(test, programs) {
        return;
    }
    let next_hop = Sink::start();
    let (leaving, arriving) = (ports::free(), ports::free());
    let [ldap, ldaps, kmip, knot, unbound] = std::array::from_fn(|_| ports::free());
    let commands = renumbered(&commands(embodiment), |number| {
        Some(match number {
            "10025" => leaving,
            "10026" => next_hop.port(),
            "10027" => arriving,
            "10389" => ldap,
            "10636" => ldaps,
            "15696" => kmip,
            "10053" => knot,
            "10054" => unbound,
            _ => return None,
        })
    });
    let trial = Trial { folder: TempDir::new().expect("a folder") };
    trial.run(&commands);

    let mut serve = trial.command(env!("CARGO_BIN_EXE_wasmime"));
    serve.args(["serve", "--config", "wasmime.toml"]);
    let relay = Relay::start(&mut serve, trial.path(), [leaving, arriving], next_hop);
    let sent = relay.sends(YOU, FRIEND, &message(YOU, FRIEND, TEXT)).expect("a message that is taken");
    assert!(!contains(&sent, "The offer stands"), "clear text went out");
    assert!(contains(&trial.opened_by_the_friend(&sent), "The offer stands"));

    let received = message(FRIEND, YOU, &trial.sealed_by_the_friend(TEXT));
    let arrived = relay.receives(FRIEND, YOU, &received).expect("a message that is taken");
    assert!(contains(&arrived, "The offer stands until Friday."));
    assert!(field(&arrived, "authentication-results").concat().contains("smime=pass"));
}

/// The commands of the page that are marked with `embodiment`, or with `begin`, in their
/// order, up to the one that starts the gateway.
fn commands(embodiment: &str) -> String {
    let page = fs::read_to_string(root().join("docs/operations.md")).expect("the page");
    let mut commands = String::new();
    for part in page.split("<!-- commands: ").skip(1) {
        let (marks, rest) = part.split_once(" -->\n```sh\n").expect("a mark before commands");
        if marks.split(' ').any(|mark| mark == embodiment || mark == "begin") {
            commands.push_str(rest.split("```").next().expect("commands"));
        }
    }
    let (before, behind) = commands.split_once("wasmime serve --config wasmime.toml\n").expect("a gateway to start");
    assert!(behind.is_empty(), "commands behind the last: {behind}");
    before.to_owned()
}

/// A folder in which commands were run, and the servers that they started.
struct Trial {
    folder: TempDir,
}

impl Trial {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs commands, as they would be typed.
    #[track_caller]
    fn run(&self, commands: &str) {
        let (script, log) = (self.path().join("commands"), self.path().join("commands.log"));
        fs::write(&script, commands).expect("a file");
        // Servers that stay keep the log open: no pipe, whose end one would wait for.
        let output = fs::File::create(&log).expect("a log");
        let mut shell = self.command("timeout");
        shell.args(["300", "sh", "-e"]).arg(&script);
        shell.stdin(Stdio::null()).stdout(output.try_clone().expect("a handle")).stderr(output);
        let status = shell.status().expect("a shell");
        assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()));
    }

    /// A program in the folder, in the environment of the commands.
    fn command(&self, program: &str) -> Command {
        let wasmime = Path::new(env!("CARGO_BIN_EXE_wasmime")).parent().expect("a folder").to_owned();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = [wasmime, pykmip()].into_iter().chain(std::env::split_paths(&inherited));
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("PATH", std::env::join_paths(folders).expect("a path"));
        command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).env("NO_COLOR", "1");
        command.env("SOFTHSM2_CONF", self.path().join("softhsm2.conf"));
        command
    }

    fn file(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    /// What the friend sends: signed, and encrypted to you.
    fn sealed_by_the_friend(&self, entity: &[u8]) -> Vec<u8> {
        let [friend, key, you] = ["friend.pem", "friend.key", "you.pem"].map(|name| self.file(name));
        let signed =
            must("openssl", &["cms", "-sign", "-binary", "-md", "sha256", "-signer", &friend, "-inkey", &key], entity);
        let sealed = must("openssl", &["cms", "-encrypt", "-binary", "-aes-256-cbc", &you], &crlf(&signed));
        crlf(&sealed)
    }

    /// What the friend reads in a message that is signed, encrypted and signed.
    fn opened_by_the_friend(&self, received: &[u8]) -> Vec<u8> {
        let [friend, key, anchor] = ["friend.pem", "friend.key", "authority.pem"].map(|name| self.file(name));
        let verify = ["cms", "-verify", "-CAfile", &anchor, "-purpose", "smimesign"];
        let sealed = must("openssl", &verify, received);
        let signed = must("openssl", &["cms", "-decrypt", "-binary", "-recip", &friend, "-inkey", &key], &sealed);
        must("openssl", &verify, &signed)
    }
}

impl Drop for Trial {
    /// `kill $(cat *.pid)`, as the page says.
    fn drop(&mut self) {
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            let told =
                fs::read_to_string(entry.path()).ok().filter(|_| entry.path().extension().is_some_and(|e| e == "pid"));
            if let Some(pid) = told.and_then(|told| told.trim().parse().ok()).and_then(Pid::from_raw) {
                // One that has ended by itself needs no end.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
    }
}

/// Where `tools/peers` puts a key management server.
fn pykmip() -> PathBuf {
    root().join("target/pykmip/bin")
}
