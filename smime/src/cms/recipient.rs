//! Recipients of a content-encryption key: reading `RecipientInfo`s, and writing
//! those with key transport.

use super::ber::{Reader, tag};
use super::encode;
use super::identifier::Identifier;
use crate::crypto::key_transport::{KeyTransportError, Scheme};
use crate::crypto::random::Draw;
use crate::error::CmsError;
use crate::x509::Certificate;
use der::Encode;

pub use crate::crypto::key_transport::KeyTransport;

/// ```text
/// RecipientInfo ::= CHOICE {
///   ktri KeyTransRecipientInfo,
///   kari [1] KeyAgreeRecipientInfo,
///   kekri [2] KEKRecipientInfo,
///   pwri [3] PasswordRecipientInfo,
///   ori [4] OtherRecipientInfo }
/// KeyTransRecipientInfo ::= SEQUENCE {
///   version CMSVersion,
///   rid RecipientIdentifier,
///   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///   encryptedKey OCTET STRING }
/// ```
/// RFC 5652, section 6.2.
#[derive(Clone, Debug)]
pub struct RecipientInfo {
    encoded: Vec<u8>,
    /// None of another kind than `ktri`.
    identifier: Option<Identifier>,
    scheme: Option<Scheme>,
}

impl RecipientInfo {
    /// All of it in DER: what a private key unwraps.
    pub fn der(&self) -> &[u8] {
        &self.encoded
    }

    /// Whether the key was encrypted to `certificate`. With a key identifier
    /// that may be so for several certificates. A kind without key transport
    /// identifies none.
    pub fn identifies(&self, certificate: &Certificate) -> bool {
        self.identifier.as_ref().is_some_and(|identifier| identifier.names(certificate))
    }

    /// Whether its key can be unwrapped: key transport with RSAES-PKCS1-v1_5, or
    /// with RSAES-OAEP and SHA-1, SHA-256, SHA-384 or SHA-512.
    pub fn is_supported(&self) -> bool {
        self.scheme.is_some()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        let kind = reader.peek();
        let encoded = reader.der()?;
        match kind {
            Some(tag::SEQUENCE) => {
                let (identifier, scheme) = Reader::new(&encoded).nested(tag::SEQUENCE, |ktri| {
                    ktri.version()?;
                    let identifier = Identifier::read(ktri)?;
                    let scheme = Scheme::read(&ktri.decode()?);
                    ktri.primitive(tag::OCTET_STRING)?;
                    Ok::<_, CmsError>((identifier, scheme))
                })?;
                Ok(Self { encoded, identifier: Some(identifier), scheme })
            }
            Some(0xA1..=0xA4) => Ok(Self { encoded, identifier: None, scheme: None }),
            _ => Err(CmsError::Malformed),
        }
    }
}

/// The DER of a `RecipientInfo` that transports `content_key` to the key of
/// `certificate`, named by issuer and serial number. `draw` yields as many
/// random octets as it is asked for.
///
/// # Errors
/// [`CmsError::Algorithm`] if the certificate's key does not do this, or if
/// `draw` yields less than it should.
pub fn key_transport(
    certificate: &Certificate,
    algorithm: KeyTransport,
    content_key: &[u8],
    draw: Draw<'_>,
) -> Result<Vec<u8>, CmsError> {
    let identifier = Identifier::by_issuer_and_serial_number(certificate);
    write(0, &identifier, certificate, algorithm, content_key, draw)
}

/// The same, with the certificate named by its subjectKeyIdentifier.
///
/// # Errors
/// As [`key_transport`], and [`CmsError::NoCertificate`] if it has none.
pub fn key_transport_by_key_identifier(
    certificate: &Certificate,
    algorithm: KeyTransport,
    content_key: &[u8],
    draw: Draw<'_>,
) -> Result<Vec<u8>, CmsError> {
    let identifier = Identifier::by_subject_key_identifier(certificate).ok_or(CmsError::NoCertificate)?;
    write(2, &identifier, certificate, algorithm, content_key, draw)
}

fn write(
    version: u8,
    identifier: &[u8],
    certificate: &Certificate,
    algorithm: KeyTransport,
    content_key: &[u8],
    draw: Draw<'_>,
) -> Result<Vec<u8>, CmsError> {
    let scheme = Scheme::from(algorithm);
    let encrypted_key = scheme.encrypt(certificate.public_key(), content_key, draw).map_err(|e| match e {
        KeyTransportError::Key | KeyTransportError::TooLong | KeyTransportError::Random => CmsError::Algorithm,
    })?;
    let algorithm = scheme.algorithm().and_then(|algorithm| algorithm.to_der().ok()).ok_or(CmsError::Algorithm)?;
    Ok(encode::sequence(&[
        &encode::value(tag::INTEGER, &[&[version]]),
        identifier,
        &algorithm,
        &encode::value(tag::OCTET_STRING, &[&encrypted_key]),
    ]))
}
