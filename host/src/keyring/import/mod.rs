//! Files of keys and certificates, in whatever form they come.

pub mod pem;
mod pkcs12;

use std::collections::HashSet;

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag, Tagged};
use pkcs8::EncryptedPrivateKeyInfoRef;
use smime::budget::Budget;
use smime::cms::ContentInfo;
use smime::x509::Certificate;
use zeroize::Zeroizing;

use super::error::ImportError;
use super::facts::CertificateFacts;
use super::private_key::PrivateKeyMaterial;

/// Most octets of a file.
const MAX_FILE: usize = 16 << 20;

/// What was read from one or several files, to be filed together: a private key
/// may come in another file than its certificate.
#[derive(Default)]
pub struct Bundle {
    pub(super) certificates: Vec<BundledCertificate>,
    pub(super) private_keys: Vec<BundledKey>,
    fingerprints: HashSet<[u8; 32]>,
}

/// A certificate of a bundle.
pub(super) struct BundledCertificate {
    pub(super) encoded: Vec<u8>,
    pub(super) facts: CertificateFacts,
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
}

impl BundledCertificate {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self {
            encoded: certificate.encoded().to_vec(),
            facts: CertificateFacts::of(certificate),
            subject: certificate.subject_der().to_vec(),
            issuer: certificate.issuer_der().to_vec(),
        }
    }
}

/// A private key of a bundle, and the file it came in.
pub(super) struct BundledKey {
    pub(super) file: String,
    pub(super) key: PrivateKeyMaterial,
}

impl Bundle {
    /// Reads one file, called `name` in messages. `password` opens encrypted
    /// private keys and PKCS #12.
    pub fn read(&mut self, name: &str, octets: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        if octets.len() > MAX_FILE {
            return Err(ImportError::TooLarge(name.to_owned()));
        }
        if octets.iter().all(u8::is_ascii_whitespace) {
            return Err(ImportError::Empty(name.to_owned()));
        }
        if pem::is_pem(octets) {
            return self.read_pem(name, octets, password);
        }
        self.read_der(name, octets, password)
    }

    /// A bundle of one certificate and its private key, which were just made.
    pub(super) fn made(certificate: &[u8], key: PrivateKeyMaterial) -> Result<Self, ImportError> {
        let mut bundle = Self::default();
        bundle.add_certificate("the new certificate", certificate)?;
        bundle.private_keys.push(BundledKey { file: "the new key".to_owned(), key });
        Ok(bundle)
    }

    /// A bundle of one certificate and that of its issuer, which was just made, with
    /// the private key if it was made, too.
    pub(crate) fn issued(
        certificate: &[u8],
        key: Option<PrivateKeyMaterial>,
        issuer: &[u8],
    ) -> Result<Self, ImportError> {
        let mut bundle = Self::default();
        bundle.add_certificate("the new certificate", certificate)?;
        bundle.add_certificate("the authority's certificate", issuer)?;
        bundle.private_keys.extend(key.map(|key| BundledKey { file: "the new key".to_owned(), key }));
        Ok(bundle)
    }

