//! Content with signatures on it: writing.

use const_oid::db::rfc5911::{ID_DATA, ID_SIGNED_DATA};

use crate::cms::ber::tag;
use crate::cms::encode::{self, Level};
use crate::cms::identifier::Identifier;
use crate::x509::Certificate;

/// One signature, ready made.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    /// The signer's certificate; it is named by issuer and serial number.
    pub certificate: &'a Certificate,
    /// The digest algorithm: a DER `AlgorithmIdentifier`.
    pub digest: Vec<u8>,
    /// The signature algorithm: a DER `AlgorithmIdentifier`.
    pub algorithm: Vec<u8>,
    /// The signed attributes, as the DER `SET OF` that was signed.
    pub attributes: Vec<u8>,
    /// The signature over them.
    pub signature: Vec<u8>,
}

/// Writes signed data in DER. `content` is id-data; none for a detached
/// signature. `certificates` are in DER and come along as they are.
///
/// The content is copied once, into a buffer of the exact size.
pub fn write(content: Option<&[u8]>, signers: &[Signer<'_>], certificates: &[&[u8]]) -> Vec<u8> {
    let oid = |contents: &[u8]| encode::value(tag::OBJECT_IDENTIFIER, &[contents]);
    let mut digests: Vec<_> = signers.iter().map(|signer| signer.digest.clone()).collect();
    digests.sort();
    digests.dedup();
    let mut certificates: Vec<_> = certificates.iter().map(|certificate| certificate.to_vec()).collect();
    certificates.sort();
    certificates.dedup();
    let mut signers: Vec<_> = signers.iter().map(signer_info).collect();

    // Version 1: id-data, X.509 certificates, signers by issuer and serial number.
    let before = [encode::value(tag::INTEGER, &[&[1]]), encode::set_of(tag::SET, &mut digests)].concat();
    let mut after = Vec::new();
    if !certificates.is_empty() {
        after = encode::set_of(tag::constructed(0), &mut certificates);
    }
    after.extend(encode::set_of(tag::SET, &mut signers));

    let (signed_data, data) = (oid(ID_SIGNED_DATA.as_bytes()), oid(ID_DATA.as_bytes()));
    let levels = [
        Level { tag: tag::SEQUENCE, before: &signed_data, after: b"" },
        Level { tag: tag::constructed(0), before: b"", after: b"" },
        Level { tag: tag::SEQUENCE, before: &before, after: &after },
        Level { tag: tag::SEQUENCE, before: &data, after: b"" },
        Level { tag: tag::constructed(0), before: b"", after: b"" },
        Level { tag: tag::OCTET_STRING, before: b"", after: b"" },
    ];
    match content {
        Some(content) => encode::around_copy(&levels, content),
        // Without eContent the last two levels are absent.
        None => encode::around_copy(levels.get(..4).unwrap_or_default(), b""),
    }
}

fn signer_info(signer: &Signer<'_>) -> Vec<u8> {
    let mut attributes = signer.attributes.clone();
    if let Some(first) = attributes.first_mut() {
        // What was hashed as SET OF stands here under an implicit tag.
        *first = tag::constructed(0);
    }
    encode::sequence(&[
        &encode::value(tag::INTEGER, &[&[1]]),
        &Identifier::by_issuer_and_serial_number(signer.certificate),
        &signer.digest,
        &attributes,
        &signer.algorithm,
        &encode::value(tag::OCTET_STRING, &[&signer.signature]),
    ])
}
