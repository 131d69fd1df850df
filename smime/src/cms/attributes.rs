//! Signed attributes: reading, and what has to hold of them.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{
    ID_AA_ENCRYP_KEY_PREF, ID_AA_SIGNING_CERTIFICATE, ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE,
    ID_MESSAGE_DIGEST, ID_SIGNING_TIME, SMIME_CAPABILITIES,
};
use const_oid::db::rfc6211::ID_AA_CMS_ALGORITHM_PROTECT;
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use subtle::ConstantTimeEq;
use x509_cert::time::Time;

use super::ber::{MAX_SMALL, Reader, tag};
use super::encode;
use super::signature_type::{self, ID_AA_SIGNATURE_TYPE, SignatureType};
use crate::crypto::{Bulk, DigestAlgorithm};
use crate::error::CmsError;
use crate::x509::Certificate;

mod write;

pub use write::{domain_attributes, signed_attributes};

/// ```text
/// Attribute ::= SEQUENCE {
///   attrType OBJECT IDENTIFIER,
///   attrValues SET OF AttributeValue }
/// ```
/// RFC 5652, section 5.3.
#[derive(Clone, Debug)]
struct Attribute {
    /// The contents of the identifier: some are too long for the type.
    kind: Vec<u8>,
    /// Each value in DER.
    values: Vec<Vec<u8>>,
    /// All of it, in DER.
    encoded: Vec<u8>,
}

/// The attributes of a signer (`SignedAttributes`), which are what its
/// signature is over.
#[derive(Clone, Debug)]
pub struct SignedAttributes {
    attributes: Vec<Attribute>,
    received: Vec<u8>,
}

