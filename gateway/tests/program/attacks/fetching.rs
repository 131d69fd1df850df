//! T31: addresses in a certificate are nothing that anybody calls.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// What the certificates point at. The host names have nobody ask for them, either.
fn pointers(port: u16) -> String {
    format!(
        "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n\
         subjectAltName=email:{ALICE}\n\
         authorityInfoAccess=caIssuers;URI:http://127.0.0.1:{port}/ca.cer,OCSP;URI:http://127.0.0.1:{port}/,\
         OCSP;URI:http://169.254.169.254/latest/meta-data\n\
         crlDistributionPoints=URI:ldap://127.0.0.1:{port}/cn=ca,URI:http://lists.peer.example/ca.crl,\
         URI:file:///etc/passwd,URI:gopher://127.0.0.1:{port}/\n"
    )
}

/// A certificate for alice by this authority, with her key; its name for [`sign`].
fn certificate(folder: &Path, authority: &str, port: u16) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    std::fs::write(folder.join("extensions"), pointers(port)).expect("a file");
    let name = file(authority);
    let (request, certificate, key) = (file("request"), format!("{name}.pem"), pki("alice.key"));
    must("openssl", &["req", "-new", "-key", &key, "-subj", "/CN=alice", "-out", &request], b"");
    let (issuer, issuer_key) = (pki(&format!("{authority}.pem")), pki(&format!("{authority}.key")));
    let sign = ["x509", "-req", "-in", &request, "-CA", &issuer, "-CAkey", &issuer_key, "-days", "3650"];
    must("openssl", &[&sign[..], &["-extfile", &file("extensions"), "-out", &certificate]].concat(), b"");
    std::fs::copy(key, format!("{name}.key")).expect("a copy");
    name
}

/// Signed mail whose certificates ask to be looked up: by an authority that is trusted, by one whose own certificate
/// would have to be fetched, and by one that nobody knows.
fn messages(folder: &Path, port: u16) -> [(Vec<u8>, bool); 3] {
    [("ca", true), ("sub", false), ("other-ca", false)].map(|(authority, is_trusted)| {
        (from_alice(&sign(&certificate(folder, authority, port), TEXT, &[])), is_trusted)
    })
}

#[test]
fn t31_url_fetch() {
    if !here("t31_url_fetch") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let folder = TempDir::new().expect("a temporary folder");
    let site = Site::with(STRICT);
    for (message, is_trusted) in messages(folder.path(), listener.local_addr().expect("its port").port()) {
        let outcome = to_carol(&site, &message);
        if is_trusted {
            assert_eq!(results(got(&outcome)), ["pass"]);
        } else {
            outcome.refused("550 5.7.1").without_key();
        }
    }
    let called = listener.accept();
    assert_eq!(called.expect_err("nobody called").kind(), ErrorKind::WouldBlock);
}

/// The same, seen by the kernel: the program opens no socket that leads anywhere, and so asks no name server.
#[test]
fn t31_no_socket_is_opened() {
    if !here("t31_no_socket_is_opened") || !have("t31_no_socket_is_opened", &["strace"]) {
        return;
    }
    if attempt("strace", &["-qq", "-e", "trace=socket", "true"], b"").is_err() {
        return skipped("t31_no_socket_is_opened", "processes cannot be traced here");
    }
    let folder = TempDir::new().expect("a temporary folder");
    let site = Site::with(STRICT);
    let log = folder.path().join("calls");
    for (message, is_trusted) in messages(folder.path(), 1) {
        let program = site.wasmime();
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qq", "-e", "trace=socket,connect,sendto,sendmsg", "-o"]).arg(&log);
        traced.arg(program.get_program()).args(["process", "--config", "wasmime.toml", "--direction", "inbound"]);
        traced.args(["--mail-from", ALICE, "--rcpt-to", CAROL, "--output"]).arg(folder.path().join("out"));
        traced.current_dir(site.path());
        traced.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = run(&mut traced, &message);
        let status = if is_trusted { 0 } else { 77 };
        assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
        let calls = std::fs::read_to_string(&log).expect("what strace wrote");
        assert!(!calls.contains("AF_INET"), "{calls}");
    }
}