    /// The certificates in it, as DER.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(|certificate| certificate.encoded.as_slice())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.private_keys.is_empty()
    }

    /// Says what an encoding is by how it begins, then reads it as that.
    fn read_der(&mut self, name: &str, octets: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        match shape(octets).ok_or_else(|| ImportError::Unknown(name.to_owned()))? {
            Shape::Certificate => self.add_certificate(name, octets),
            Shape::Pkcs7 => self.add_pkcs7(name, octets),
            Shape::Pkcs12 => self.add_pkcs12(name, octets, password),
            Shape::EncryptedPkcs8 => self.add_encrypted_pkcs8(name, octets, password),
            Shape::Pkcs8 => self.add_key(name, PrivateKeyMaterial::from_pkcs8(octets)),
            Shape::Pkcs1 => self.add_key(name, PrivateKeyMaterial::from_pkcs1(octets)),
            Shape::Sec1 => self.add_key(name, PrivateKeyMaterial::from_sec1(octets)),
        }
    }

    fn read_pem(&mut self, name: &str, octets: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        let mut known = 0;
        for block in pem::blocks(name, octets) {
            let block = block?;
            let content = &block.content;
            known += 1;
            match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => self.add_certificate(name, content)?,
                "PKCS7" | "CMS" => self.add_pkcs7(name, content)?,
                "ENCRYPTED PRIVATE KEY" => self.add_encrypted_pkcs8(name, content, password)?,
                "PRIVATE KEY" => self.add_key(name, PrivateKeyMaterial::from_pkcs8(content))?,
                "RSA PRIVATE KEY" => self.add_key(name, PrivateKeyMaterial::from_pkcs1(content))?,
                "EC PRIVATE KEY" => self.add_key(name, PrivateKeyMaterial::from_sec1(content))?,
                // The curve of the key that follows, which says it as well.
                "EC PARAMETERS" => {}
                _ => known -= 1,
            }
        }
        if known == 0 { Err(ImportError::Unknown(name.to_owned())) } else { Ok(()) }
    }

    fn add_certificate(&mut self, name: &str, encoded: &[u8]) -> Result<(), ImportError> {
        let certificate = Certificate::from_der(encoded).map_err(|_| CertificateFacts::unparsable(name))?;
        // Bundles repeat themselves: once is enough.
        if self.fingerprints.insert(certificate.fingerprint()) {
            self.certificates.push(BundledCertificate::of(&certificate));
        }
        Ok(())
    }

    fn add_pkcs7(&mut self, name: &str, encoded: &[u8]) -> Result<(), ImportError> {
        let malformed = || ImportError::Malformed { file: name.to_owned(), what: "PKCS #7 bundle".to_owned() };
        let mut budget = Budget::for_message(encoded.len());
        let Ok(ContentInfo::Signed(signed)) = ContentInfo::parse(encoded, &mut budget) else { return Err(malformed()) };
        if signed.certificates().is_empty() {
            return Err(malformed());
        }
        signed.certificates().iter().try_for_each(|certificate| self.add_certificate(name, certificate))
    }

    fn add_pkcs12(&mut self, name: &str, encoded: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        let content = pkcs12::read(name, encoded, password)?;
        for key in &content.private_keys {
            self.add_key(name, PrivateKeyMaterial::from_pkcs8(key))?;
        }
        content.certificates.iter().try_for_each(|certificate| self.add_certificate(name, certificate))
    }

    fn add_encrypted_pkcs8(&mut self, name: &str, encoded: &[u8], password: Option<&str>) -> Result<(), ImportError> {
        let info = EncryptedPrivateKeyInfoRef::from_der(encoded).map_err(|_| ImportError::Encryption {
            file: name.to_owned(),
            what: "the encryption of the private key".to_owned(),
        })?;
        let password = password.ok_or_else(|| ImportError::PasswordNeeded(name.to_owned()))?;
        if info.encryption_algorithm.pbes2().is_none() {
            let what = "the encryption of the private key (PBES1)".to_owned();
            return Err(ImportError::Encryption { file: name.to_owned(), what });
        }
        let key = info.decrypt(password).map_err(|_| ImportError::PasswordWrong(name.to_owned()))?;
        self.add_key(name, PrivateKeyMaterial::from_pkcs8(key.as_bytes()))
    }

    fn add_key(&mut self, name: &str, key: Result<PrivateKeyMaterial, String>) -> Result<(), ImportError> {
        let key = key.map_err(|reason| ImportError::Key { file: name.to_owned(), reason })?;
        if self.private_keys.iter().all(|known| known.key.key_id != key.key_id) {
            self.private_keys.push(BundledKey { file: name.to_owned(), key });
        }
        Ok(())
    }
}

/// A password as it stands in a file: one line, without its end.
pub fn password(octets: &[u8]) -> Option<Zeroizing<String>> {
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).ok().map(|line| Zeroizing::new(line.to_owned()))
}

/// What a DER encoding is.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// SEQUENCE { SEQUENCE { [0] or INTEGER …
    Certificate,
    /// SEQUENCE { OBJECT IDENTIFIER id-signedData …
    Pkcs7,
    /// SEQUENCE { INTEGER 3, SEQUENCE { OBJECT IDENTIFIER …
    Pkcs12,
    /// SEQUENCE { SEQUENCE { OBJECT IDENTIFIER …
    EncryptedPkcs8,
    /// SEQUENCE { INTEGER, SEQUENCE …
    Pkcs8,
    /// SEQUENCE { INTEGER 0, INTEGER …
    Pkcs1,
    /// SEQUENCE { INTEGER 1, OCTET STRING …
    Sec1,
}

fn shape(encoded: &[u8]) -> Option<Shape> {
    // BER of indefinite length, as some PKCS #7 and PKCS #12 files are.
    if encoded.starts_with(&[0x30, 0x80, 0x06]) {
        return Some(Shape::Pkcs7);
    }
    if encoded.starts_with(&[0x30, 0x80, 0x02]) {
        return Some(Shape::Pkcs12);
    }
    // Or BER only within, or in longer lengths than need be.
    shape_of_der(encoded).or_else(|| shape_of_der(&Zeroizing::new(smime::cms::to_der(encoded).ok()?)))
}

fn shape_of_der(encoded: &[u8]) -> Option<Shape> {
    let outer = AnyRef::from_der(encoded).ok().filter(|any| any.tag() == Tag::Sequence)?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = AnyRef::decode(&mut reader).ok().map(|any| any.tag());
    let inner = |any: &AnyRef<'_>| Some(any.value().first().copied()? & 0xdf);
    match (first.tag(), second) {
        (Tag::ObjectIdentifier, _) => Some(Shape::Pkcs7),
        (Tag::Sequence, Some(Tag::OctetString)) => Some(Shape::EncryptedPkcs8),
        (Tag::Sequence, Some(Tag::Sequence)) if inner(&first) != Some(OBJECT_IDENTIFIER) => Some(Shape::Certificate),
        (Tag::Integer, Some(Tag::Integer)) => Some(Shape::Pkcs1),
        (Tag::Integer, Some(Tag::OctetString)) => Some(Shape::Sec1),
        (Tag::Integer, Some(Tag::Sequence)) if first.value() == [3] => Some(Shape::Pkcs12),
        (Tag::Integer, Some(Tag::Sequence)) => Some(Shape::Pkcs8),
        _ => None,
    }
}

const OBJECT_IDENTIFIER: u8 = 6;
