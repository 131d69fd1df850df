//! Whose key a `RecipientInfo` is for: a key opens only what names its own
//! certificate (RFC 5652, section 6.2).

use cms::enveloped_data::{KeyAgreeRecipientIdentifier, RecipientIdentifier, RecipientInfo};
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

/// A `RecipientInfo` or certificate that does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Whether `recipient_info` (DER) names `certificate` (DER), by issuer and serial
/// number or by subject key identifier.
pub(crate) fn is_addressed_to(recipient_info: &[u8], certificate: &[u8]) -> Result<bool, Malformed> {
    if recipient_info.len() > LONGEST {
        return Err(Malformed);
    }
    let info = RecipientInfo::from_der(recipient_info).map_err(|_| Malformed)?;
    let certificate = Certificate::from_der(certificate).map_err(|_| Malformed)?;
    match info {
        RecipientInfo::Ktri(info) => Ok(match &info.rid {
            RecipientIdentifier::IssuerAndSerialNumber(id) => is_issuer_and_serial(id, &certificate),
            RecipientIdentifier::SubjectKeyIdentifier(id) => is_key_identifier(id, &certificate),
        }),
        RecipientInfo::Kari(info) => Ok(info.recipient_enc_keys.iter().any(|key| match &key.rid {
            KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(id) => is_issuer_and_serial(id, &certificate),
            KeyAgreeRecipientIdentifier::RKeyId(id) => is_key_identifier(&id.subject_key_identifier, &certificate),
        })),
        // Nothing else is for a certificate.
        _ => Ok(false),
    }
}

/// Octets of the largest `RecipientInfo` that a key of 8192 bits and the longest
/// names in use could need, and then some.
const LONGEST: usize = 64 << 10;

fn is_issuer_and_serial(id: &cms::cert::IssuerAndSerialNumber, certificate: &Certificate) -> bool {
    let certificate = certificate.tbs_certificate();
    id.serial_number == *certificate.serial_number()
        // As octets: the sender copied the name from this certificate.
        && matches!((id.issuer.to_der(), certificate.issuer().to_der()), (Ok(a), Ok(b)) if a == b)
}

fn is_key_identifier(id: &SubjectKeyIdentifier, certificate: &Certificate) -> bool {
    matches!(
        certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>(),
        Ok(Some((_, of_certificate))) if of_certificate.0 == id.0
    )
}
