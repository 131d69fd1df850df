//! New keys: RSA, with a certificate that its own key signs. Whoever is to trust
//! it pins it, as the keyring itself does.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;
use const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use const_oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION;
use der::asn1::{Any, BitString, Ia5String, Null, SetOfVec, Utf8StringRef};
use der::{DateTime, Decode, Document, Encode};
use signature::Keypair;
use spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SignatureBitStringEncoding};
use spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
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

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3).
const ID_ON_SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
/// The most characters of a common name (RFC 5280, appendix A).
const MAX_COMMON_NAME: usize = 64;
/// Clocks of others may be slow: seconds before now that validity begins.
const SLACK: u64 = 3600;

/// The size of a new key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits.
    Rsa2048,
    /// 3072 bits: as strong as AES-128, and the default.
    #[default]
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl fmt::Display for KeySize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
        })
    }
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Whose key it is.
    pub address: String,
    /// Its size.
    pub size: KeySize,
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
        let size = match options.size {
            KeySize::Rsa2048 => rsa::KeySize::Rsa2048,
            KeySize::Rsa3072 => rsa::KeySize::Rsa3072,
            KeySize::Rsa4096 => rsa::KeySize::Rsa4096,
        };
        let pair = rsa::KeyPair::generate(size).map_err(|_| KeyringError::Cryptography("generate a key"))?;
        let certificate = certificate(&pair, &address, options.now, options.days)
            .map_err(|_| KeyringError::Cryptography("make a certificate"))?;
        let key = PrivateKeyMaterial::of_rsa(&pair).map_err(|_| KeyringError::Cryptography("encode a key"))?;
        let bundle =
            Bundle::made(&certificate, key).map_err(|_| KeyringError::Cryptography("read its own certificate"))?;
        self.file(bundle, &ImportOptions { address: Some(address), pin: true }, Source::Generated)
    }
}

/// A certificate for `address` that the key itself signs.
fn certificate(pair: &rsa::KeyPair, address: &str, now: u64, days: u32) -> builder::Result<Vec<u8>> {
    let signer = Signer(pair.clone());
    let info = SubjectPublicKeyInfoOwned::from_key(&signer.verifying_key())?;
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| signature::Error::new())?;
    // Positive, and of the same length always (RFC 5280, section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    let time = |seconds| DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from);
    let not_after = now.saturating_add(u64::from(days).saturating_mul(86_400));
    let validity = Validity::new(time(now.saturating_sub(SLACK))?, time(not_after)?);
    let profile = Personal { subject: subject(address)?, address: address.to_owned() };
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, info)?;
    Ok(builder.build::<_, Signature>(&signer)?.to_der()?)
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
            KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment).to_extension(subject, none)?,
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

/// A key of aws-lc as the certificate builder wants it.
struct Signer(rsa::KeyPair);

impl Keypair for Signer {
    type VerifyingKey = Verifier;

    fn verifying_key(&self) -> Verifier {
        Verifier(self.0.public_key().clone())
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA_ENCRYPTION, parameters: Some(Null.into()) })
    }
}

impl signature::Signer<Signature> for Signer {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| signature::Error::new())?;
        Ok(Signature(signature))
    }
}

#[derive(Clone)]
struct Verifier(rsa::PublicKey);

impl EncodePublicKey for Verifier {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        let encoded = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(&self.0)
            .map_err(|_| spki::Error::KeyMalformed)?;
        Ok(Document::try_from(encoded.as_ref())?)
    }
}

struct Signature(Vec<u8>);

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}
