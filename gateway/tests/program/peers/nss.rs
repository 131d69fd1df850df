//! NSS: `cmsutil`, the library of Thunderbird.

use std::fs;

use tempfile::TempDir;

use super::{Form, Peer, arrives_from, cms_of, imported_opens, peer_and_openssl, peer_reads, peer_writes, we_sign};
use crate::support::*;

/// A database with the keys of alice.
struct Nss {
    dir: TempDir,
}

impl Nss {
    fn new(test: &str) -> Option<Self> {
        if !have(test, &["openssl", "certutil", "pk12util", "cmsutil"]) {
            return None;
        }
        let nss = Self { dir: TempDir::new().expect("a temporary folder") };
        let database = nss.database();
        must("certutil", &["-N", "-d", &database, "--empty-password"], b"");
        must("certutil", &["-A", "-d", &database, "-n", "ca", "-t", "CT,C,", "-i", &pki("ca.pem")], b"");
        for other in ["bob", "carol", "dave"] {
            must(
                "certutil",
                &["-A", "-d", &database, "-n", other, "-t", ",,", "-i", &pki(&format!("{other}.pem"))],
                b"",
            );
        }
        nss.import_key("alice");
        Some(nss)
    }

    fn import_key(&self, name: &str) {
        let file = openssl::pkcs12(name);
        let path = file.path().display().to_string();
        must("pk12util", &["-i", &path, "-d", &self.database(), "-W", "test", "-K", ""], b"");
    }

    fn database(&self) -> String {
        format!("sql:{}", self.dir.path().display())
    }

    fn cmsutil(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.try_cmsutil(args, input).expect("cmsutil")
    }

    fn try_cmsutil(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        attempt("cmsutil", &[args, &["-d", &self.database(), "-i", &self.file(input)]].concat(), b"")
    }

    fn file(&self, content: &[u8]) -> String {
        let (_, path) = tempfile::NamedTempFile::new_in(&self.dir).expect("a file").keep().expect("a file");
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }
}

impl Peer for Nss {
    fn sign(&self, entity: &[u8], form: Form) -> Vec<u8> {
        match form {
            Form::Detached => {
                multipart_signed(entity, "sha-256", &self.cmsutil(&["-S", "-N", "alice", "-T", "-G", "-P"], entity))
            }
            Form::Opaque => pkcs7_mime("signed-data", &self.cmsutil(&["-S", "-N", "alice", "-H", "SHA512"], entity)),
        }
    }

    fn encrypt(&self, recipients: &[&str], entity: &[u8]) -> Vec<u8> {
        pkcs7_mime("enveloped-data", &self.cmsutil(&["-E", "-r", &recipients.join(",")], entity))
    }

    fn verify(&self, entity: &[u8], _signer: &str) -> Result<Vec<u8>, String> {
        match cms_of(entity) {
            // It prints the content as it was given.
            (Some(content), cms) => self.try_cmsutil(&["-D", "-c", &self.file(&content)], &cms),
            (None, cms) => self.try_cmsutil(&["-D"], &cms),
        }
    }

    fn decrypt(&self, entity: &[u8]) -> Vec<u8> {
        self.cmsutil(&["-D"], &cms_of(entity).1)
    }

    fn is_modern(&self) -> bool {
        // 3.87 reads RSAES-OAEP and no AuthEnvelopedData.
        false
    }
}

/// The key that NSS hands out is imported, and opens what was encrypted to it.
#[test]
fn nss_hands_out_a_key_and_we_import_it() {
    let Some(nss) = Nss::new("nss_hands_out_a_key_and_we_import_it") else { return };
    let out = nss.dir.path().join("alice.p12");
    let path = out.display().to_string();
    must("pk12util", &["-o", &path, "-n", "alice", "-d", &nss.database(), "-W", "secret", "-K", ""], b"");
    imported_opens(&out, "secret");
}

#[test]
fn nss_and_openssl_read_each_other() {
    if let Some(nss) = Nss::new("nss_and_openssl_read_each_other") {
        peer_and_openssl(&nss);
    }
}

#[test]
fn nss_writes_and_we_deliver() {
    if let Some(nss) = Nss::new("nss_writes_and_we_deliver") {
        peer_writes(&nss);
    }
}

#[test]
fn we_write_and_nss_reads() {
    if let Some(nss) = Nss::new("we_write_and_nss_reads") {
        peer_reads(&nss);
    }
}

/// ECDSA alone: 3.87 has neither Ed25519 nor key agreement in CMS.
#[test]
fn nss_signs_on_a_curve_and_we_deliver() {
    let Some(nss) = Nss::new("nss_signs_on_a_curve_and_we_deliver") else { return };
    let site = Site::with(STRICT);
    for (signer, digests) in [("grace", &["SHA256", "SHA512"][..]), ("heidi", &["SHA384"]), ("ivan", &["SHA512"])] {
        nss.import_key(signer);
        for digest in digests {
            let signed = pkcs7_mime("signed-data", &nss.cmsutil(&["-S", "-N", signer, "-H", digest], MIXED));
            arrives_from(&site, signer, "carol", &signed, MIXED, "pass");
        }
    }
}

#[test]
fn we_sign_on_a_curve_and_nss_reads() {
    let Some(nss) = Nss::new("we_sign_on_a_curve_and_nss_reads") else { return };
    for signer in ["judy", "karl"] {
        for form in [Form::Detached, Form::Opaque] {
            let signed = we_sign(signer, MIXED, form);
            assert_eq!(unwrapped(&nss.verify(&signed, signer).expect("a good signature")), MIXED, "{signer}");
        }
    }
}