impl SignedAttributes {
    /// Reads `signedAttrs [0] IMPLICIT`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        Self::read_tagged(reader, tag::constructed(0))
    }

    /// Reads attributes under whatever implicit `tag`.
    pub(super) fn read_tagged(reader: &mut Reader<'_>, tag: u8) -> Result<Self, CmsError> {
        let mut received = reader.der()?;
        match received.first_mut() {
            // What is hashed has the tag of the type, not the implicit one.
            Some(first) if *first == tag => *first = tag::SET,
            _ => return Err(CmsError::Malformed),
        }
        let mut attributes = Vec::new();
        Reader::new(&received).nested(tag::SET, |set| {
            while !set.is_finished() {
                attributes.push(Attribute::read(set)?);
            }
            Ok::<_, CmsError>(())
        })?;
        // SIZE (1..MAX)
        if attributes.is_empty() { Err(CmsError::Malformed) } else { Ok(Self { attributes, received }) }
    }

    /// Their `SET OF` in DER, in the order received.
    pub fn as_received(&self) -> &[u8] {
        &self.received
    }

    /// Their `SET OF` in DER, sorted; none if they were received so.
    pub fn sorted(&self) -> Option<Vec<u8>> {
        let mut members: Vec<_> = self.attributes.iter().map(|attribute| attribute.encoded.clone()).collect();
        let sorted = encode::set_of(tag::SET, &mut members);
        (sorted != self.received).then_some(sorted)
    }

    /// When the signer says to have signed, in seconds since
    /// 1970-01-01T00:00:00Z; none if it does not say.
    pub fn signing_time(&self) -> Result<Option<u64>, CmsError> {
        let Some(value) = self.single(ID_SIGNING_TIME)? else { return Ok(None) };
        let time = Time::from_der(value).map_err(|_| CmsError::Altered)?;
        Ok(Some(time.to_unix_duration().as_secs()))
    }

    /// The DER of `SMIMECapabilities`; none if there are none.
    pub fn capabilities(&self) -> Result<Option<&[u8]>, CmsError> {
        self.single(SMIME_CAPABILITIES)
    }

    /// What the signature says it is for; nothing if it does not say (RFC 3183,
    /// section 3.1).
    pub fn signature_type(&self) -> Result<Vec<SignatureType>, CmsError> {
        self.single(ID_AA_SIGNATURE_TYPE)?.map_or(Ok(Vec::new()), signature_type::read)
    }

    /// Checks what does not need the signature; see
    /// [`SignerInfo::verify`](super::SignerInfo::verify).
    pub(super) fn check(
        &self,
        content_type: ObjectIdentifier,
        content_digest: &[u8],
        certificate: &Certificate,
        bulk: &dyn Bulk,
    ) -> Result<(), CmsError> {
        let named = self.single(ID_CONTENT_TYPE)?.ok_or(CmsError::Altered)?;
        let digest = self.single(ID_MESSAGE_DIGEST)?.ok_or(CmsError::Altered)?;
        let named = Reader::new(named).primitive(tag::OBJECT_IDENTIFIER)?;
        let digest = Reader::new(digest).primitive(tag::OCTET_STRING)?;
        if named != content_type.as_bytes() || !bool::from(digest.ct_eq(content_digest)) {
            return Err(CmsError::Altered);
        }
        self.signing_time()?;
        self.capabilities()?;
        self.signature_type()?;
        self.single(ID_AA_ENCRYP_KEY_PREF)?;
        if let Some(value) = self.single(ID_AA_SIGNING_CERTIFICATE)? {
            check_signing_certificate(value, Some(DigestAlgorithm::Sha1), certificate, bulk)?;
        }
        if let Some(value) = self.single(ID_AA_SIGNING_CERTIFICATE_V_2)? {
            check_signing_certificate(value, None, certificate, bulk)?;
        }
        Ok(())
    }

    /// Checks the algorithms of a signer against those that it signed, if it
    /// did.
    ///
    /// ```text
    /// CMSAlgorithmProtection ::= SEQUENCE {
    ///   digestAlgorithm DigestAlgorithmIdentifier,
    ///   signatureAlgorithm [1] SignatureAlgorithmIdentifier OPTIONAL,
    ///   macAlgorithm [2] MessageAuthenticationCodeAlgorithm OPTIONAL }
    /// ```
    /// RFC 6211, section 2.
    pub(super) fn check_algorithms(
        &self,
        digest: &AlgorithmIdentifierOwned,
        signature: &AlgorithmIdentifierOwned,
    ) -> Result<(), CmsError> {
        let Some(value) = self.single(ID_AA_CMS_ALGORITHM_PROTECT)? else { return Ok(()) };
        Reader::new(value).nested(tag::SEQUENCE, |protection| {
            let signed_digest = protection.decode::<AlgorithmIdentifierOwned>()?;
            let mut signed = protection.der()?;
            match signed.first_mut() {
                Some(first) if *first == tag::constructed(1) => *first = tag::SEQUENCE,
                _ => return Err(CmsError::Altered),
            }
            let signed_signature = AlgorithmIdentifierOwned::from_der(&signed).map_err(|_| CmsError::Altered)?;
            if same(&signed_digest, digest) && same(&signed_signature, signature) {
                Ok(())
            } else {
                Err(CmsError::Altered)
            }
        })
    }

    /// The one value of an attribute; none if it is not there.
    fn single(&self, kind: ObjectIdentifier) -> Result<Option<&[u8]>, CmsError> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.kind == kind.as_bytes());
        match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
            (None, _) => Ok(None),
            (Some([value]), None) => Ok(Some(value)),
            _ => Err(CmsError::Altered),
        }
    }

    /// Whether `content` is a `SET OF` attributes with a content-type: what
    /// other signatures are over. Content that is longer than attributes can be
    /// is not walked through, since each key that is tried asks this.
    pub(super) fn are_in(content: &[u8]) -> bool {
        if content.len() > MAX_SMALL {
            return false;
        }
        let mut reader = Reader::new(content);
        let mut found = false;
        let read = reader.nested(tag::SET, |set| {
            while !set.is_finished() {
                set.nested(tag::SEQUENCE, |attribute| {
                    found |= attribute.primitive(tag::OBJECT_IDENTIFIER)? == ID_CONTENT_TYPE.as_bytes();
                    attribute.skip()
                })?;
            }
            Ok::<_, CmsError>(())
        });
        found && read.is_ok()
    }
}

/// Whether there is one among unsigned attributes that has to be signed (RFC
/// 5652, section 11; RFC 8551, section 2.5; RFC 5035).
pub(super) fn are_misplaced(unsigned: &mut Reader<'_>) -> Result<bool, CmsError> {
    let mut misplaced = false;
    while !unsigned.is_finished() {
        unsigned.nested(tag::SEQUENCE, |attribute| {
            let kind = attribute.primitive(tag::OBJECT_IDENTIFIER)?;
            misplaced |= ALWAYS_SIGNED.iter().any(|signed| signed.as_bytes() == kind);
            attribute.skip()
        })?;
    }
    Ok(misplaced)
}

