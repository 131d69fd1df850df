//! New keys, with a certificate that its own key signs. Whoever is to trust it
//! pins it, as the keyring itself does.

use std::time::Duration;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;
use const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use der::asn1::{Any, Ia5String, SetOfVec, Utf8StringRef};
use der::{DateTime, Decode, Encode};
use signature::Keypair as _;
use spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use super::address::normalise;
use super::error::KeyringError;
use super::filing::{Filed, ImportOptions};
use super::import::Bundle;
use super::private_key::PrivateKeyMaterial;
use super::record::Source;
use super::store::Keyring;
use pair::Pair;

mod pair;

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3).
const ID_ON_SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
/// The most characters of a common name (RFC 5280, appendix A).
const MAX_COMMON_NAME: usize = 64;
/// Clocks of others may be slow: seconds before now that validity begins.
const SLACK: u64 = 3600;

/// The algorithm of a new key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits: as strong as AES-128, and the default.
    #[default]
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// ECDSA and ECDH on P-256.
    EcP256,
    /// ECDSA and ECDH on P-384.
    EcP384,
    /// ECDSA and ECDH on P-521.
    EcP521,
    /// Ed25519: signs, and nothing can be encrypted to it.
    Ed25519,
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Whose key it is.
    pub address: String,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// How many days its certificate is valid.
    pub days: u32,
    /// When it begins to be, in seconds since 1970-01-01T00:00:00Z.
    pub now: u64,
}

impl Keyring {
    /// Generates a private key and a certificate, and files both under the
    /// address, the public key pinned. Other keys of the address stay: the
    /// newest goes first.
    pub fn generate(&self, options: &GenerateOptions) -> Result<Vec<Filed>, KeyringError> {
        let address = normalise(&options.address)?;
        let pair = Pair::generate(options.algorithm).map_err(|_| KeyringError::Cryptography("generate a key"))?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| KeyringError::Cryptography("encode a key"))?;
        let key = PrivateKeyMaterial::from_pkcs8(&pkcs8).map_err(|_| KeyringError::Cryptography("encode a key"))?;
        let certificate = certificate(pair, &address, options.now, options.days)
            .map_err(|_| KeyringError::Cryptography("make a certificate"))?;
        let bundle =
            Bundle::made(&certificate, key).map_err(|_| KeyringError::Cryptography("read its own certificate"))?;
        self.file(bundle, &ImportOptions { address: Some(address), pin: true }, Source::Generated)
    }
}

/// A certificate for `address` that the key itself signs.
fn certificate(pair: Pair, address: &str, now: u64, days: u32) -> builder::Result<Vec<u8>> {
    let info = SubjectPublicKeyInfoOwned::from_key(&pair.verifying_key())?;
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| signature::Error::new())?;
    // Positive, and of the same length always (RFC 5280, section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    let time = |seconds| DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from);
    let not_after = now.saturating_add(u64::from(days).saturating_mul(86_400));
    let validity = Validity::new(time(now.saturating_sub(SLACK))?, time(not_after)?);
    let profile = Personal { subject: subject(address)?, address: address.to_owned(), usage: pair.usage() };
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, info)?;
    Ok(builder.build::<_, pair::Signature>(&pair)?.to_der()?)
}

fn subject(address: &str) -> der::Result<Name> {
    let common_name: String = address.chars().take(MAX_COMMON_NAME).collect();
    let value = Any::encode_from(&Utf8StringRef::new(&common_name)?)?;
    let attribute = AttributeTypeAndValue { oid: COMMON_NAME, value };
    let name = RelativeDistinguishedName::from(SetOfVec::try_from(vec![attribute])?);
    Name::from_der(&RdnSequence::from(vec![name]).to_der()?)
}

/// The certificate of a person who signs, and to whom others encrypt (RFC 8550,
/// section 4.4).
struct Personal {
    subject: Name,
    address: String,
    usage: KeyUsage,
}

impl BuilderProfile for Personal {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let none: &[Extension] = &[];
        Ok(vec![
            BasicConstraints { ca: false, path_len_constraint: None }.to_extension(subject, none)?,
            self.usage.to_extension(subject, none)?,
            ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]).to_extension(subject, none)?,
            SubjectAltName(vec![mailbox(&self.address)?]).to_extension(subject, none)?,
            SubjectKeyIdentifier::try_from(key)?.to_extension(subject, none)?,
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, none)?,
        ])
    }
}

fn mailbox(address: &str) -> der::Result<GeneralName> {
    if address.is_ascii() {
        return Ok(GeneralName::Rfc822Name(Ia5String::new(address)?));
    }
    let value = Any::encode_from(&Utf8StringRef::new(address)?)?;
    Ok(GeneralName::OtherName(OtherName { type_id: ID_ON_SMTP_UTF8_MAILBOX, value }))
}
