//! One X.509 certificate (RFC 5280, section 4.1), with the octets it came in.
//!
//! It is strict in what verification relies on, and tolerant of what real
//! authorities have got wrong: serial numbers that are negative or long, names
//! of any shape.

use core::fmt;
use core::ops::Range;

use const_oid::AssociatedOid;
use const_oid::db::rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::time::Validity;

use crate::error::CertificateError;

/// An X.509 certificate. Two are equal if their encodings are.
///
/// ```text
/// Certificate  ::=  SEQUENCE  {
///   tbsCertificate       TBSCertificate,
///   signatureAlgorithm   AlgorithmIdentifier,
///   signature            BIT STRING  }
/// ```
#[derive(Clone)]
pub struct Certificate {
    encoded: Vec<u8>,
    tbs: Range<usize>,
    version: Version,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    not_before: u64,
    not_after: u64,
    subject: Vec<u8>,
    public_key: SubjectPublicKeyInfoOwned,
    extensions: Vec<Extension>,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

impl Certificate {
    /// The longest encoding that is read, in octets.
    pub const MAX_LEN: usize = 1 << 17;
    /// Most extensions of a certificate.
    const MAX_EXTENSIONS: usize = 100;

    /// Reads a DER certificate. [`CertificateError::Malformed`] if it is none,
    /// if octets follow it, if an extension stands twice, or if it contradicts
    /// itself about the algorithm of its signature.
    pub fn from_der(encoded: &[u8]) -> Result<Self, CertificateError> {
        if encoded.len() > Self::MAX_LEN {
            return Err(CertificateError::Malformed);
        }
        let certificate = Self::read(encoded).map_err(|_| CertificateError::Malformed)?;
        certificate.check()?;
        Ok(certificate)
    }

    fn read(encoded: &[u8]) -> der::Result<Self> {
        let content = AnyRef::from_der(encoded)?;
        content.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(content.value())?;
        let tbs = reader.tlv_bytes()?;
        let signature_algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let signature = octets(BitStringRef::decode(&mut reader)?)?;
        reader.finish()?;
        // Nothing follows the outer SEQUENCE, so its content ends the encoding.
        let start = encoded.len().saturating_sub(content.value().len());
        let tbs_range = start..start.saturating_add(tbs.len());
        SliceReader::new(tbs)?
            .sequence(|reader| Self::read_tbs(reader, encoded, tbs_range, &signature_algorithm, signature))
    }

    /// ```text
    /// TBSCertificate  ::=  SEQUENCE  {
    ///   version         [0]  EXPLICIT Version DEFAULT v1,
    ///   serialNumber         CertificateSerialNumber,
    ///   signature            AlgorithmIdentifier,
    ///   issuer               Name,
    ///   validity             Validity,
    ///   subject              Name,
    ///   subjectPublicKeyInfo SubjectPublicKeyInfo,
    ///   issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
    ///   subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
    ///   extensions      [3]  EXPLICIT Extensions OPTIONAL }
    /// ```
    fn read_tbs(
        reader: &mut SliceReader<'_>,
        encoded: &[u8],
        tbs: Range<usize>,
        outer_algorithm: &AlgorithmIdentifierOwned,
        signature: Vec<u8>,
    ) -> der::Result<Self> {
        let version = reader.context_specific(TagNumber(0), TagMode::Explicit)?.unwrap_or_default();
        let serial = AnyRef::decode(reader)?;
        serial.tag().assert_eq(Tag::Integer)?;
        let signature_algorithm = AlgorithmIdentifierOwned::decode(reader)?;
        if signature_algorithm != *outer_algorithm {
            return Err(Tag::Sequence.value_error().into());
        }
        let issuer = name(reader)?;
        let validity: Validity = reader.decode()?;
        let subject = name(reader)?;
        let public_key = SubjectPublicKeyInfoOwned::decode(reader)?;
        reader.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Implicit)?;
        reader.context_specific::<BitStringRef<'_>>(TagNumber(2), TagMode::Implicit)?;
        let extensions: Option<Vec<Extension>> = reader.context_specific(TagNumber(3), TagMode::Explicit)?;
        Ok(Self {
            encoded: encoded.to_vec(),
            tbs,
            version,
            serial: serial.value().to_vec(),
            issuer,
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            subject,
            public_key,
            extensions: extensions.unwrap_or_default(),
            signature_algorithm,
            signature,
        })
    }

