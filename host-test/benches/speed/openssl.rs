//! OpenSSL's CMS, with the same work around it: the MIME entity is taken out,
//! signed (`multipart/signed`), encrypted, and written in base64; and all of that
//! in reverse.

use openssl::base64::{decode_block, encode_block};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm::Cipher as Symmetric;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};

use crate::people::{Cipher, People};

/// Keys and certificates, parsed beforehand.
pub struct Correspondence {
    sender: X509,
    sender_key: PKey<Private>,
    recipients: Stack<X509>,
    recipient: X509,
    recipient_key: PKey<Private>,
    store: X509Store,
    cipher: Symmetric,
}

/// The version, in its own words.
pub fn version() -> &'static str {
    openssl::version::version()
}

impl Correspondence {
    pub fn new(people: &People, cipher: Cipher, recipients: usize) -> Self {
        Self::parse(people, cipher, recipients).expect("OpenSSL reads the people of the benches")
    }

    fn parse(people: &People, cipher: Cipher, count: usize) -> Result<Self, ErrorStack> {
        let mut recipients = Stack::new()?;
        for certificate in people.recipients.iter().take(count) {
            recipients.push(X509::from_der(certificate)?)?;
        }
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(X509::from_der(&people.authority)?)?;
        Ok(Self {
            sender: X509::from_der(&people.sender)?,
            sender_key: PKey::private_key_from_pkcs8(&people.sender_key)?,
            recipients,
            recipient: X509::from_der(&people.recipients[0])?,
            recipient_key: PKey::private_key_from_pkcs8(&people.recipient_key)?,
            store: store.build(),
            cipher: match cipher {
                Cipher::Cbc => Symmetric::aes_256_cbc(),
                Cipher::Gcm => Symmetric::aes_256_gcm(),
            },
        })
    }

    /// Signs and encrypts.
    pub fn seal(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let (header, entity) = take_entity(message);
        let detached = CMSOptions::DETACHED | CMSOptions::BINARY;
        let signature =
            CmsContentInfo::sign(Some(&self.sender), Some(&self.sender_key), None, Some(&entity), detached)?;
        let signature = signature.to_der()?;
        let mut signed = Vec::with_capacity(entity.len() + signature.len() * 3 / 2 + 1024);
        signed.extend_from_slice(SIGNED.as_bytes());
        signed.extend_from_slice(&entity);
        drop(entity);
        signed.extend_from_slice(SIGNATURE.as_bytes());
        append_base64(&mut signed, &signature);
        signed.extend_from_slice(b"--=_boundary--\r\n");
        let encrypted = CmsContentInfo::encrypt(&self.recipients, &signed, self.cipher, CMSOptions::BINARY)?;
        drop(signed);
        let encrypted = encrypted.to_der()?;
        let mut out = header;
        out.reserve(encrypted.len() * 11 / 8 + 1024);
        out.extend_from_slice(ENCRYPTED.as_bytes());
        append_base64(&mut out, &encrypted);
        Ok(out)
    }

    /// Decrypts and verifies.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let (mut out, body) = header_and_body(sealed);
        let encrypted = CmsContentInfo::from_der(&decode_base64(body)?)?;
        let signed = encrypted.decrypt(&self.recipient_key, &self.recipient)?;
        drop(encrypted);
        let (entity, signature) = parts(&signed);
        let mut signature = CmsContentInfo::from_der(&decode_base64(signature)?)?;
        signature.verify(None, Some(&self.store), Some(entity), None, CMSOptions::BINARY)?;
        out.extend_from_slice(entity);
        Ok(out)
    }
}

const SIGNED: &str = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n \
    micalg=sha-256;\r\n boundary=\"=_boundary\"\r\n\r\n--=_boundary\r\n";
const SIGNATURE: &str = "\r\n--=_boundary\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
    Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n";
const ENCRYPTED: &str = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n name=\"smime.p7m\"\r\n\
    Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n";

/// The fields that stay outside, and the MIME entity.
fn take_entity(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (header, body) = split(message, b"\r\n\r\n");
    let (mut outside, mut entity) = (Vec::new(), Vec::with_capacity(message.len()));
    let mut is_content = false;
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            is_content = line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"));
        }
        let out = if is_content { &mut entity } else { &mut outside };
        out.extend_from_slice(line.trim_ascii_end());
        out.extend_from_slice(b"\r\n");
    }
    entity.extend_from_slice(b"\r\n");
    entity.extend_from_slice(body);
    (outside, entity)
}

/// The fields that are not of the MIME entity, and the body.
fn header_and_body(message: &[u8]) -> (Vec<u8>, &[u8]) {
    let (_, body) = split(message, b"\r\n\r\n");
    let header = message.get(..message.len() - body.len()).unwrap_or_default();
    (take_entity(header).0, body)
}

/// The signed entity of a `multipart/signed`, and its signature in base64.
fn parts(multipart: &[u8]) -> (&[u8], &[u8]) {
    let (header, body) = split(multipart, b"\r\n\r\n");
    let boundary = split(header, b"boundary=\"").1;
    let boundary = [b"\r\n--", split(boundary, b"\"").0].concat();
    let entity = split(body, b"\r\n").1;
    let (entity, rest) = split(entity, &boundary);
    (entity, split(split(rest, b"\r\n\r\n").1, &boundary).0)
}

/// What stands before the first `delimiter`, and what after it.
fn split<'a>(octets: &'a [u8], delimiter: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = memchr::memmem::find(octets, delimiter).unwrap_or(octets.len());
    let (before, after) = octets.split_at(at);
    (before, after.get(delimiter.len()..).unwrap_or_default())
}

fn append_base64(out: &mut Vec<u8>, content: &[u8]) {
    let encoded = encode_block(content);
    for line in encoded.as_bytes().chunks(76) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
}

fn decode_base64(body: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut text = String::with_capacity(body.len());
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = body.get(start..end).unwrap_or_default();
        text.push_str(str::from_utf8(line.trim_ascii_end()).unwrap_or_default());
        start = end + 1;
    }
    decode_block(&text)
}
