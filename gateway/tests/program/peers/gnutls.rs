//! GnuTLS: `certtool`, which signs and verifies, and encrypts nothing.

use std::fs;

use tempfile::TempDir;

use super::{Form, ON_CURVES, arrives_from, cms_of, we_sign};
use crate::support::*;

/// A folder for its files.
struct GnuTls {
    dir: TempDir,
}

impl GnuTls {
    fn new(test: &str) -> Option<Self> {
        have(test, &["certtool"]).then(|| Self { dir: TempDir::new().expect("a temporary folder") })
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    fn sign(&self, signer: &str, entity: &[u8], form: Form) -> Vec<u8> {
        let how = if form == Form::Opaque { "--p7-sign" } else { "--p7-detached-sign" };
        let (certificate, key) = (pki(&format!("{signer}.pem")), pki(&format!("{signer}.key")));
        let content = self.file("content", entity);
        let out = self.file("signed", b"");
        let arguments = [how, "--p7-time", "--load-certificate", &certificate, "--load-privkey", &key];
        must("certtool", &[&arguments[..], &["--infile", &content, "--outder", "--outfile", &out]].concat(), b"");
        let cms = fs::read(out).expect("a signature");
        match form {
            Form::Detached => multipart_signed(entity, "sha-256", &cms),
            Form::Opaque => pkcs7_mime("signed-data", &cms),
        }
    }

    /// The content of an entity whose signature it accepts, or why it does not.
    fn verify(&self, entity: &[u8]) -> Result<Vec<u8>, String> {
        let (content, cms) = cms_of(entity);
        let (cms, anchor) = (self.file("cms", &cms), pki("ca.pem"));
        let verify = ["--p7-verify", "--inder", "--infile", &cms, "--load-ca-certificate", &anchor];
        match content {
            Some(content) => {
                let file = self.file("content", &content);
                attempt("certtool", &[&verify[..], &["--load-data", &file]].concat(), b"")?;
                Ok(content)
            }
            None => {
                attempt("certtool", &verify, b"")?;
                let out = self.file("out", b"");
                let show = ["--p7-info", "--p7-show-data", "--inder", "--infile", &cms, "--outfile", &out];
                attempt("certtool", &show, b"")?;
                Ok(fs::read(out).expect("the content"))
            }
        }
    }
}

#[test]
fn gnutls_signs_and_we_deliver() {
    let Some(gnutls) = GnuTls::new("gnutls_signs_and_we_deliver") else { return };
    let site = Site::with(STRICT);
    for signer in ["alice", "frank", "grace", "heidi", "ivan", "lena"] {
        for form in [Form::Detached, Form::Opaque] {
            arrives_from(&site, signer, "carol", &gnutls.sign(signer, MIXED, form), MIXED, "pass");
        }
    }
}

#[test]
fn we_sign_and_gnutls_reads() {
    let Some(gnutls) = GnuTls::new("we_sign_and_gnutls_reads") else { return };
    for signer in ON_CURVES.into_iter().chain(["carol"]) {
        let detached = we_sign(signer, MIXED, Form::Detached);
        assert_eq!(unwrapped(&gnutls.verify(&detached).expect("a good signature")), MIXED, "{signer}");
        let mut altered = detached;
        let at = altered.windows(5).rposition(|w| w == b"offer").expect("the word");
        altered[at] ^= 1;
        assert!(gnutls.verify(&altered).is_err(), "{signer}");
        let opaque = we_sign(signer, MIXED, Form::Opaque);
        assert_eq!(unwrapped(&gnutls.verify(&opaque).expect("a good signature")), MIXED, "{signer}");
    }
}
