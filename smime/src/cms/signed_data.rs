//! Content with signatures on it: reading.

use const_oid::ObjectIdentifier;

use super::ber::{Reader, tag};
use super::{Segments, SignerInfo};
use crate::budget::{Budget, Limit};
use crate::error::{CmsError, MessageError};

mod write;

pub use write::{Signer, write};

/// ```text
/// SignedData ::= SEQUENCE {
///   version CMSVersion,
///   digestAlgorithms SET OF DigestAlgorithmIdentifier,
///   encapContentInfo EncapsulatedContentInfo,
///   certificates [0] IMPLICIT CertificateSet OPTIONAL,
///   crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
///   signerInfos SET OF SignerInfo }
/// EncapsulatedContentInfo ::= SEQUENCE {
///   eContentType ContentType,
///   eContent [0] EXPLICIT OCTET STRING OPTIONAL }
/// ```
/// RFC 5652, section 5.1.
///
/// `version` and `digestAlgorithms` only announce what follows: nothing is
/// decided by them.
#[derive(Clone, Debug)]
pub struct SignedData {
    content_type: ObjectIdentifier,
    content: Option<Segments>,
    certificates: Vec<Vec<u8>>,
    signers: Vec<SignerInfo>,
}

impl SignedData {
    /// The `eContentType`.
    pub fn content_type(&self) -> ObjectIdentifier {
        self.content_type
    }

    /// The `eContent`; none if the signatures are detached from it.
    pub fn content(&self) -> Option<&Segments> {
        self.content.as_ref()
    }

    /// The X.509 certificates that came along, in DER as far as their makers
    /// wrote DER. Nothing vouches for them. Other kinds are left out.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The signers. None is no signature at all, just a bag of certificates.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    pub(super) fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, MessageError> {
        reader.nested(tag::SEQUENCE, |data| {
            data.version()?;
            data.nested(tag::SET, |algorithms| skip_all(algorithms, || Ok(())))?;
            let (content_type, content) = data.nested(tag::SEQUENCE, encapsulated)?;
            budget.octets(content.as_ref().map_or(0, Segments::len))?;
            let certificates = data.optional(tag::constructed(0), |set| certificates(set, budget))?.unwrap_or_default();
            data.optional(tag::constructed(1), |lists| skip_all(lists, || budget.certificate()))?;
            let signers = data.nested(tag::SET, |set| {
                let mut signers = Vec::new();
                while !set.is_finished() {
                    budget.signer()?;
                    signers.push(SignerInfo::read(set)?);
                }
                Ok::<_, MessageError>(signers)
            })?;
            Ok(Self { content_type, content, certificates, signers })
        })
    }
}

pub(super) fn encapsulated(reader: &mut Reader<'_>) -> Result<(ObjectIdentifier, Option<Segments>), CmsError> {
    let content_type = reader.oid()?;
    let content = reader.optional(tag::constructed(0), |content| match content.peek() {
        Some(tag) if tag & !tag::CONSTRUCTED == tag::OCTET_STRING => content.octet_string(tag::OCTET_STRING),
        Some(_) => Err(CmsError::ContentType),
        None => Err(CmsError::Malformed),
    })?;
    Ok((content_type, content))
}

fn certificates(set: &mut Reader<'_>, budget: &mut Budget) -> Result<Vec<Vec<u8>>, MessageError> {
    let mut certificates = Vec::new();
    while let Some(kind) = set.peek() {
        budget.certificate()?;
        if kind == tag::SEQUENCE {
            let certificate = set.raw()?;
            budget.octets(certificate.len())?;
            certificates.push(certificate);
        } else {
            set.skip()?;
        }
    }
    Ok(certificates)
}

fn skip_all(set: &mut Reader<'_>, mut each: impl FnMut() -> Result<(), Limit>) -> Result<(), MessageError> {
    while !set.is_finished() {
        each()?;
        set.skip()?;
    }
    Ok(())
}
