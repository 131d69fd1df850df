//! What a private key needs to know of a `RecipientInfo`: whose key it is for, and
//! how the content-encryption key was encrypted (RFC 5652, section 6.2.1). It is
//! read as the logic reads it, so that both agree on odd but real certificates.

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use smime::x509::Certificate;
use spki::AlgorithmIdentifierOwned;

/// Why a `RecipientInfo` cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It, or the certificate it is held against, does not parse.
    Malformed,
    /// It is not for an RSA key.
    OtherKind,
}

impl From<der::Error> for Unreadable {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// ```text
/// KeyTransRecipientInfo ::= SEQUENCE {
///   version CMSVersion,
///   rid RecipientIdentifier,
///   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///   encryptedKey EncryptedKey }
/// RecipientIdentifier ::= CHOICE {
///   issuerAndSerialNumber IssuerAndSerialNumber,
///   subjectKeyIdentifier [0] SubjectKeyIdentifier }
/// ```
pub(crate) struct KeyTransRecipientInfo<'a> {
    identifier: AnyRef<'a>,
    /// How the key was encrypted.
    pub algorithm: AlgorithmIdentifierOwned,
    /// The key, encrypted.
    pub encrypted_key: &'a [u8],
}

impl<'a> KeyTransRecipientInfo<'a> {
    /// Reads the DER of a `RecipientInfo`.
    pub(crate) fn from_der(encoded: &'a [u8]) -> Result<Self, Unreadable> {
        if encoded.len() > LONGEST {
            return Err(Unreadable::Malformed);
        }
        let info = AnyRef::from_der(encoded)?;
        // Every other kind of recipient is tagged otherwise.
        if info.tag() != Tag::Sequence {
            return Err(Unreadable::OtherKind);
        }
        let mut reader = SliceReader::new(info.value())?;
        AnyRef::decode(&mut reader)?.tag().assert_eq(Tag::Integer)?;
        let identifier = AnyRef::decode(&mut reader)?;
        let algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let encrypted_key = <&OctetStringRef>::decode(&mut reader)?.as_bytes();
        reader.finish()?;
        Ok(Self { identifier, algorithm, encrypted_key })
    }

    /// Whether this names `certificate` (DER), by issuer and serial number or by
    /// subject key identifier.
    pub(crate) fn names(&self, certificate: &[u8]) -> Result<bool, Unreadable> {
        let certificate = Certificate::from_der(certificate).map_err(|_| Unreadable::Malformed)?;
        match self.identifier.tag() {
            Tag::Sequence => {
                let mut reader = SliceReader::new(self.identifier.value())?;
                let issuer = AnyRef::decode(&mut reader)?.to_der()?;
                let serial = AnyRef::decode(&mut reader)?;
                serial.tag().assert_eq(Tag::Integer)?;
                reader.finish()?;
                Ok(issuer == certificate.issuer_der() && unpadded(serial.value()) == unpadded(certificate.serial()))
            }
            Tag::ContextSpecific { number: TagNumber(0), .. } => {
                Ok(certificate.subject_key_identifier() == Some(self.identifier.value()))
            }
            _ => Err(Unreadable::Malformed),
        }
    }
}

/// Octets of the largest `RecipientInfo` that a key of 8192 bits and the longest
/// names in use could need, and then some.
const LONGEST: usize = 64 << 10;

/// A serial number without the zeros that some put before it, and others drop.
fn unpadded(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use smime::cms::recipient::{KeyTransport, key_transport, key_transport_by_key_identifier};

    use super::*;

    fn certificate(name: &str) -> Certificate {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smime/tests/vectors/people");
        Certificate::from_der(&std::fs::read(folder.join(format!("{name}.der"))).unwrap()).unwrap()
    }

    #[test]
    fn t33_a_recipient_info_is_for_its_own_certificate_alone() {
        let (carol, dave) = (certificate("carol"), certificate("dave"));
        let mut draw = |len: u32| vec![7; len as usize];
        for info in [
            key_transport(&carol, KeyTransport::Pkcs1v15, &[1; 32], &mut draw).unwrap(),
            key_transport_by_key_identifier(&carol, KeyTransport::OaepSha256, &[1; 32], &mut draw).unwrap(),
        ] {
            let info = KeyTransRecipientInfo::from_der(&info).unwrap();
            assert_eq!(info.encrypted_key.len(), 256);
            // The two have the same issuer.
            assert_eq!(info.names(carol.encoded()), Ok(true));
            assert_eq!(info.names(dave.encoded()), Ok(false));
            assert_eq!(info.names(b"no certificate"), Err(Unreadable::Malformed));
        }
    }

    #[test]
    fn what_is_no_key_transport_is_told_from_what_is_broken() {
        let read = |encoded: &[u8]| KeyTransRecipientInfo::from_der(encoded).err();
        assert_eq!(read(b""), Some(Unreadable::Malformed));
        assert_eq!(read(b"\x30\x00"), Some(Unreadable::Malformed));
        assert_eq!(read(b"\xa1\x00"), Some(Unreadable::OtherKind));
        assert_eq!(read(&[0x30; 1 << 17]), Some(Unreadable::Malformed));
    }
}
