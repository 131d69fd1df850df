//! Certification requests (PKCS #10, RFC 2986): a key that somebody else has made.
//!
//! The key alone is taken from them. Whose it is, the operator says, and what it may
//! be used for, its algorithm: what a request asks for besides is not looked at.

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::{Decode as _, Encode as _};
use smime::crypto::lattice::MlDsa;
use smime::crypto::{Software, signature};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
use x509_cert::request::CertReq;

use super::error::AuthorityError;
use crate::keyring::pem;

/// A public key whose private key its bearer has proved to have.
pub(super) struct RequestedKey {
    pub(super) public_key: SubjectPublicKeyInfoOwned,
    pub(super) usage: KeyUsage,
}

impl RequestedKey {
    /// Reads a `CertificationRequest`, DER or PEM, and verifies its signature.
    pub(super) fn read(octets: &[u8]) -> Result<Self, AuthorityError> {
        let malformed = || AuthorityError::Request("is no sound certification request (PKCS #10)");
        let request = if pem::is_pem(octets) {
            let blocks = pem::blocks("the request", octets).collect::<Result<Vec<_>, _>>()?;
            let is_request = |label: &str| matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST");
            let block = blocks.iter().find(|block| is_request(&block.label)).ok_or_else(malformed)?;
            CertReq::from_der(&block.content).map_err(|_| malformed())?
        } else {
            CertReq::from_der(octets).map_err(|_| malformed())?
        };
        let signed = request.info.to_der().map_err(|_| malformed())?;
        let public_key = request.info.public_key;
        let bits = request.signature.as_bytes().ok_or_else(malformed)?;
        signature::verify(&public_key, &request.algorithm, None, &signed, bits, &Software)
            .map_err(|_| AuthorityError::Request("is not signed by the key that it is for, or with a weak digest"))?;
        let usage = usage(public_key.algorithm.oid)
            .ok_or(AuthorityError::Request("is for a key of a kind that is not used for mail"))?;
        Ok(Self { public_key, usage })
    }
}

/// What a key of an algorithm may be used for: all that it can (RFC 8550, section
/// 4.4.2; RFC 5480, section 3; RFC 8410, section 5; RFC 9881).
fn usage(algorithm: ObjectIdentifier) -> Option<KeyUsage> {
    Some(KeyUsage(match algorithm {
        rfc5912::RSA_ENCRYPTION => KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
        rfc5912::ID_EC_PUBLIC_KEY => KeyUsages::DigitalSignature | KeyUsages::KeyAgreement,
        rfc5912::ID_RSASSA_PSS | rfc8410::ID_ED_25519 => KeyUsages::DigitalSignature.into(),
        other if MlDsa::from_oid(other).is_some() => KeyUsages::DigitalSignature.into(),
        _ => return None,
    }))
}
