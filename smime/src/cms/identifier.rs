//! How a structure names the certificate it means: `SignerIdentifier` and
//! `RecipientIdentifier`, which are alike.

use super::ber::{Reader, tag};
use super::encode;
use crate::error::CmsError;
use crate::x509::Certificate;

/// ```text
/// RecipientIdentifier ::= CHOICE {
///   issuerAndSerialNumber IssuerAndSerialNumber,
///   subjectKeyIdentifier [0] SubjectKeyIdentifier }
/// ```
/// RFC 5652, sections 5.3 and 6.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// By the issuer's `Name`, in DER, and the octets of the serial number.
    IssuerAndSerialNumber { issuer: Vec<u8>, serial: Vec<u8> },
    /// By the subjectKeyIdentifier extension. Several certificates may have
    /// the same.
    SubjectKeyIdentifier(Vec<u8>),
}

impl Identifier {
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        match reader.peek() {
            Some(tag::SEQUENCE) => reader.nested(tag::SEQUENCE, |pair| {
                let issuer = pair.der()?;
                let serial = pair.primitive(tag::INTEGER)?.to_vec();
                Ok(Self::IssuerAndSerialNumber { issuer, serial })
            }),
            Some(tag) if tag & !tag::CONSTRUCTED == tag::context(0) => {
                reader.small_octet_string(tag::context(0)).map(Self::SubjectKeyIdentifier)
            }
            _ => Err(CmsError::Malformed),
        }
    }

    /// Whether `certificate` is one that this names.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerialNumber { issuer, serial } => {
                certificate.has_serial(serial) && issuer == certificate.issuer_der()
            }
            Self::SubjectKeyIdentifier(identifier) => {
                certificate.subject_key_identifier().is_some_and(|own| own == identifier)
            }
        }
    }

    /// The DER of the identifier that names `certificate` by issuer and serial
    /// number.
    pub fn by_issuer_and_serial_number(certificate: &Certificate) -> Vec<u8> {
        let serial = encode::value(tag::INTEGER, &[certificate.serial()]);
        encode::sequence(&[certificate.issuer_der(), &serial])
    }

    /// The DER of the identifier that names `certificate` by its key
    /// identifier; none if it has none.
    pub fn by_subject_key_identifier(certificate: &Certificate) -> Option<Vec<u8>> {
        certificate.subject_key_identifier().map(|identifier| encode::value(tag::context(0), &[identifier]))
    }
}
