//! GnuPG for S/MIME: `gpgsm`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{Form, Peer, cms_of, imported_opens, peer_and_openssl, peer_reads, peer_writes, we_sign};
use crate::support::*;

/// A home of GnuPG with the keys of alice.
struct Gpgsm {
    home: TempDir,
}

impl Gpgsm {
    fn new(test: &str) -> Option<Self> {
        if !have(test, &["openssl", "gpgsm", "gpg-agent"]) {
            return None;
        }
        // Short, because the path of the agent's socket must fit into 107 octets.
        let home = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").expect("a temporary folder");
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("permissions");
        let write = |name: &str, text: &str| fs::write(home.path().join(name), text).expect("a file");
        // Nobody fetches anything: no revocation lists, no issuers.
        write("gpgsm.conf", "batch\ndisable-crl-checks\ndisable-dirmngr\n");
        write("gpg-agent.conf", "allow-loopback-pinentry\ndisable-scdaemon\n");
        let printed = must("openssl", &["x509", "-in", &pki("ca.pem"), "-noout", "-fingerprint", "-sha1"], b"");
        let printed = String::from_utf8(printed).expect("text");
        let fingerprint = printed.trim().split('=').nth(1).expect("a fingerprint");
        write("trustlist.txt", &format!("{fingerprint} S relax\n"));

        let gpgsm = Self { home };
        for certificate in ["ca", "bob", "carol", "dave"] {
            gpgsm.call(&["--import", &pki(&format!("{certificate}.pem"))], b"");
        }
        // Now and then gpgsm 2.2 cannot decrypt a file that all others read: give it another.
        let imported = (0..3).any(|_| {
            let alice = openssl::pkcs12("alice");
            let path = alice.path().display().to_string();
            gpgsm
                .attempt(&["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--import", &path], b"test\n")
                .is_ok()
        });
        assert!(imported, "gpgsm imports none of three PKCS #12 files");
        Some(gpgsm)
    }

    fn call(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.attempt(args, input).expect("gpgsm")
    }

    fn attempt(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let home = self.home.path().display().to_string();
        attempt("gpgsm", &[&["--homedir", &home], args].concat(), input)
    }

    /// A call that uses alice's private key on a file.
    fn with_key(&self, args: &[&str], content: &[u8]) -> Vec<u8> {
        let file = self.file(content);
        let key = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"];
        self.call(&[&key, args, &[&file]].concat(), b"test\n")
    }

    fn file(&self, content: &[u8]) -> String {
        let (_, path) = tempfile::NamedTempFile::new_in(&self.home).expect("a file").keep().expect("a file");
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Gpgsm {
    fn drop(&mut self) {
        // The agent ends by itself when its home is gone, but not at once.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).output();
    }
}

impl Peer for Gpgsm {
    fn sign(&self, entity: &[u8], form: Form) -> Vec<u8> {
        match form {
            Form::Detached => {
                let cms = self.with_key(&["--local-user", "alice@peer.example", "--detach-sign"], entity);
                multipart_signed(entity, "sha-256", &cms)
            }
            Form::Opaque => {
                pkcs7_mime("signed-data", &self.with_key(&["--local-user", "alice@peer.example", "--sign"], entity))
            }
        }
    }

    fn encrypt(&self, recipients: &[&str], entity: &[u8]) -> Vec<u8> {
        let recipients: Vec<String> = recipients.iter().map(|name| format!("{name}@lan.example")).collect();
        let mut args = vec!["--encrypt"];
        for recipient in &recipients {
            args.extend(["--recipient", recipient]);
        }
        pkcs7_mime("enveloped-data", &self.call(&args, entity))
    }

    fn verify(&self, entity: &[u8], _signer: &str) -> Result<Vec<u8>, String> {
        match cms_of(entity) {
            (Some(content), cms) => {
                self.attempt(&["--verify", &self.file(&cms), &self.file(&content)], b"")?;
                Ok(content)
            }
            (None, cms) => self.attempt(&["--output", "-", "--verify", &self.file(&cms)], b""),
        }
    }

    fn decrypt(&self, entity: &[u8]) -> Vec<u8> {
        self.with_key(&["--decrypt"], &cms_of(entity).1)
    }

    fn is_modern(&self) -> bool {
        // 2.2 knows no RSAES-OAEP.
        false
    }
}

/// The key that gpgsm hands out is imported, and opens what was encrypted to it.
#[test]
fn gpgsm_hands_out_a_key_and_we_import_it() {
    let Some(gpgsm) = Gpgsm::new("gpgsm_hands_out_a_key_and_we_import_it") else { return };
    let key = ["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--export-secret-key-p12", "alice@peer.example"];
    let out = gpgsm.file(&gpgsm.call(&key, b"test\n"));
    imported_opens(Path::new(&out), "test");
}

#[test]
fn gpgsm_and_openssl_read_each_other() {
    if let Some(gpgsm) = Gpgsm::new("gpgsm_and_openssl_read_each_other") {
        peer_and_openssl(&gpgsm);
    }
}

#[test]
fn gpgsm_writes_and_we_deliver() {
    if let Some(gpgsm) = Gpgsm::new("gpgsm_writes_and_we_deliver") {
        peer_writes(&gpgsm);
    }
}

#[test]
fn we_write_and_gpgsm_reads() {
    if let Some(gpgsm) = Gpgsm::new("we_write_and_gpgsm_reads") {
        peer_reads(&gpgsm);
    }
}

/// ECDSA on P-256 and P-384, and no more: 2.2 imports no key on a curve, and encrypts to none.
#[test]
fn we_sign_on_a_curve_and_gpgsm_reads() {
    let Some(gpgsm) = Gpgsm::new("we_sign_on_a_curve_and_gpgsm_reads") else { return };
    for signer in ["judy", "karl"] {
        gpgsm.call(&["--import", &pki(&format!("{signer}.pem"))], b"");
        for form in [Form::Detached, Form::Opaque] {
            let signed = we_sign(signer, MIXED, form);
            assert_eq!(unwrapped(&gpgsm.verify(&signed, signer).expect("a good signature")), MIXED, "{signer}");
            let mut altered = signed;
            if form == Form::Detached {
                let at = altered.windows(5).rposition(|w| w == b"offer").expect("the word");
                altered[at] ^= 1;
                assert!(gpgsm.verify(&altered, signer).is_err(), "{signer}");
            }
        }
    }
}