    /// What the grammar does not say.
    fn check(&self) -> Result<(), CertificateError> {
        let mut kinds: Vec<_> = self.extensions.iter().map(|extension| extension.extn_id).collect();
        kinds.sort_unstable();
        let total = kinds.len();
        kinds.dedup();
        let repeated = kinds.len() < total;
        if repeated || total > Self::MAX_EXTENSIONS || (total > 0 && self.version != Version::V3) {
            return Err(CertificateError::Malformed);
        }
        Ok(())
    }

    /// The DER encoding of the whole.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The DER encoding of the issuer's `Name`.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// The DER encoding of the subject's `Name`.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The content octets of the serial number, an INTEGER in two's complement,
    /// as they are encoded.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Whether its serial number is this one, of which some write more zeros
    /// before it than others.
    pub fn has_serial(&self, serial: &[u8]) -> bool {
        unpadded(serial) == unpadded(&self.serial)
    }

    /// The value of the subjectKeyIdentifier extension, if there is one (RFC
    /// 5280, section 4.2.1.2).
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        let extension = self.extension_of(ID_CE_SUBJECT_KEY_IDENTIFIER)?;
        let identifier: &OctetStringRef = Decode::from_der(extension.extn_value.as_bytes()).ok()?;
        Some(identifier.as_bytes())
    }

    /// The public key of the subject.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.public_key
    }

    /// The SHA-256 digest of the encoding.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.encoded).into()
    }

    /// Whether subject and issuer are the same name: of an authority that
    /// changes its key, or of a root.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// The first instant of its validity, in seconds since
    /// 1970-01-01T00:00:00Z.
    pub fn not_before(&self) -> u64 {
        self.not_before
    }

    /// The last instant of its validity, in seconds since
    /// 1970-01-01T00:00:00Z.
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// Its version: only the third has extensions.
    pub fn version(&self) -> Version {
        self.version
    }

    /// All of its extensions, each kind once.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Its extension of one kind. [`CertificateError::Malformed`] if there is
    /// one that does not parse.
    pub fn extension<'a, T>(&'a self) -> Result<Option<T>, CertificateError>
    where
        T: Decode<'a> + AssociatedOid,
    {
        self.extension_of(T::OID)
            .map(|extension| T::from_der(extension.extn_value.as_bytes()).map_err(|_| CertificateError::Malformed))
            .transpose()
    }

    /// Its extension with this identifier.
    pub(crate) fn extension_of(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.extn_id == oid)
    }

    /// The DER encoding of the `TBSCertificate`: what is signed.
    pub fn tbs(&self) -> &[u8] {
        self.encoded.get(self.tbs.clone()).unwrap_or_default()
    }

    /// The algorithm of its signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// Its signature, by its issuer.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(")?;
        self.fingerprint().iter().take(8).try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str("…)")
    }
}

/// A serial number without the zeros before it.
fn unpadded(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

fn name(reader: &mut SliceReader<'_>) -> der::Result<Vec<u8>> {
    let encoded = reader.tlv_bytes()?;
    AnyRef::from_der(encoded)?.tag().assert_eq(Tag::Sequence)?;
    Ok(encoded.to_vec())
}

fn octets(bits: BitStringRef<'_>) -> der::Result<Vec<u8>> {
    Ok(bits.as_bytes().ok_or_else(|| Tag::BitString.value_error())?.to_vec())
}
