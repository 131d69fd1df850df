//! A content-encryption key that was encrypted to an RSA key.

use der::Encode;

use super::failure;
use crate::cms::ber::{Reader, tag};
use crate::cms::encode;
use crate::cms::identifier::Identifier;
use crate::crypto::key_transport::{KeyTransport, Scheme};
use crate::crypto::random::Draw;
use crate::error::CmsError;
use crate::x509::Certificate;

/// ```text
/// KeyTransRecipientInfo ::= SEQUENCE {
///   version CMSVersion,
///   rid RecipientIdentifier,
///   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///   encryptedKey OCTET STRING }
/// ```
/// RFC 5652, section 6.2.1.
#[derive(Clone, Debug)]
pub struct KeyTransRecipientInfo {
    pub(super) identifier: Identifier,
    /// How the key was encrypted; none if that is not implemented.
    pub scheme: Option<Scheme>,
    /// The encrypted key.
    pub encrypted_key: Vec<u8>,
}

impl KeyTransRecipientInfo {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        reader.nested(tag::SEQUENCE, |ktri| {
            ktri.version()?;
            let identifier = Identifier::read(ktri)?;
            let scheme = Scheme::read(&ktri.decode()?);
            let encrypted_key = ktri.primitive(tag::OCTET_STRING)?.to_vec();
            Ok(Self { identifier, scheme, encrypted_key })
        })
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
    let encrypted_key = scheme.encrypt(certificate.public_key(), content_key, draw).map_err(failure)?;
    let algorithm = scheme.algorithm().and_then(|algorithm| algorithm.to_der().ok()).ok_or(CmsError::Algorithm)?;
    Ok(encode::sequence(&[
        &encode::value(tag::INTEGER, &[&[version]]),
        identifier,
        &algorithm,
        &encode::value(tag::OCTET_STRING, &[&encrypted_key]),
    ]))
}
