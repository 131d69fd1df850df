//! A content-encryption key that was wrapped with what two keys agree on.

use der::Encode;
use der::asn1::BitString;

use super::failure;
use crate::cms::ber::{Reader, tag};
use crate::cms::encode;
use crate::cms::identifier::Identifier;
use crate::crypto::key_agreement::Scheme;
use crate::crypto::random::Draw;
use crate::error::CmsError;
use crate::x509::Certificate;

/// A `KeyAgreeRecipientInfo` for one recipient (RFC 5652, section 6.2.2; RFC
/// 5753, section 3.1.1).
#[derive(Clone, Debug)]
pub struct KeyAgreeRecipientInfo {
    pub(super) identifier: Identifier,
    /// The originator's ephemeral public key: the bits of it, an `ECPoint` or the
    /// octets of an X25519 key. Nothing says that it is on any curve.
    pub originator: Vec<u8>,
    /// What else enters the derivation.
    pub ukm: Option<Vec<u8>>,
    /// How the key was encrypted; none if that is not implemented.
    pub scheme: Option<Scheme>,
    /// The wrapped key.
    pub encrypted_key: Vec<u8>,
}

impl KeyAgreeRecipientInfo {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        let Common { originator, ukm, scheme, encrypted_keys, .. } = Common::read(reader)?;
        let [RecipientEncryptedKey { identifier, encrypted_key, .. }] =
            <[_; 1]>::try_from(encrypted_keys).map_err(|_| CmsError::Malformed)?;
        let originator = originator.ok_or(CmsError::Algorithm)?;
        Ok(Self { identifier, originator, ukm, scheme, encrypted_key })
    }
}

/// ```text
/// KeyAgreeRecipientInfo ::= SEQUENCE {
///   version CMSVersion,  -- always set to 3
///   originator [0] EXPLICIT OriginatorIdentifierOrKey,
///   ukm [1] EXPLICIT UserKeyingMaterial OPTIONAL,
///   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///   recipientEncryptedKeys SEQUENCE OF RecipientEncryptedKey }
/// ```
/// RFC 5652, section 6.2.2.
pub(super) struct Common {
    /// The fields that all recipients share, one after the other, in DER.
    encoded: Vec<u8>,
    /// None where it is named, not given: static keys do not agree here.
    originator: Option<Vec<u8>>,
    ukm: Option<Vec<u8>>,
    scheme: Option<Scheme>,
    pub(super) encrypted_keys: Vec<RecipientEncryptedKey>,
}

/// ```text
/// RecipientEncryptedKey ::= SEQUENCE {
///   rid KeyAgreeRecipientIdentifier,
///   encryptedKey OCTET STRING }
/// ```
pub(super) struct RecipientEncryptedKey {
    /// All of it in DER.
    pub(super) encoded: Vec<u8>,
    pub(super) identifier: Identifier,
    encrypted_key: Vec<u8>,
}

impl Common {
    /// Reads all of a `kari [1]` in DER.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        reader.nested(tag::constructed(1), |kari| {
            let mut encoded = kari.clone().der()?;
            kari.version()?;
            encoded.extend(kari.clone().der()?);
            let originator = kari.nested(tag::constructed(0), originator_key)?;
            if kari.peek() == Some(tag::constructed(1)) {
                encoded.extend(kari.clone().der()?);
            }
            let ukm = kari.optional(tag::constructed(1), |ukm| ukm.small_octet_string(tag::OCTET_STRING))?;
            encoded.extend(kari.clone().der()?);
            let scheme = Scheme::read(&kari.decode()?);
            let encrypted_keys = kari.nested(tag::SEQUENCE, |keys| {
                let mut found = Vec::new();
                while !keys.is_finished() {
                    found.push(RecipientEncryptedKey::read(keys)?);
                }
                Ok::<_, CmsError>(found)
            })?;
            Ok(Self { encoded, originator, ukm, scheme, encrypted_keys })
        })
    }

    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Whether an ephemeral key was used in a way that is implemented.
    pub(super) fn is_supported(&self) -> bool {
        self.originator.is_some() && self.scheme.is_some()
    }
}

impl RecipientEncryptedKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        let encoded = reader.der()?;
        let (identifier, encrypted_key) = Reader::new(&encoded).nested(tag::SEQUENCE, |key| {
            let identifier = recipient_identifier(key)?;
            let encrypted_key = key.primitive(tag::OCTET_STRING)?.to_vec();
            Ok::<_, CmsError>((identifier, encrypted_key))
        })?;
        Ok(Self { encoded, identifier, encrypted_key })
    }
}

/// ```text
/// KeyAgreeRecipientIdentifier ::= CHOICE {
///   issuerAndSerialNumber IssuerAndSerialNumber,
///   rKeyId [0] IMPLICIT SEQUENCE {
///     subjectKeyIdentifier OCTET STRING,
///     date GeneralizedTime OPTIONAL,
///     other OtherKeyAttribute OPTIONAL } }
/// ```
fn recipient_identifier(reader: &mut Reader<'_>) -> Result<Identifier, CmsError> {
    if reader.peek() != Some(tag::constructed(0)) {
        return Identifier::read(reader);
    }
    reader.nested(tag::constructed(0), |identifier| {
        let octets = identifier.primitive(tag::OCTET_STRING)?.to_vec();
        while !identifier.is_finished() {
            identifier.skip()?;
        }
        Ok(Identifier::SubjectKeyIdentifier(octets))
    })
}

