//! What a keyring notes of a certificate, to show it and to find it again.

use std::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::Decode;
use pkcs1::RsaPublicKeyRef;
use sha2::{Digest, Sha256};
use smime::crypto::lattice::{MlDsa, MlKem};
use smime::error::CertificateError;
use smime::x509::{Certificate, address, usage};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::name::Name;

use super::error::ImportError;

/// What a keyring notes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the encoding.
    pub fingerprint: [u8; 32],
    /// SHA-256 of the `subjectPublicKey` bits: what a private key is matched by.
    pub key_id: [u8; 32],
    /// The public key's algorithm.
    pub algorithm: Algorithm,
    /// The subject (RFC 4514), fit to be printed.
    pub subject: String,
    /// The issuer (RFC 4514), fit to be printed.
    pub issuer: String,
    /// The serial number's content octets.
    pub serial: Vec<u8>,
    /// First second of its validity, since 1970-01-01T00:00:00Z.
    pub not_before: u64,
    /// Last second of its validity, since 1970-01-01T00:00:00Z.
    pub not_after: u64,
    /// The mail addresses it names.
    pub mailboxes: Vec<String>,
    /// Whether it is that of an authority (basicConstraints).
    pub authority: bool,
    /// Whether it may verify signatures of mail: keyUsage, extendedKeyUsage, and
    /// a key of a kind that is used.
    pub signs: bool,
    /// Whether mail may be encrypted to it.
    pub enciphers: bool,
}

impl CertificateFacts {
    /// Reads the facts of a DER certificate.
    pub fn from_der(encoded: &[u8]) -> Result<Self, CertificateError> {
        Ok(Self::of(&Certificate::from_der(encoded)?))
    }

    /// The facts of a certificate.
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let public_key = certificate.public_key().subject_public_key.raw_bytes();
        let constraints: Option<BasicConstraints> = certificate.extension().ok().flatten();
        Self {
            fingerprint: certificate.fingerprint(),
            key_id: Sha256::digest(public_key).into(),
            algorithm: Algorithm::of(certificate),
            subject: printed_name(certificate.subject_der()),
            issuer: printed_name(certificate.issuer_der()),
            serial: certificate.serial().to_vec(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            mailboxes: address::mailboxes(certificate),
            authority: constraints.is_some_and(|constraints| constraints.ca),
            signs: usage::may_sign(certificate).is_ok(),
            enciphers: usage::may_encipher(certificate).is_ok(),
        }
    }

    /// Whether `now` lies in its validity.
    pub fn is_valid_at(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// The subject, or the fingerprint where the subject is empty.
    pub fn title(&self) -> String {
        match self.subject.as_str() {
            "" => hex(&self.fingerprint),
            subject => subject.to_owned(),
        }
    }

    pub(super) fn unparsable(file: &str) -> ImportError {
        ImportError::Malformed { file: file.to_owned(), what: "certificate".to_owned() }
    }
}

/// The algorithm of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with a modulus of this many bits.
    Rsa(u32),
    /// RSA for RSASSA-PSS alone, with a modulus of this many bits.
    RsaPss(u32),
    /// An elliptic curve, by the name that is in use for it.
    Curve(&'static str),
    /// A lattice: a parameter set of ML-DSA or ML-KEM, by its name.
    Lattice(&'static str),
    /// Another, by its object identifier.
    Other(String),
}

impl Algorithm {
    fn of(certificate: &Certificate) -> Self {
        let info = certificate.public_key();
        let parameter = || info.algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        let bits = || match RsaPublicKeyRef::from_der(info.subject_public_key.raw_bytes()) {
            Ok(key) => modulus_bits(key.modulus.as_bytes()),
            Err(_) => 0,
        };
        match info.algorithm.oid {
            rfc5912::RSA_ENCRYPTION => Self::Rsa(bits()),
            rfc5912::ID_RSASSA_PSS => Self::RsaPss(bits()),
            rfc5912::ID_EC_PUBLIC_KEY => match parameter() {
                Some(rfc5912::SECP_256_R_1) => Self::Curve("P-256"),
                Some(rfc5912::SECP_384_R_1) => Self::Curve("P-384"),
                Some(rfc5912::SECP_521_R_1) => Self::Curve("P-521"),
                _ => Self::Curve("unnamed curve"),
            },
            rfc8410::ID_ED_25519 => Self::Curve("Ed25519"),
            rfc8410::ID_X_25519 => Self::Curve("X25519"),
            other => match (MlDsa::from_oid(other), MlKem::from_oid(other)) {
                (Some(MlDsa::MlDsa65), _) => Self::Lattice("ML-DSA-65"),
                (Some(MlDsa::MlDsa87), _) => Self::Lattice("ML-DSA-87"),
                (_, Some(MlKem::MlKem768)) => Self::Lattice("ML-KEM-768"),
                (_, Some(MlKem::MlKem1024)) => Self::Lattice("ML-KEM-1024"),
                (None, None) => Self::Other(other.to_string()),
            },
        }
    }

    /// Why keys of this algorithm are filed but not used, in words that follow
    /// "the key"; none if they are used.
    pub fn unusable(&self) -> Option<String> {
        match self {
            Self::Rsa(2048..=4096) | Self::RsaPss(2048..=4096) => None,
            Self::Lattice(_) => None,
            Self::Curve("P-256" | "P-384" | "P-521" | "Ed25519" | "X25519") => None,
            Self::Rsa(bits) | Self::RsaPss(bits) if *bits < 2048 => {
                Some(format!("has {bits} bits, and 2048 are the least that is secure"))
            }
            Self::Rsa(_) | Self::RsaPss(_) => Some("has more than 4096 bits, which costs too much to use".to_owned()),
            Self::Curve(name) => Some(format!("is on a curve that is not used ({name})")),
            Self::Other(oid) => Some(format!("has an algorithm this release does not know ({oid})")),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::RsaPss(bits) => write!(f, "RSA-PSS {bits}"),
            Self::Curve(name) | Self::Lattice(name) => f.write_str(name),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

pub(super) fn modulus_bits(modulus: &[u8]) -> u32 {
    let significant = modulus.iter().skip_while(|&&octet| octet == 0);
    let first_zeros = significant.clone().next().map_or(0, |octet| octet.leading_zeros());
    u32::try_from(significant.count()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(first_zeros)
}

/// The DER of a `Name` as RFC 4514 writes it, with nothing that could steer a terminal.
pub fn printed_name(encoded: &[u8]) -> String {
    match Name::from_der(encoded) {
        Ok(name) => crate::event::clean(&name.to_string(), 512),
        Err(_) => "(a name that cannot be shown)".to_owned(),
    }
}

/// Octets as lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
