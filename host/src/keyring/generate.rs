//! New keys, with a certificate that its own key signs. Whoever is to trust it
//! pins it, as the keyring itself does.

use std::time::Duration;

use der::asn1::UtcTime;
use der::{DateTime, Encode};
use signature::Keypair as _;
use spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
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
use personal::Personal;

pub(crate) mod pair;
pub(crate) mod personal;

/// Clocks of others may be slow: seconds before now that validity begins.
pub(crate) const SLACK: u64 = 3600;

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
        let pair = Pair::generate(options.algorithm).map_err(|_| FAILED)?;
        let bundle = self_signed(&pair, &address, options.now, options.days)?;
        self.file(bundle, &ImportOptions { address: Some(address), pin: true }, Source::Generated)
    }
}

/// What there is to say where a key could not be generated.
pub(super) const FAILED: KeyringError = KeyringError::Cryptography("generate a key");

/// A key with a certificate for `address` that it signs itself.
pub(super) fn self_signed(pair: &Pair, address: &str, now: u64, days: u32) -> Result<Bundle, KeyringError> {
    let pkcs8 = pair.to_pkcs8().map_err(|_| KeyringError::Cryptography("encode a key"))?;
    let key = PrivateKeyMaterial::from_pkcs8(&pkcs8).map_err(|_| KeyringError::Cryptography("encode a key"))?;
    let certificate =
        certificate(pair, address, now, days).map_err(|_| KeyringError::Cryptography("make a certificate"))?;
    Bundle::made(&certificate, key).map_err(|_| KeyringError::Cryptography("read its own certificate"))
}

fn certificate(pair: &Pair, address: &str, now: u64, days: u32) -> builder::Result<Vec<u8>> {
    let info = SubjectPublicKeyInfoOwned::from_key(&pair.verifying_key())?;
    let validity = validity(now.saturating_sub(SLACK), in_days(now, days))?;
    let profile = SelfSigned(Personal::new(address, pair.usage())?);
    let builder = CertificateBuilder::new(profile, serial_number()?, validity, info)?;
    Ok(builder.build::<_, pair::Signature>(pair)?.to_der()?)
}

/// A random serial number of 20 octets: positive, and of the same length always
/// (RFC 5280, section 4.1.2.2).
pub(crate) fn serial_number() -> builder::Result<SerialNumber> {
    let mut serial = [0; 20];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| signature::Error::new())?;
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::new(&serial)?)
}

/// A day, in seconds.
pub(crate) const DAY: u64 = 86_400;

/// The instant so many days after `now`, in seconds since 1970-01-01T00:00:00Z.
pub(crate) fn in_days(now: u64, days: u32) -> u64 {
    now.saturating_add(u64::from(days).saturating_mul(DAY))
}

/// A validity between two instants, in seconds since 1970-01-01T00:00:00Z.
pub(crate) fn validity(from: u64, until: u64) -> der::Result<Validity> {
    Ok(Validity::new(time(from)?, time(until)?))
}

/// An instant, as it is to be written (RFC 5280, section 4.1.2.5).
pub(crate) fn time(instant: u64) -> der::Result<Time> {
    let date_time = DateTime::from_unix_duration(Duration::from_secs(instant))?;
    match date_time.year() {
        ..2050 => Ok(Time::UtcTime(UtcTime::from_date_time(date_time)?)),
        _ => Ok(Time::from(date_time)),
    }
}

/// A certificate whose issuer is its subject.
struct SelfSigned(Personal);

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let none: &[Extension] = &[];
        let mut extensions = self.0.extensions()?.to_vec();
        extensions.push(SubjectKeyIdentifier::try_from(key)?.to_extension(subject, none)?);
        extensions.push(AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, none)?);
        Ok(extensions)
    }
}