/// ```text
/// OriginatorIdentifierOrKey ::= CHOICE {
///   issuerAndSerialNumber IssuerAndSerialNumber,
///   subjectKeyIdentifier [0] SubjectKeyIdentifier,
///   originatorKey [1] IMPLICIT SEQUENCE {
///     algorithm AlgorithmIdentifier,
///     publicKey BIT STRING } }
/// ```
/// The curve is the recipient's, so nothing is asked of the algorithm.
fn originator_key(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, CmsError> {
    if reader.peek() != Some(tag::constructed(1)) {
        reader.skip()?;
        return Ok(None);
    }
    reader.nested(tag::constructed(1), |key| {
        key.skip()?;
        let bits: BitString = key.decode()?;
        bits.as_bytes().map(<[u8]>::to_vec).ok_or(CmsError::Malformed).map(Some)
    })
}

/// The DER of a `kari [1]` for one: `common`, and its `RecipientEncryptedKey`.
pub(super) fn for_one(common: &[u8], encrypted_key: &[u8]) -> Vec<u8> {
    encode::value(tag::constructed(1), &[common, &encode::sequence(&[encrypted_key])])
}

/// The DER of a `RecipientInfo` in which `content_key` is wrapped with what a new
/// ephemeral key and the key of `certificate` agree on; the certificate is named
/// by issuer and serial number. `draw` yields as many random octets as it is
/// asked for.
///
/// # Errors
/// [`CmsError::Algorithm`] if the certificate's key does not do this, or if
/// `draw` yields less than it should.
pub fn key_agreement(
    certificate: &Certificate,
    scheme: &Scheme,
    content_key: &[u8],
    draw: Draw<'_>,
) -> Result<Vec<u8>, CmsError> {
    let sealed = scheme.encrypt(certificate.public_key(), content_key, draw).map_err(failure)?;
    let der = |value: der::Result<Vec<u8>>| value.map_err(|_| CmsError::Algorithm);
    let originator = [der(sealed.originator.algorithm.to_der())?, der(sealed.originator.subject_public_key.to_der())?];
    let originator = encode::value(tag::constructed(1), &[&originator.concat()]);
    let common = [
        encode::value(tag::INTEGER, &[&[3]]),
        encode::value(tag::constructed(0), &[&originator]),
        der(scheme.algorithm().ok_or(CmsError::Algorithm)?.to_der())?,
    ];
    let identifier = Identifier::by_issuer_and_serial_number(certificate);
    let wrapped = encode::value(tag::OCTET_STRING, &[&sealed.encrypted_key]);
    Ok(for_one(&common.concat(), &encode::sequence(&[&identifier, &wrapped])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::cms::RecipientInfo;

    fn p256() -> Certificate {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/pki");
        Certificate::from_der(&std::fs::read(folder.join("ec.cer")).unwrap()).unwrap()
    }

    #[test]
    fn recipients_of_one_agreement_are_told_apart() {
        let scheme = Scheme::new(
            crate::crypto::key_derivation::KeyDerivation::X963Sha256,
            crate::crypto::key_wrap::KeyWrap::Aes128,
        );
        let mut draw = |len: u32| vec![7; len as usize];
        let one = key_agreement(&p256(), &scheme, &[1; 16], &mut draw).unwrap();
        let common = Common::read(&mut Reader::new(&one)).unwrap();
        let for_p256 = &common.encrypted_keys[0].encoded;
        let other_id = encode::value(tag::constructed(0), &[&encode::value(tag::OCTET_STRING, &[b"another"])]);
        let other = encode::sequence(&[&other_id, &encode::value(tag::OCTET_STRING, &[&[0; 24]])]);
        let both = encode::value(tag::constructed(1), &[common.encoded(), &encode::sequence(&[&other, for_p256])]);

        let mut found = Vec::new();
        let mut budget = Budget::for_message(0);
        RecipientInfo::read(&mut Reader::new(&both), &mut found, &mut budget).unwrap();
        let [first, second] = found.as_slice() else { panic!("{found:?}") };
        assert!(!first.identifies(&p256()) && second.identifies(&p256()));
        assert_eq!(first.der(), for_one(common.encoded(), &other));
        assert_eq!(second.der(), one);
        // The holder of a key is asked about its own part alone.
        assert!(KeyAgreeRecipientInfo::read(&mut Reader::new(&one)).is_ok());
        assert!(KeyAgreeRecipientInfo::read(&mut Reader::new(&both)).is_err());
    }

    #[test]
    fn t41_every_recipient_of_an_agreement_is_counted() {
        let other_id = encode::value(tag::constructed(0), &[&encode::value(tag::OCTET_STRING, &[b"x"])]);
        let key = encode::sequence(&[&other_id, &encode::value(tag::OCTET_STRING, &[&[0; 24]])]);
        let algorithm = encode::sequence(&[&encode::value(tag::OBJECT_IDENTIFIER, &[&[0x2a, 3]])]);
        let originator = encode::value(tag::constructed(0), &[&encode::value(tag::context(0), &[b"x"])]);
        let keys = encode::value(tag::SEQUENCE, &[&key.repeat(2_001)]);
        let many = encode::value(
            tag::constructed(1),
            &[&encode::value(tag::INTEGER, &[&[3]]), &originator, &algorithm, &keys],
        );
        let mut budget = Budget::for_message(0);
        assert!(RecipientInfo::read(&mut Reader::new(&many), &mut Vec::new(), &mut budget).is_err());
        assert!(budget.recipient().is_err());
    }
}
