//! One signer of signed data: reading and verification.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_DATA;
use spki::AlgorithmIdentifierOwned;

use super::attributes::{self, SignedAttributes};
use super::ber::{Reader, tag};
use super::identifier::Identifier;
use super::signature_type::SignatureType;
use crate::crypto::signature::{self, SignatureError};
use crate::crypto::{Bulk, DigestAlgorithm};
use crate::error::CmsError;
use crate::x509::Certificate;

/// ```text
/// SignerInfo ::= SEQUENCE {
///   version CMSVersion,
///   sid SignerIdentifier,
///   digestAlgorithm DigestAlgorithmIdentifier,
///   signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
///   signatureAlgorithm SignatureAlgorithmIdentifier,
///   signature OCTET STRING,
///   unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }
/// ```
/// RFC 5652, section 5.3.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    identifier: Identifier,
    digest_algorithm: AlgorithmIdentifierOwned,
    signed_attributes: Option<SignedAttributes>,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
    /// There are unsigned attributes that are to be signed.
    misplaced_attributes: bool,
}

impl SignerInfo {
    /// Whether `certificate` is one that the signer is named by. With a key
    /// identifier that may be so for several, and each has to be tried (RFC
    /// 8551, section 2.6).
    pub fn identifies(&self, certificate: &Certificate) -> bool {
        self.identifier.names(certificate)
    }

    /// The digest algorithm, to hash the content with.
    ///
    /// # Errors
    /// [`CmsError::Algorithm`] if it is not implemented.
    pub fn digest_algorithm(&self) -> Result<DigestAlgorithm, CmsError> {
        DigestAlgorithm::from_oid(self.digest_algorithm.oid).ok_or(CmsError::Algorithm)
    }

    /// What is named as digest algorithm, implemented or not.
    pub fn digest_oid(&self) -> ObjectIdentifier {
        self.digest_algorithm.oid
    }

    /// What is named as signature algorithm, implemented or not.
    pub fn signature_oid(&self) -> ObjectIdentifier {
        self.signature_algorithm.oid
    }

    /// Whether it rests on SHA-1, which a policy has to allow.
    pub fn is_legacy(&self) -> bool {
        self.digest_algorithm() == Ok(DigestAlgorithm::Sha1)
    }

    /// Whether the signature is over attributes that hold the digest of the
    /// content, or else over the content itself.
    pub fn has_signed_attributes(&self) -> bool {
        self.signed_attributes.is_some()
    }

    /// When the signer says to have signed, in seconds since
    /// 1970-01-01T00:00:00Z. It is the signer's word, and only if the signature
    /// verifies.
    pub fn signing_time(&self) -> Option<u64> {
        self.signed_attributes.as_ref()?.signing_time().ok()?
    }

    /// The signer's `SMIMECapabilities`, in DER. They are the signer's word,
    /// and only if the signature verifies.
    pub fn capabilities(&self) -> Option<Vec<u8>> {
        self.signed_attributes.as_ref()?.capabilities().ok()?.map(<[u8]>::to_vec)
    }

    /// What the signature says it is for; nothing if it does not say, which is as
    /// good as [`SignatureType::Originator`]. It is the signer's word, and only if
    /// the signature verifies.
    pub fn signature_type(&self) -> Vec<SignatureType> {
        self.signed_attributes.as_ref().and_then(|attributes| attributes.signature_type().ok()).unwrap_or_default()
    }

    /// Verifies the signature with the key of `certificate`. Whether that is
    /// trusted, and whose it is, is another question; so is whether SHA-1 is
    /// good enough.
    ///
    /// `content_type` is the `eContentType`, which S/MIME has but one of, id-data
    /// (RFC 8551, section 2.4.1): a signature over anything else was not made for
    /// a message. `content` is the content, `content_digest` its digest by
    /// [`Self::digest_algorithm`].
    ///
    /// With attributes: content-type and message-digest have to be there and to
    /// agree, no attribute of S/MIME may be there twice or with several values,
    /// and a signing certificate has to be this one (RFC 5652, sections 5.4,
    /// 5.6, 11; RFC 8551, section 2.5; RFC 5035). They are hashed as they came,
    /// in DER, under the tag of a `SET OF`; where a signer has put them in
    /// another order than DER's, it may have signed either order, and both are
    /// tried: OpenSSL hashes what came, Bouncy Castle sorts. Both say the same.
    ///
    /// None of these may be among the unsigned attributes, of which nothing else
    /// is asked, since nobody vouches for them.
    ///
    /// Without: the content must not be what other signatures have as attributes,
    /// for the same octets would verify.
    ///
    /// # Errors
    /// [`CmsError::ContentType`] if the content is not id-data;
    /// [`CmsError::Altered`] if anything else above does not hold;
    /// [`CmsError::Algorithm`] if an algorithm or the key is not implemented, or
    /// if the key is too small or too large.
    pub fn verify(
        &self,
        content_type: ObjectIdentifier,
        content_digest: &[u8],
        content: &[u8],
        certificate: &Certificate,
        bulk: &dyn Bulk,
    ) -> Result<(), CmsError> {
        if content_type != ID_DATA {
            return Err(CmsError::ContentType);
        }
        let digest = self.digest_algorithm()?;
        if self.misplaced_attributes {
            return Err(CmsError::Altered);
        }
        let Some(attributes) = &self.signed_attributes else {
            if SignedAttributes::are_in(content) {
                return Err(CmsError::Altered);
            }
            return self.verify_message(digest, content, content_digest, certificate);
        };
        attributes.check(content_type, content_digest, certificate, bulk)?;
        attributes.check_algorithms(&self.digest_algorithm, &self.signature_algorithm)?;
        let verify =
            |attributes: &[u8]| self.verify_message(digest, attributes, &bulk.digest(digest, attributes), certificate);
        match (verify(attributes.as_received()), attributes.sorted()) {
            (Err(CmsError::Altered), Some(sorted)) => verify(&sorted),
            (result, _) => result,
        }
    }

    fn verify_message(
        &self,
        algorithm: DigestAlgorithm,
        message: &[u8],
        hash: &[u8],
        certificate: &Certificate,
    ) -> Result<(), CmsError> {
        let signature_algorithm = &self.signature_algorithm;
        let public_key = certificate.public_key();
        signature::verify_prehashed(public_key, signature_algorithm, algorithm, message, hash, &self.signature).map_err(
            |e| match e {
                SignatureError::Mismatch => CmsError::Altered,
                SignatureError::Unsupported | SignatureError::Key => CmsError::Algorithm,
            },
        )
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CmsError> {
        reader.nested(tag::SEQUENCE, |signer| {
            signer.version()?;
            let identifier = Identifier::read(signer)?;
            let digest_algorithm = signer.decode()?;
            let signed_attributes = match signer.peek() {
                Some(tag) if tag == tag::constructed(0) => Some(SignedAttributes::read(signer)?),
                _ => None,
            };
            let signature_algorithm = signer.decode()?;
            let signature = signer.small_octet_string(tag::OCTET_STRING)?;
            let misplaced = signer.optional(tag::constructed(1), attributes::are_misplaced)?;
            let misplaced_attributes = misplaced.unwrap_or(false);
            Ok(Self {
                identifier,
                digest_algorithm,
                signed_attributes,
                signature_algorithm,
                signature,
                misplaced_attributes,
            })
        })
    }
}
