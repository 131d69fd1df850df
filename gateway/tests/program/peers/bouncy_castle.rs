//! Bouncy Castle, through the driver in `tests/peers/BouncyCastle.java`.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::{Form, Peer, arrives, arrives_from, cms_of, peer_and_openssl, peer_reads, peer_writes};
use crate::support::*;

const JARS: [&str; 6] = [
    "/usr/share/java/bcmail.jar",
    "/usr/share/java/bcpkix.jar",
    "/usr/share/java/bcprov.jar",
    "/usr/share/java/bcutil.jar",
    "/usr/share/java/javax.mail.jar",
    "/usr/share/java/javax.activation.jar",
];

/// A driver that answers one job a line.
struct BouncyCastle {
    dir: TempDir,
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl BouncyCastle {
    fn new(test: &str) -> Option<Self> {
        if !have(test, &["openssl", "java", "javac"]) || !have(test, &JARS) {
            return None;
        }
        let dir = TempDir::new().expect("a temporary folder");
        let folder = dir.path().display().to_string();
        let jars = JARS.join(":");
        let source = root().join("tests/peers/BouncyCastle.java").display().to_string();
        must("javac", &["-d", &folder, "-cp", &jars, &source], b"");
        let mut child = Command::new("java")
            .args(["-cp", &format!("{jars}:{folder}"), "BouncyCastle"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("java runs");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Some(Self { dir, child, pipes: RefCell::new((stdin, stdout)) })
    }

    /// Gives the driver a job; its answer, `ok` or `failed: why`.
    fn answer(&self, job: &[&str]) -> String {
        let (stdin, stdout) = &mut *self.pipes.borrow_mut();
        writeln!(stdin, "{}", job.join("\t")).expect("the driver listens");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the driver answers");
        line.trim_end().to_owned()
    }

    /// A job whose last argument is the file it writes.
    fn job(&self, job: &[&str]) -> Result<Vec<u8>, String> {
        let out = self.file(b"");
        self.job_to(&out, &[job, &[&out]].concat())
    }

    fn job_to(&self, out: &str, job: &[&str]) -> Result<Vec<u8>, String> {
        match self.answer(job).as_str() {
            "ok" => Ok(fs::read(out).expect("what the driver wrote")),
            other => Err(format!("{job:?}: {other}")),
        }
    }

    fn file(&self, content: &[u8]) -> String {
        let (_, path) = tempfile::NamedTempFile::new_in(&self.dir).expect("a file").keep().expect("a file");
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    fn sign_with(&self, signer: &str, algorithm: &str, entity: &[u8], form: Form) -> Vec<u8> {
        let (certificate, key) = (pki(&format!("{signer}.pem")), pki(&format!("{signer}.key")));
        let content = self.file(entity);
        let attached = if form == Form::Opaque { "attached" } else { "detached" };
        let cms = self.job(&["sign", &certificate, &key, algorithm, attached, &content]).expect("a signature");
        match form {
            Form::Detached => multipart_signed(entity, "sha-256", &cms),
            Form::Opaque => pkcs7_mime("signed-data", &cms),
        }
    }

    fn encrypt_with(&self, cipher: &str, transport: &str, recipients: &[&str], entity: &[u8]) -> Vec<u8> {
        let recipients: Vec<String> = recipients.iter().map(|name| pki(&format!("{name}.pem"))).collect();
        let content = self.file(entity);
        let cms = self.job(&["encrypt", cipher, transport, &recipients.join(","), &content]).expect("a ciphertext");
        pkcs7_mime(if cipher.ends_with("gcm") { "authEnveloped-data" } else { "enveloped-data" }, &cms)
    }
}

impl Drop for BouncyCastle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer for BouncyCastle {
    fn sign(&self, entity: &[u8], form: Form) -> Vec<u8> {
        self.sign_with("alice", "SHA256withRSA", entity, form)
    }

    fn encrypt(&self, recipients: &[&str], entity: &[u8]) -> Vec<u8> {
        self.encrypt_with("aes-256-cbc", "pkcs1", recipients, entity)
    }

    fn verify(&self, entity: &[u8], signer: &str) -> Result<Vec<u8>, String> {
        let certificate = pki(&format!("{signer}.pem"));
        let (content, cms) = cms_of(entity);
        let cms = self.file(&cms);
        let out = self.file(b"");
        let mut job = vec!["verify", &certificate, &cms, &out];
        let file = content.map(|content| self.file(&content));
        job.extend(file.as_deref());
        let verified = self.job_to(&out, &job)?;
        // The same through the mail API, which parses and canonicalises by itself.
        self.job(&["smime", &certificate, &self.file(entity)])?;
        Ok(verified)
    }

    fn decrypt(&self, entity: &[u8]) -> Vec<u8> {
        let cms = self.file(&cms_of(entity).1);
        self.job(&["decrypt", &pki("alice.pem"), &pki("alice.key"), &cms]).expect("the content")
    }

    fn is_modern(&self) -> bool {
        true
    }
}

#[test]
fn bouncy_castle_and_openssl_read_each_other() {
    if let Some(bc) = BouncyCastle::new("bouncy_castle_and_openssl_read_each_other") {
        peer_and_openssl(&bc);
    }
}

#[test]
fn bouncy_castle_writes_and_we_deliver() {
    let Some(bc) = BouncyCastle::new("bouncy_castle_writes_and_we_deliver") else { return };
    peer_writes(&bc);
    let site = Site::with(TRUSTING);
    for digest in ["SHA256", "SHA384", "SHA512"] {
        for padding in ["withRSA", "withRSAandMGF1"] {
            for form in [Form::Detached, Form::Opaque] {
                arrives(&site, &bc.sign_with("alice", &format!("{digest}{padding}"), TEXT, form), TEXT, "pass");
            }
        }
    }
    for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm"] {
        for transport in ["pkcs1", "sha1", "sha256", "sha384", "sha512"] {
            arrives(&site, &bc.encrypt_with(cipher, transport, &["carol", "dave"], MIXED), MIXED, "none");
        }
    }
}

#[test]
fn we_write_and_bouncy_castle_reads() {
    if let Some(bc) = BouncyCastle::new("we_write_and_bouncy_castle_reads") {
        peer_reads(&bc);
    }
}

#[test]
fn bouncy_castle_writes_with_curves_and_we_deliver() {
    let Some(bc) = BouncyCastle::new("bouncy_castle_writes_with_curves_and_we_deliver") else { return };
    let site = Site::with(STRICT);
    for name in ["judy", "karl"] {
        site.import(&[&pki(&format!("{name}.pem")), &pki(&format!("{name}.key"))]);
    }
    for (signer, algorithms) in [
        ("grace", &["SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA"][..]),
        ("heidi", &["SHA256withECDSA", "SHA384withECDSA"]),
        ("ivan", &["SHA512withECDSA"]),
        ("lena", &["Ed25519"]),
    ] {
        for algorithm in algorithms {
            for form in [Form::Detached, Form::Opaque] {
                let signed = bc.sign_with(signer, algorithm, TEXT, form);
                arrives_from(&site, signer, "carol", &signed, TEXT, "pass");
            }
        }
    }
    let signed = bc.sign_with("grace", "SHA256withECDSA", MIXED, Form::Detached);
    for recipient in ["judy", "karl"] {
        for digest in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
            for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm"] {
                let sealed = bc.encrypt_with(cipher, digest, &[recipient], &signed);
                arrives_from(&site, "grace", recipient, &sealed, MIXED, "pass");
            }
        }
    }
}

#[test]
fn we_write_with_curves_and_bouncy_castle_reads() {
    let Some(bc) = BouncyCastle::new("we_write_with_curves_and_bouncy_castle_reads") else { return };
    for signer in super::ON_CURVES {
        for form in [Form::Detached, Form::Opaque] {
            let signed = super::we_sign(signer, MIXED, form);
            assert_eq!(unwrapped(&bc.verify(&signed, signer).expect("a good signature")), MIXED, "{signer}");
        }
    }
    // 1.72 opens no AuthEnvelopedData with a key on a curve.
    let site = Site::with("[tenant.lan.outbound]\nsign = \"never\"");
    for name in ["grace", "heidi", "ivan"] {
        site.import(&[&pki(&format!("{name}.pem"))]);
        let (from, to) = ("carol@lan.example", &format!("{name}@peer.example"));
        let outcome = site.outbound(from, &[to], &message(from, to, MIXED));
        let cms = bc.file(&cms_of(&outcome.delivered().bytes).1);
        let key = pki(&format!("{name}.key"));
        let content = bc.job(&["decrypt", &pki(&format!("{name}.pem")), &key, &cms]).expect("the content");
        assert_eq!(unwrapped(&content), MIXED, "{name}");
    }
}
