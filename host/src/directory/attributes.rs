//! The attributes that hold certificates, and what is in their values.

use smime::budget::Budget;
use smime::cms::{ContentInfo, SignedData, SignerInfo};
use smime::crypto::{Bulk, Software};
use smime::x509::Certificate;

use super::message::Attribute;
use crate::remote::found::Found;

/// The attributes that are asked for. Servers differ in whether they know them with
/// or without the option `;binary` (RFC 4523, section 2.1; RFC 2798, section 2.8), and
/// answer in the spelling that they were asked in.
pub(super) const ATTRIBUTES: [&str; 4] =
    ["userCertificate;binary", "userCertificate", "userSMIMECertificate;binary", "userSMIMECertificate"];

/// Most octets of one value.
const LONGEST_VALUE: usize = 256 << 10;

/// Takes the certificates out of the attributes of one entry.
pub(super) fn take(attributes: &[Attribute<'_>], found: &mut Found<'_>) {
    for Attribute { description, values } in attributes {
        let kind = description.split(|octet| *octet == b';').next().unwrap_or_default();
        for value in values {
            if value.len() > LONGEST_VALUE {
                found.pass_over("too-large");
            } else if kind.eq_ignore_ascii_case(b"userCertificate") {
                found.take(value, false, None);
            } else if kind.eq_ignore_ascii_case(b"userSMIMECertificate") {
                take_bundle(value, found);
            }
        }
    }
}

/// Takes those of a PKCS #7 bundle (RFC 2798, section 2.8): signed data without
/// content, with the chain of a person and perhaps a signature over what the person's
/// client reads. That counts if it verifies with the person's own certificate.
fn take_bundle(value: &[u8], found: &mut Found<'_>) {
    let mut budget = Budget::for_message(value.len());
    let Ok(ContentInfo::Signed(signed)) = ContentInfo::parse(value, &mut budget) else {
        // Some clients store a bare certificate here.
        return found.take(value, false, None);
    };
    for encoded in signed.certificates() {
        let capabilities = Certificate::from_der(encoded).ok().and_then(|certificate| {
            let own = signed.signers().iter().filter(|signer| signer.identifies(&certificate));
            own.filter(|signer| verifies(signer, &signed, value, &certificate)).find_map(SignerInfo::capabilities)
        });
        found.take(encoded, false, capabilities);
    }
}

/// Whether the signature is one by the key of `certificate` over the content of the
/// bundle, which as a rule there is none of.
fn verifies(signer: &SignerInfo, signed: &SignedData, value: &[u8], certificate: &Certificate) -> bool {
    let content = signed.content().map(|content| content.join(value)).unwrap_or_default();
    let Ok(algorithm) = signer.digest_algorithm() else { return false };
    let digest = Software.digest(algorithm, &content);
    !signer.is_legacy() && signer.verify(signed.content_type(), &digest, &content, certificate, &Software).is_ok()
}