const ALWAYS_SIGNED: [ObjectIdentifier; 9] = [
    ID_AA_SIGNATURE_TYPE,
    ID_CONTENT_TYPE,
    ID_MESSAGE_DIGEST,
    ID_SIGNING_TIME,
    SMIME_CAPABILITIES,
    ID_AA_ENCRYP_KEY_PREF,
    ID_AA_SIGNING_CERTIFICATE,
    ID_AA_SIGNING_CERTIFICATE_V_2,
    ID_AA_CMS_ALGORITHM_PROTECT,
];

impl Attribute {
    /// Reads one from DER.
    fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        let encoded = reader.der()?;
        Reader::new(&encoded)
            .nested(tag::SEQUENCE, |attribute| {
                let kind = attribute.primitive(tag::OBJECT_IDENTIFIER)?.to_vec();
                let values = attribute.nested(tag::SET, |set| {
                    let mut values = Vec::new();
                    while !set.is_finished() {
                        values.push(set.der()?);
                    }
                    Ok::<_, CmsError>(values)
                })?;
                Ok(Self { kind, values, encoded: Vec::new() })
            })
            .map(|attribute| Self { encoded, ..attribute })
    }
}

/// Checks that the first certificate named is the signer's: by its digest, which
/// binds the issuer and the serial number that may stand beside it.
///
/// ```text
/// SigningCertificateV2 ::= SEQUENCE {
///   certs SEQUENCE OF ESSCertIDv2,
///   policies SEQUENCE OF PolicyInformation OPTIONAL }
/// ESSCertIDv2 ::= SEQUENCE {
///   hashAlgorithm AlgorithmIdentifier DEFAULT {algorithm id-sha256},
///   certHash OCTET STRING,
///   issuerSerial IssuerSerial OPTIONAL }
/// ```
/// RFC 5035, sections 4 and 5; the first version has no `hashAlgorithm`, it is
/// SHA-1 (`fixed`).
fn check_signing_certificate(
    value: &[u8],
    fixed: Option<DigestAlgorithm>,
    certificate: &Certificate,
    bulk: &dyn Bulk,
) -> Result<(), CmsError> {
    let list = Reader::new(value).step_into(tag::SEQUENCE)?.step_into(tag::SEQUENCE)?;
    let mut first = list.step_into(tag::SEQUENCE)?;
    let digest = match (fixed, first.peek()) {
        (Some(digest), _) => digest,
        (None, Some(tag::SEQUENCE)) => {
            let algorithm = first.decode::<AlgorithmIdentifierOwned>()?;
            DigestAlgorithm::from_oid(algorithm.oid).ok_or(CmsError::Algorithm)?
        }
        (None, _) => DigestAlgorithm::Sha256,
    };
    let hash = first.primitive(tag::OCTET_STRING)?;
    let own = bulk.digest(digest, certificate.encoded());
    if bool::from(hash.ct_eq(&own)) { Ok(()) } else { Err(CmsError::Altered) }
}

/// Whether two algorithm identifiers are the same; no parameters and `NULL` are
/// (RFC 6211, section 3).
fn same(a: &AlgorithmIdentifierOwned, b: &AlgorithmIdentifierOwned) -> bool {
    let parameters = |algorithm: &AlgorithmIdentifierOwned| {
        algorithm.parameters.as_ref().filter(|p| !p.is_null()).and_then(|p| p.to_der().ok())
    };
    a.oid == b.oid && parameters(a) == parameters(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t41_what_is_longer_than_attributes_is_not_walked_through() {
        let attribute = |kind: ObjectIdentifier, len: usize| {
            let kind = encode::value(tag::OBJECT_IDENTIFIER, &[kind.as_bytes()]);
            encode::sequence(&[&kind, &encode::value(tag::SET, &[&encode::value(tag::OCTET_STRING, &[&vec![0; len]])])])
        };
        for (kind, len, found) in
            [(ID_CONTENT_TYPE, 9, true), (ID_MESSAGE_DIGEST, 9, false), (ID_CONTENT_TYPE, MAX_SMALL, false)]
        {
            let content = encode::value(tag::SET, &[&attribute(kind, len)]);
            assert_eq!(SignedAttributes::are_in(&content), found, "{kind} {len}");
        }
    }
}
