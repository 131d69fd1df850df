//! OpenSSL, as a peer that makes messages and takes them apart.

use tempfile::NamedTempFile;

use super::{crlf, field, must, pki, unwrapped};

/// How OpenSSL signs.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Whose keys: names of `tests/pki`.
    pub signers: &'a [&'a str],
    /// `sha256`, `sha384`, `sha512`, `sha1`.
    pub digest: &'a str,
    /// Further options.
    pub options: &'a [&'a str],
}

impl Signing<'_> {
    /// Detached, SHA-256, by alice.
    pub const ALICE: Signing<'static> = Signing { signers: &["alice"], digest: "sha256", options: &[] };

    /// A signed entity around `entity`.
    pub fn sign(&self, entity: &[u8]) -> Vec<u8> {
        crlf(&self.cms(entity, "SMIME"))
    }

    /// The CMS structure alone.
    pub fn der(&self, entity: &[u8]) -> Vec<u8> {
        self.cms(entity, "DER")
    }

    fn cms(&self, entity: &[u8], form: &str) -> Vec<u8> {
        let mut args: Vec<String> =
            ["cms", "-sign", "-binary", "-md", self.digest, "-outform", form].map(String::from).into();
        for signer in self.signers {
            args.extend(["-signer".into(), pki(&format!("{signer}.pem"))]);
            args.extend(["-inkey".into(), pki(&format!("{signer}.key"))]);
            // Options of a key stand behind the key that they are for.
            if self.options.contains(&"pss") {
                args.extend(["-keyopt", "rsa_padding_mode:pss"].map(String::from));
            }
        }
        args.extend(self.options.iter().filter(|o| **o != "pss").map(|o| (*o).to_owned()));
        must("openssl", &args, entity)
    }
}

/// Signs with `options` beside those of [`Signing::ALICE`].
pub fn sign(signer: &str, entity: &[u8], options: &[&str]) -> Vec<u8> {
    Signing { signers: &[signer], options, ..Signing::ALICE }.sign(entity)
}

/// Encrypts `entity` to the owners of certificates in `tests/pki`.
pub fn encrypt(recipients: &[&str], entity: &[u8], cipher: &str, options: &[&str]) -> Vec<u8> {
    crlf(&encrypt_as("SMIME", recipients, entity, cipher, options))
}

/// The CMS structure of [`encrypt`] alone.
pub fn encrypt_der(recipients: &[&str], entity: &[u8], cipher: &str, options: &[&str]) -> Vec<u8> {
    encrypt_as("DER", recipients, entity, cipher, options)
}

fn encrypt_as(form: &str, recipients: &[&str], entity: &[u8], cipher: &str, options: &[&str]) -> Vec<u8> {
    let cipher = format!("-{cipher}");
    let mut args: Vec<String> = ["cms", "-encrypt", "-binary", &cipher, "-outform", form].map(String::from).into();
    let (for_keys, others): (Vec<&str>, Vec<&str>) =
        options.iter().partition(|o| o.starts_with("rsa_") || o.starts_with("ecdh_"));
    args.extend(others.iter().map(|o| (*o).to_owned()));
    for recipient in recipients {
        args.extend(["-recip".into(), pki(&format!("{recipient}.pem"))]);
        for option in &for_keys {
            args.extend(["-keyopt".into(), (*option).to_owned()]);
        }
    }
    must("openssl", &args, entity)
}

/// The options that make key transport RSAES-OAEP with a digest.
pub fn oaep(digest: &str) -> Vec<String> {
    let mut options = vec!["rsa_padding_mode:oaep".to_owned()];
    if digest != "sha1" {
        options.push(format!("rsa_oaep_md:{digest}"));
    }
    options
}

/// Verifies a signed entity against the authority of the tests; the content.
///
/// Without `-binary`, with which OpenSSL 3.0 takes the line end before the last
/// delimiter for content.
pub fn verify(entity: &[u8]) -> Vec<u8> {
    let args = ["cms", "-verify", "-inform", "SMIME", "-CAfile", &pki("ca.pem"), "-purpose", "smimesign"];
    must("openssl", &args, entity)
}

/// Decrypts an entity with a key of `tests/pki`; the content.
pub fn decrypt(recipient: &str, entity: &[u8]) -> Vec<u8> {
    let (certificate, key) = (pki(&format!("{recipient}.pem")), pki(&format!("{recipient}.key")));
    must("openssl", &["cms", "-decrypt", "-binary", "-inform", "SMIME", "-recip", &certificate, "-inkey", &key], entity)
}

/// The protection of a message, from outside in, and the entity inside of it.
pub fn peel(recipient: &str, message: &[u8]) -> (Vec<&'static str>, Vec<u8>) {
    let mut layers = Vec::new();
    let mut entity = message.to_vec();
    loop {
        let content_type = field(&entity, "content-type").concat().to_ascii_lowercase();
        let layer = match content_type {
            t if t.starts_with("multipart/signed") => "detached",
            t if t.contains("smime-type=signed-data") => "opaque",
            t if t.contains("smime-type=enveloped-data") => "enveloped",
            t if t.contains("smime-type=authenveloped-data") => "auth-enveloped",
            _ => return (layers, unwrapped(&entity)),
        };
        entity = if layer.ends_with("enveloped") { decrypt(recipient, &entity) } else { verify(&entity) };
        layers.push(layer);
    }
}

/// Prints the structure of the CMS in an entity.
pub fn print(entity: &[u8]) -> String {
    let text = must("openssl", &["cms", "-cmsout", "-print", "-noout", "-inform", "SMIME"], entity);
    String::from_utf8_lossy(&text).into_owned()
}

/// Makes a PKCS #12 file with the password `test`, in a form that all peers read.
pub fn pkcs12(name: &str) -> NamedTempFile {
    let file = NamedTempFile::with_suffix(".p12").expect("a temporary file");
    let path = file.path().display().to_string();
    let (certificate, key) = (pki(&format!("{name}.pem")), pki(&format!("{name}.key")));
    let old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    let mut args = vec!["pkcs12", "-export", "-in", &certificate, "-inkey", &key, "-name", name];
    args.extend(["-passout", "pass:test", "-out", &path]);
    args.extend(old);
    must("openssl", &args, b"");
    file
}
