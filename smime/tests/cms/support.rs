//! Keys and certificates of the people in these tests, and the two things done
//! with every structure: verify and decrypt.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use const_oid::db::rfc5911::ID_DATA;
use smime::PrivateKey;
use smime::budget::Budget;
use smime::cms::signed_data::{self, Signer};
use smime::cms::{
    Cipher, ContentInfo, Encrypted, SignedData, attributes, auth_enveloped_data, enveloped_data, signature_algorithm,
};
use smime::crypto::private_key::SoftwareKey;
use smime::crypto::{Bulk, Software};
use smime::error::{CmsError, MessageError};
use smime::x509::Certificate;

use crate::foreign::corpora;

/// A folder of `tests/vectors`: certificates, keys, and what was made with them.
pub struct Folder(pub &'static str);

/// What OpenSSL made with RSA.
const RSA: Folder = Folder("openssl");

impl Folder {
    pub fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(self.0)
    }

    pub fn file(&self, name: &str) -> Vec<u8> {
        let path = self.path().join(name);
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_der(&pem(&self.file(&format!("certificates/{name}.pem")))).unwrap()
    }

    pub fn key(&self, name: &str) -> SoftwareKey<fn(u32) -> Vec<u8>> {
        key_of(&pem(&self.file(&format!("keys/{name}.pem"))))
    }

    /// A signature by `name` over `content`, which is in it or not.
    pub fn sign(&self, name: &str, content: &[u8], detached: bool) -> Vec<u8> {
        let certificate = self.certificate(name);
        let signer = self.signer(name, &certificate, content);
        signed_data::write((!detached).then_some(content), &[signer], &[certificate.encoded()])
    }

    /// The same before it is written.
    pub fn signer<'a>(&self, name: &str, certificate: &'a Certificate, content: &[u8]) -> Signer<'a> {
        sign_with(certificate, &mut self.key(name), content)
    }
}

/// A signature over `content` by the holder of `certificate`.
pub fn sign_with<'a>(certificate: &'a Certificate, key: &mut impl PrivateKey, content: &[u8]) -> Signer<'a> {
    let (algorithm, digest, digest_algorithm) = signature_algorithm(certificate).unwrap();
    let content_digest = Software.digest(digest_algorithm, content);
    let attributes = attributes::signed_attributes(ID_DATA, &content_digest, NOW, certificate, digest_algorithm);
    let signature = key.sign(&algorithm, &digest, &attributes).unwrap();
    Signer { certificate, digest, algorithm, attributes, signature }
}

/// 2026-11-22T12:00:00Z
pub const NOW: u64 = 1_795_348_800;

/// A file of the vectors made with OpenSSL.
pub fn vector(name: &str) -> Vec<u8> {
    RSA.file(name)
}

pub fn vectors() -> PathBuf {
    RSA.path()
}

pub fn certificate(name: &str) -> Certificate {
    RSA.certificate(name)
}

pub fn key(name: &str) -> SoftwareKey<fn(u32) -> Vec<u8>> {
    RSA.key(name)
}

/// A signature by `name` over `content`, which is in it or not.
pub fn sign(name: &str, content: &[u8], detached: bool) -> Vec<u8> {
    RSA.sign(name, content, detached)
}

/// The same before it is written.
pub fn signer<'a>(name: &str, certificate: &'a Certificate, content: &[u8]) -> Signer<'a> {
    RSA.signer(name, certificate, content)
}

/// `content`, encrypted with a key that these recipients are told.
pub fn seal(recipients: &[Vec<u8>], cipher: Cipher, key: &[u8], content: &[u8]) -> Result<Vec<u8>, CmsError> {
    let (iv, content) = (draw(cipher.iv_len() as u32), content.to_vec());
    if cipher.is_authenticated() {
        auth_enveloped_data::write(recipients, cipher, key, &iv, content, &Software)
    } else {
        enveloped_data::write(recipients, cipher, key, &iv, content, &Software)
    }
}

/// A file of the foreign messages, where those are at hand.
pub fn corpus(name: &str) -> Option<Vec<u8>> {
    std::fs::read(corpora("")?.join(name)).ok()
}

pub fn key_of(pkcs8: &[u8]) -> SoftwareKey<fn(u32) -> Vec<u8>> {
    SoftwareKey::from_pkcs8(pkcs8, draw as fn(u32) -> Vec<u8>).unwrap()
}

/// The octets of the first PEM block.
pub fn pem(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).unwrap();
    let body = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let base64: String = body.take_while(|line| !line.starts_with("-----END")).map(str::trim).collect();
    base64_simd::STANDARD.decode_to_vec(base64).unwrap()
}

thread_local!(static STATE: Cell<u64> = const { Cell::new(0x9E37_79B9_7F4A_7C15) });

/// Octets that look random, the same for every run of a test.
pub fn draw(len: u32) -> Vec<u8> {
    let next = || {
        // xorshift64
        let mut state = STATE.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        STATE.set(state);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len as usize).collect()
}

pub fn parse(encoded: &[u8]) -> Result<ContentInfo, MessageError> {
    ContentInfo::parse(encoded, &mut Budget::for_message(encoded.len()))
}

pub fn signed(encoded: &[u8]) -> SignedData {
    match parse(encoded) {
        Ok(ContentInfo::Signed(data)) => data,
        other => panic!("not signed data: {other:?}"),
    }
}

/// The outcome for each signer, with the content that is signed; `candidates`
/// are certificates beside those that came along.
pub fn verify(
    encoded: &[u8],
    detached: Option<&[u8]>,
    candidates: &[Certificate],
) -> (Vec<u8>, Vec<Result<(), CmsError>>) {
    let data = signed(encoded);
    let content = match (data.content(), detached) {
        (Some(content), None) => content.join(encoded).into_owned(),
        (None, Some(content)) => content.to_vec(),
        (content, detached) => panic!("content {}, detached {}", content.is_some(), detached.is_some()),
    };
    let included = data.certificates().iter().filter_map(|der| Certificate::from_der(der).ok());
    let pool: Vec<_> = included.chain(candidates.iter().cloned()).collect();
    let results = data.signers().iter().map(|signer| {
        let digest = Software.digest(signer.digest_algorithm()?, &content);
        let certificate = pool.iter().find(|c| signer.identifies(c)).ok_or(CmsError::NoCertificate)?;
        signer.verify(data.content_type(), &digest, &content, certificate, &Software)
    });
    let results = results.collect();
    (content, results)
}

/// What `key` makes of it, as the owner of `certificate`.
pub fn decrypt(encoded: &[u8], certificate: &Certificate, key: &mut impl PrivateKey) -> Result<Vec<u8>, CmsError> {
    match parse(encoded) {
        Ok(ContentInfo::Enveloped(data)) => open(data, encoded, certificate, key),
        Ok(ContentInfo::AuthEnveloped(data)) => open(data, encoded, certificate, key),
        Err(MessageError::Cms(e)) => Err(e),
        other => panic!("not enveloped data: {other:?}"),
    }
}

fn open(
    data: impl Encrypted,
    encoded: &[u8],
    certificate: &Certificate,
    key: &mut impl PrivateKey,
) -> Result<Vec<u8>, CmsError> {
    let length = data.key_len()?;
    let recipient = data.recipients().iter().find(|r| r.is_supported() && r.identifies(certificate));
    let recipient = recipient.ok_or(CmsError::NoCertificate)?;
    let content_key = key.unwrap_key(&recipient.der(), length as u32).map_err(|_| CmsError::Undecipherable)?;
    data.decrypt(encoded.to_vec(), &content_key, &Software)
}
