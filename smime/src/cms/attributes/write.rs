//! The attributes this library signs.

use core::time::Duration;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{
    ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME, SMIME_CAPABILITIES,
};
use der::DateTime;

use crate::cms::ber::tag;
use crate::cms::signature_type::{self, ID_AA_SIGNATURE_TYPE, SignatureType};
use crate::cms::{algorithm, capabilities, encode};
use crate::crypto::DigestAlgorithm;
use crate::x509::Certificate;

/// The signed attributes of a signature, as the DER `SET OF` that is hashed:
/// content-type, message-digest, signing-time, `SigningCertificateV2` and
/// `SMIMECapabilities`, the last with what this library reads (RFC 8551, section
/// 2.5).
///
/// `content_type` is the `eContentType`; `digest` the digest of the content,
/// made with `algorithm`; `signing_time` in seconds since
/// 1970-01-01T00:00:00Z, written as `UTCTime` through 2049 and as
/// `GeneralizedTime` from then on, up to the end of the year 9999;
/// `certificate` the signer's.
pub fn signed_attributes(
    content_type: ObjectIdentifier,
    digest: &[u8],
    signing_time: u64,
    certificate: &Certificate,
    algorithm: DigestAlgorithm,
) -> Vec<u8> {
    encode::set_of(tag::SET, &mut list(content_type, digest, signing_time, certificate, algorithm))
}

/// The same of a signature that a domain makes for an author without a key of its
/// own (RFC 3183, section 3.1).
pub fn domain_attributes(
    content_type: ObjectIdentifier,
    digest: &[u8],
    signing_time: u64,
    certificate: &Certificate,
    algorithm: DigestAlgorithm,
) -> Vec<u8> {
    let mut attributes = list(content_type, digest, signing_time, certificate, algorithm);
    attributes.push(attribute(ID_AA_SIGNATURE_TYPE, &signature_type::write(SignatureType::Domain)));
    encode::set_of(tag::SET, &mut attributes)
}

fn list(
    content_type: ObjectIdentifier,
    digest: &[u8],
    signing_time: u64,
    certificate: &Certificate,
    algorithm: DigestAlgorithm,
) -> Vec<Vec<u8>> {
    vec![
        attribute(ID_CONTENT_TYPE, &encode::value(tag::OBJECT_IDENTIFIER, &[content_type.as_bytes()])),
        attribute(ID_MESSAGE_DIGEST, &encode::value(tag::OCTET_STRING, &[digest])),
        attribute(ID_SIGNING_TIME, &time(signing_time)),
        attribute(ID_AA_SIGNING_CERTIFICATE_V_2, &signing_certificate(certificate, algorithm)),
        attribute(SMIME_CAPABILITIES, &capabilities::ours()),
    ]
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    let kind = encode::value(tag::OBJECT_IDENTIFIER, &[kind.as_bytes()]);
    encode::sequence(&[&kind, &encode::value(tag::SET, &[value])])
}

/// `Time` as RFC 5652, section 11.3 wants it.
fn time(seconds: u64) -> Vec<u8> {
    let time = DateTime::from_unix_duration(Duration::from_secs(seconds)).unwrap_or(DateTime::INFINITY);
    let (year, month, day) = (time.year(), time.month(), time.day());
    let rest = format!("{month:02}{day:02}{:02}{:02}{:02}Z", time.hour(), time.minutes(), time.seconds());
    if year <= 2049 {
        encode::value(tag::UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()])
    } else {
        encode::value(tag::GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()])
    }
}

/// `SigningCertificateV2` with one certificate. What its issuer and serial
/// number are is said by the signer's identifier.
fn signing_certificate(certificate: &Certificate, digest: DigestAlgorithm) -> Vec<u8> {
    let hash = encode::value(tag::OCTET_STRING, &[&digest.compute(certificate.encoded())]);
    let hash_algorithm = match digest {
        // The default, which DER leaves out.
        DigestAlgorithm::Sha256 => Vec::new(),
        other => algorithm::digest_identifier(other),
    };
    encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&hash_algorithm, &hash])])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_times_are_utc_through_2049_and_generalized_from_then_on() {
        // 2049-12-31T23:59:59Z
        assert_eq!(time(2_524_607_999), [&[0x17, 13][..], b"491231235959Z"].concat());
        assert_eq!(time(2_524_608_000), [&[0x18, 15][..], b"20500101000000Z"].concat());
        assert_eq!(time(0), [&[0x17, 13][..], b"700101000000Z"].concat());
        assert_eq!(time(u64::MAX), [&[0x18, 15][..], b"99991231235959Z"].concat());
    }
}
