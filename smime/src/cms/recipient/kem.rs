//! A content-encryption key that was wrapped with what a KEM encapsulates.

use const_oid::ObjectIdentifier;
use der::Encode;

use super::failure;
use crate::cms::ber::{Reader, tag};
use crate::cms::encode;
use crate::cms::identifier::Identifier;
use crate::crypto::key_encapsulation::Scheme;
use crate::crypto::random::Draw;
use crate::error::CmsError;
use crate::x509::Certificate;

/// ```text
/// OtherRecipientInfo ::= SEQUENCE { -- [4] IMPLICIT
///   oriType  OBJECT IDENTIFIER, -- id-ori-kem
///   oriValue ANY DEFINED BY oriType }
/// KEMRecipientInfo ::= SEQUENCE {
///   version      CMSVersion,  -- always set to 0
///   rid          RecipientIdentifier,
///   kem          KEMAlgorithmIdentifier,
///   kemct        OCTET STRING,
///   kdf          KeyDerivationAlgorithmIdentifier,
///   kekLength    INTEGER (1..65535),
///   ukm          [0] EXPLICIT UserKeyingMaterial OPTIONAL,
///   wrap         KeyEncryptionAlgorithmIdentifier,
///   encryptedKey EncryptedKey }
/// ```
/// RFC 9629, section 3.
#[derive(Clone, Debug)]
pub struct KemRecipientInfo {
    pub(super) identifier: Identifier,
    /// How the key was encrypted; none if that is not implemented.
    pub scheme: Option<Scheme>,
    /// What the shared secret is encapsulated in.
    pub ciphertext: Vec<u8>,
    /// What else enters the derivation.
    pub ukm: Option<Vec<u8>>,
    /// The wrapped key.
    pub encrypted_key: Vec<u8>,
}

impl KemRecipientInfo {
    /// Reads an `ori [4]` in DER; none if it is of another type.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, CmsError> {
        reader.nested(tag::constructed(4), |other| {
            if other.primitive(tag::OBJECT_IDENTIFIER)? != ID_ORI_KEM.as_bytes() {
                other.skip()?;
                return Ok(None);
            }
            other.nested(tag::SEQUENCE, Self::read_fields).map(Some)
        })
    }

    fn read_fields(fields: &mut Reader<'_>) -> Result<Self, CmsError> {
        if fields.version()? != 0 {
            return Err(CmsError::Malformed);
        }
        let identifier = Identifier::read(fields)?;
        let kem = fields.decode()?;
        let ciphertext = fields.primitive(tag::OCTET_STRING)?.to_vec();
        let derivation = fields.decode()?;
        let key_len = fields.decode()?;
        let ukm = fields.optional(tag::constructed(0), |ukm| ukm.small_octet_string(tag::OCTET_STRING))?;
        let scheme = Scheme::read(&kem, &derivation, key_len, fields.decode()?);
        let encrypted_key = fields.primitive(tag::OCTET_STRING)?.to_vec();
        Ok(Self { identifier, scheme, ciphertext, ukm, encrypted_key })
    }
}

/// The DER of a `RecipientInfo` in which `content_key` is wrapped with a key that
/// only the holder of the key of `certificate` can derive; the certificate is
/// named by issuer and serial number. `draw` yields as many random octets as it is
/// asked for.
///
/// # Errors
/// [`CmsError::Algorithm`] if the certificate's key does not do this, or if
/// `draw` yields less than it should.
pub fn key_encapsulation(
    certificate: &Certificate,
    scheme: &Scheme,
    content_key: &[u8],
    draw: Draw<'_>,
) -> Result<Vec<u8>, CmsError> {
    let sealed = scheme.encrypt(certificate.public_key(), content_key, draw).map_err(failure)?;
    let [kem, derivation, wrap] = scheme.algorithms().map(|algorithm| algorithm.to_der());
    let der = |value: der::Result<Vec<u8>>| value.map_err(|_| CmsError::Algorithm);
    let key_len = der(u16::try_from(scheme.key_len()).map_err(|_| CmsError::Algorithm)?.to_der())?;
    let fields = encode::sequence(&[
        &encode::value(tag::INTEGER, &[&[0]]),
        &Identifier::by_issuer_and_serial_number(certificate),
        &der(kem)?,
        &encode::value(tag::OCTET_STRING, &[&sealed.ciphertext]),
        &der(derivation)?,
        &key_len,
        &der(wrap)?,
        &encode::value(tag::OCTET_STRING, &[&sealed.encrypted_key]),
    ]);
    let kind = encode::value(tag::OBJECT_IDENTIFIER, &[ID_ORI_KEM.as_bytes()]);
    Ok(encode::value(tag::constructed(4), &[&kind, &fields]))
}

const ID_ORI_KEM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.13.3");
