//! What a certificate may be used for: keyUsage, extendedKeyUsage,
//! basicConstraints, and the key itself (RFC 8550, section 4.4; RFC 5280,
//! section 4.2.1).

use const_oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_EMAIL_PROTECTION};
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::{Certificate, extension};
use crate::crypto::public_key::{KeyManagement, PublicKey};
use crate::error::CertificateError;

/// Whether the holder of `certificate` may sign messages: keyUsage, if there
/// is one, holds digitalSignature or nonRepudiation; extendedKeyUsage, if
/// there is one, emailProtection or any. Path, validity and address are not
/// judged here.
///
/// [`CertificateError::Usage`] if not; [`CertificateError::Key`] if the key is
/// unfit; [`CertificateError::Unjudged`] if a critical extension is unknown.
pub fn may_sign(certificate: &Certificate) -> Result<(), CertificateError> {
    may(certificate, |usage| usage.digital_signature() || usage.non_repudiation())?;
    if key(certificate)?.verifies() { Ok(()) } else { Err(CertificateError::Usage) }
}

/// Whether content-encryption keys may be encrypted to `certificate`:
/// keyUsage, if there is one, holds keyEncipherment, or keyAgreement where the
/// key is for that (RFC 8551, section 2.3; RFC 5480, section 3); the rest as in
/// [`may_sign`].
pub fn may_encipher(certificate: &Certificate) -> Result<(), CertificateError> {
    let key = key(certificate)?;
    match key.key_management().ok_or(CertificateError::Usage)? {
        KeyManagement::Transport | KeyManagement::Encapsulation => may(certificate, KeyUsage::key_encipherment),
        KeyManagement::Agreement => may(certificate, KeyUsage::key_agreement),
    }
}

/// Whether `certificate` is one of an authority that may have issued others,
/// for mail among other things. [`CertificateError::Issuer`] if not, and
/// [`CertificateError::Usage`] if not for mail.
pub(super) fn may_issue(certificate: &Certificate) -> Result<(), CertificateError> {
    let constraints: Option<BasicConstraints> = certificate.extension()?;
    let usage: Option<KeyUsage> = certificate.extension()?;
    if !constraints.is_some_and(|c| c.ca) || !usage.is_none_or(|u| u.key_cert_sign()) {
        return Err(CertificateError::Issuer);
    }
    for_mail(certificate)
}

/// The same for a trust anchor. The first version of certificates knew no
/// extensions, and some old roots are of it: one that issued itself will do.
pub(super) fn anchor_may_issue(certificate: &Certificate) -> Result<(), CertificateError> {
    if certificate.version() != Version::V3 && certificate.is_self_issued() { Ok(()) } else { may_issue(certificate) }
}

fn may(certificate: &Certificate, allowed: impl Fn(&KeyUsage) -> bool) -> Result<(), CertificateError> {
    extension::all_judged(certificate)?;
    let usage: Option<KeyUsage> = certificate.extension()?;
    if !usage.is_none_or(|usage| allowed(&usage)) {
        return Err(CertificateError::Usage);
    }
    for_mail(certificate)
}

fn for_mail(certificate: &Certificate) -> Result<(), CertificateError> {
    let usage: Option<ExtendedKeyUsage> = certificate.extension()?;
    let mail = |usage: ExtendedKeyUsage| {
        usage.0.iter().any(|purpose| [ID_KP_EMAIL_PROTECTION, ANY_EXTENDED_KEY_USAGE].contains(purpose))
    };
    if usage.is_none_or(mail) { Ok(()) } else { Err(CertificateError::Usage) }
}

fn key(certificate: &Certificate) -> Result<PublicKey, CertificateError> {
    PublicKey::read(certificate.public_key()).map_err(|_| CertificateError::Key)
}
