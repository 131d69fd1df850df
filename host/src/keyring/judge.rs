//! What a message would be told of a certificate on file, told beforehand: for
//! `wasmime check`.

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::{Certificate, address, path};

use super::record::Record;

/// The authorities of a tenant, ready to judge certificates by.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
}

impl Authorities {
    /// Takes DER certificates; those that do not parse count for nothing.
    pub fn new(anchors: &[Vec<u8>], intermediates: &[Vec<u8>]) -> Self {
        let read = |encoded: &[Vec<u8>]| encoded.iter().filter_map(|one| Certificate::from_der(one).ok()).collect();
        Self { anchors: read(anchors), intermediates: read(intermediates) }
    }

    /// Whether the certificate of a row counts at `now`, in seconds since
    /// 1970-01-01T00:00:00Z; `chain` are its issuers as they are filed. The error
    /// says why not, in words that follow "the certificate".
    pub fn judge(&self, record: &Record, chain: &[Vec<u8>], now: u64) -> Result<(), &'static str> {
        let leaf = Certificate::from_der(&record.certificate).map_err(|_| "does not parse")?;
        if record.facts.not_after < now {
            return Err("has expired");
        }
        if now < record.facts.not_before {
            return Err("is not valid yet");
        }
        if !record.facts.signs && !record.facts.enciphers {
            return Err("is neither for signing nor for encrypting mail");
        }
        if record.pinned {
            return Ok(());
        }
        if !address::names(&leaf, &record.address) {
            return Err("does not name the address, and is not pinned");
        }
        let mut pool = self.intermediates.clone();
        pool.extend(chain.iter().filter_map(|issuer| Certificate::from_der(issuer).ok()));
        path::validate(&leaf, &pool, &self.anchors, now, &mut Budget::for_message(0)).map(drop).map_err(|error| {
            match error {
                CertificateError::NoPath => "has no path to a trust anchor, and is not pinned",
                CertificateError::Expired => "has a path through an issuer that has expired",
                CertificateError::NotYetValid => "has a path through an issuer that is not valid yet",
                CertificateError::Algorithm => {
                    "is signed, or one of its issuers is, with an algorithm that is too weak"
                }
                CertificateError::Key => "has a path through an issuer whose key is too short or of an unknown kind",
                CertificateError::Issuer | CertificateError::Usage => {
                    "has a path through a certificate that may not issue"
                }
                CertificateError::Signature => "has a path with a wrong signature",
                CertificateError::Policies => "has a path that requires a policy, which it is not issued under",
                CertificateError::Unjudged => "has a path with constraints that this release cannot judge",
                _ => "has a path that cannot be checked",
            }
        })
    }
}
