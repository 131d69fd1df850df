//! This library writes, OpenSSL reads.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use smime::cms::Cipher;
use smime::cms::recipient::KeyTransport;

use crate::round_trip::encrypt;
use crate::support::{sign, vector, vectors};

/// The output of `openssl cms` on `encoded`; none where there is no `openssl`.
fn openssl(encoded: &[u8], arguments: &[&str]) -> Option<Result<Vec<u8>, String>> {
    openssl_in(&vectors(), encoded, arguments)
}

/// The same, in a folder of vectors.
pub fn openssl_in(folder: &Path, encoded: &[u8], arguments: &[&str]) -> Option<Result<Vec<u8>, String>> {
    openssl_by(Path::new("openssl"), folder, encoded, arguments)
}

/// The same, by the one of 4.0 that `make peers` builds.
pub fn recent_openssl_in(folder: &Path, encoded: &[u8], arguments: &[&str]) -> Option<Result<Vec<u8>, String>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    openssl_by(&target.join("openssl/bin/openssl"), folder, encoded, arguments)
}

fn openssl_by(program: &Path, folder: &Path, encoded: &[u8], arguments: &[&str]) -> Option<Result<Vec<u8>, String>> {
    let mut command = Command::new(program);
    command.arg("cms").args(arguments).arg("-binary").current_dir(folder);
    if arguments[0] != "-sign" {
        command.args(["-inform", "DER"]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        // Past the capture of the test runner.
        let _ = writeln!(std::io::stderr(), "skipped: there is no {} here", program.display());
        return None;
    };
    child.stdin.take().unwrap().write_all(encoded).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    })
}

#[test]
fn t43_openssl_verifies_what_is_signed() {
    let content = vector("content.txt");
    for name in ["alice", "pss", "pss384"] {
        let trust = format!("certificates/{name}.pem");
        let verify = ["-verify", "-CAfile", &trust, "-purpose", "smimesign"];
        let Some(opaque) = openssl(&sign(name, &content, false), &verify) else { return };
        assert_eq!(opaque.as_ref(), Ok(&content), "{name}");
        let detached = sign(name, &content, true);
        let right = openssl(&detached, &[&verify[..], &["-content", "content.txt"]].concat()).unwrap();
        assert_eq!(right.as_ref(), Ok(&content), "{name}");
        let wrong = openssl(&detached, &[&verify[..], &["-content", "long.txt"]].concat()).unwrap();
        assert!(wrong.is_err(), "{name}");
    }
}

#[test]
fn t43_openssl_checks_the_signing_certificate_attribute() {
    let encoded = sign("alice", b"content", false);
    let verify = ["-verify", "-cades", "-CAfile", "certificates/alice.pem", "-purpose", "smimesign"];
    let Some(verified) = openssl(&encoded, &verify) else { return };
    assert_eq!(verified, Ok(b"content".to_vec()));
}

#[test]
fn t43_openssl_decrypts_what_is_encrypted() {
    let content = vector("long.txt");
    let transports = [
        KeyTransport::Pkcs1v15,
        KeyTransport::OaepSha1,
        KeyTransport::OaepSha256,
        KeyTransport::OaepSha384,
        KeyTransport::OaepSha512,
    ];
    // OpenSSL 3.0 does not know ChaCha20-Poly1305 in CMS.
    for cipher in Cipher::ALL.into_iter().filter(|cipher| *cipher != Cipher::ChaCha20Poly1305) {
        for transport in transports {
            let encoded = encrypt(&["bob", "carol"], transport, cipher, &content);
            for name in ["bob", "carol"] {
                let (certificate, key) = (format!("certificates/{name}.pem"), format!("keys/{name}.pem"));
                let decrypt = ["-decrypt", "-recip", &certificate, "-inkey", &key];
                let Some(decrypted) = openssl(&encoded, &decrypt) else { return };
                assert_eq!(decrypted.as_ref(), Ok(&content), "{cipher:?} {transport:?} {name}");
            }
        }
    }
}

#[test]
fn openssl_finds_nothing_but_der_in_what_is_written() {
    // -cmsout re-encodes: what is DER comes out as it went in.
    for encoded in [
        sign("alice", b"content", false),
        sign("alice", b"content", true),
        encrypt(&["bob", "carol"], KeyTransport::OaepSha256, Cipher::Aes256Cbc, b"content"),
        encrypt(&["bob", "carol"], KeyTransport::Pkcs1v15, Cipher::Aes256Gcm, b"content"),
    ] {
        let Some(again) = openssl(&encoded, &["-cmsout", "-outform", "DER"]) else { return };
        assert_eq!(again, Ok(encoded));
    }
}
