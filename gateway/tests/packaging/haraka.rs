//! The example for Haraka, by Haraka itself: installed from npm, as its users do.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::daemon::Daemon;
use super::gateway::Gateway;
use super::places::Places;
use super::sink::Sink;
use super::support::{contains, field, have, must, openssl::Signing, run};
use super::{packaging, support, text};

/// What arrives signed is handed to the mail store with the result; with a digit
/// changed it is refused while its sender waits.
#[test]
fn haraka_refuses_tampered_mail_in_the_session() {
    const NAME: &str = "haraka_refuses_tampered_mail_in_the_session";
    let program = support::root().join("target/haraka/node_modules/Haraka/bin/haraka");
    if !have(NAME, &["node", "swaks", "openssl", "curl", &program.display().to_string()]) {
        return;
    }
    let dir = TempDir::new().expect("a temporary folder");
    let store = Sink::start();
    let mut places = Places::free(dir.path());
    places.server.reinjection = store.port();
    let (haraka, status) = (places.server.mx, places.status);

    let configuration = places.put_into(&text("examples/haraka/wasmime.toml"));
    let mut gateway = Gateway::new(dir.path(), &configuration, vec![places.arriving]);
    gateway.call(&["keys", "generate", "--address", "you@lan.example", "--algorithm", "rsa2048"]);
    gateway.call(&["keys", "import", "--pin", &support::pki("alice.pem")]);
    gateway.start();

    let home = dir.path().join("haraka");
    let made = run(Command::new("node").arg(&program).arg("-i").arg(&home), b"");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for entry in fs::read_dir(packaging("examples/haraka/config")).expect("the example") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a file");
        let copy = home.join("config").join(path.file_name().expect("a name"));
        // One process: with others beside it, Haraka does not end with this test.
        let text = places.put_into(&text).replace("listen=0.0.0.0:", "nodes=0\nlisten=127.0.0.1:");
        fs::write(copy, text).expect("a copy");
    }
    let mut command = Command::new("node");
    command.arg(&program).arg("-c").arg(&home);
    let mut server = Daemon::start("haraka", &mut command, &dir.path().join("haraka.log"));
    server.listens(haraka);

    let entity = b"Content-Type: text/plain\r\n\r\nThe offer stands: 100 boxes.\r\n";
    let header = b"From: alice@peer.example\r\nTo: you@lan.example\r\nSubject: The offer\r\nMIME-Version: 1.0\r\n";
    let signed = [&header[..], &Signing::ALICE.sign(entity)].concat();
    let told = send(haraka, dir.path(), &signed);
    assert!(told.contains("250 2.0.0"), "{told}");
    let arrived = store.messages().pop().expect("a message in the store");
    assert_eq!(field(&arrived, "Authentication-Results")[0].split(" smime=").next(), Some("mail.lan.example;"));
    assert!(contains(&arrived, "smime=pass") && contains(&arrived, "100 boxes"));

    let altered = String::from_utf8(signed).expect("text").replace("100 boxes", "900 boxes");
    let told = send(haraka, dir.path(), altered.as_bytes());
    assert!(told.contains("550 5.7.7"), "{told}");
    assert_eq!(store.count(), 1);

    // The metrics tell of the one that the store has.
    let metrics = must("curl", &["-s", &format!("http://127.0.0.1:{status}/metrics")], b"");
    let taken =
        format!("wasmime_next_hop_total{{next_hop=\"smtp://127.0.0.1:{}\",result=\"taken\"}} 1\n", store.port());
    assert!(contains(&metrics, &taken), "{}", String::from_utf8_lossy(&metrics));
}

/// Sends a message, and returns the dialogue.
fn send(port: u16, dir: &Path, message: &[u8]) -> String {
    let file = dir.join("message.eml");
    fs::write(&file, message).expect("a file");
    let (server, data) = (format!("127.0.0.1:{port}"), format!("@{}", file.display()));
    let envelope = ["--from", "alice@peer.example", "--to", "you@lan.example", "--helo", "mx.peer.example"];
    let mut command = Command::new("swaks");
    command.args(["--timeout", "60s", "--server", &server, "--data", &data]).args(envelope);
    String::from_utf8_lossy(&run(&mut command, b"").stdout).into_owned()
}
