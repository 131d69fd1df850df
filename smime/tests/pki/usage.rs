//! What certificates may be used for (T30; RFC 8550, section 4.4).

use smime::error::CertificateError;
use smime::x509::usage::{may_encipher, may_sign};

use crate::certificate;

const OK: Result<(), CertificateError> = Ok(());
const USAGE: Result<(), CertificateError> = Err(CertificateError::Usage);
const KEY: Result<(), CertificateError> = Err(CertificateError::Key);
const UNJUDGED: Result<(), CertificateError> = Err(CertificateError::Unjudged);

#[track_caller]
fn may(name: &str, sign: Result<(), CertificateError>, encipher: Result<(), CertificateError>) {
    let certificate = certificate(name);
    assert_eq!((may_sign(&certificate), may_encipher(&certificate)), (sign, encipher), "{name}");
}

#[test]
fn a_certificate_for_both_or_without_limits_does_both() {
    may("alice", OK, OK);
    may("ku-none", OK, OK);
    may("eku-none", OK, OK);
    may("eku-any", OK, OK);
    may("strange-softly", OK, OK);
}

#[test]
fn t30_key_usage_without_signing_bits() {
    may("ku-encipher", USAGE, OK);
    may("ku-sign", OK, USAGE);
    may("ku-commit", OK, USAGE);
    may("intermediate", USAGE, USAGE);
}

#[test]
fn t30_extended_key_usage_for_servers() {
    may("eku-server", USAGE, USAGE);
}

#[test]
fn t30_unknown_critical_extension() {
    may("strange-leaf", UNJUDGED, UNJUDGED);
}

#[test]
fn t30_keys_too_small_too_large_or_with_exponent_1() {
    may("weak", KEY, KEY);
    may("rsa-16384", KEY, KEY);
    may("rsa-e1", KEY, KEY);
}

#[test]
fn a_key_on_a_curve_signs_and_is_agreed_with() {
    may("ec", OK, OK);
}

#[test]
fn a_key_for_pss_only_signs() {
    may("pss", OK, USAGE);
    may("pss-sha384", OK, USAGE);
}
