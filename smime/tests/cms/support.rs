//! Keys and certificates of the people in these tests, and the two things done
//! with every structure: verify and decrypt.

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use smime::PrivateKey;
use smime::budget::Budget;
use smime::cms::{ContentInfo, Encrypted, SignedData};
use smime::crypto::private_key::SoftwareKey;
use smime::crypto::{Bulk, Software};
use smime::error::{CmsError, MessageError};
use smime::x509::Certificate;

/// A file of the vectors made with OpenSSL.
pub fn vector(name: &str) -> Vec<u8> {
    let path = vectors().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/openssl")
}

/// A file of the foreign messages, where those are at hand.
pub fn corpus(name: &str) -> Option<Vec<u8>> {
    std::fs::read(corpora()?.join(name)).ok()
}

/// The folder of the foreign messages; says so if it is not there.
pub fn corpora() -> Option<PathBuf> {
    // Beside the repository, or beside a folder of work trees.
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(2);
    let found = ancestors.map(|folder| folder.join("shared/corpora")).find(|path| path.is_dir());
    if found.is_none() {
        // Past the capture of the test runner.
        let _ = writeln!(std::io::stderr(), "skipped: the foreign messages are not at hand");
    }
    found
}

pub fn certificate(name: &str) -> Certificate {
    Certificate::from_der(&pem(&vector(&format!("certificates/{name}.pem")))).unwrap()
}

pub fn key(name: &str) -> SoftwareKey<fn(u32) -> Vec<u8>> {
    key_of(&pem(&vector(&format!("keys/{name}.pem"))))
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
