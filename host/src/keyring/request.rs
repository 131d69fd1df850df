//! Certification requests (PKCS #10, RFC 2986): what an authority is sent to have a
//! certificate for a key that stays here.

use der::Encode;
use x509_cert::builder::{self, Builder, RequestBuilder};

use super::address::normalise;
use super::error::KeyringError;
use super::filing::ImportOptions;
use super::generate::pair::{Pair, Signature};
use super::generate::personal::Personal;
use super::generate::{self, KeyAlgorithm};
use super::record::{Kind, Source};
use super::store::Keyring;

/// How many days the certificate says to be valid that stands for the key until
/// the authority has answered. It is used for nothing.
const PLACEHOLDER_DAYS: u32 = 30;

/// The key that a certificate is requested for.
#[derive(Clone, Copy, Debug)]
pub enum RequestedKey {
    /// A new one, of this algorithm. It is filed as [`Source::Requested`].
    New(KeyAlgorithm),
    /// That of the certificate with this fingerprint, filed for the address.
    OnFile([u8; 32]),
}

impl Keyring {
    /// Requests a certificate for `address`: the DER of a `CertificationRequest`,
    /// with the names and uses of the certificate that is wanted. `now` is in seconds
    /// since 1970-01-01T00:00:00Z. The certificate that comes is imported, and
    /// finds its key.
    pub fn request(&self, address: &str, key: RequestedKey, now: u64) -> Result<Vec<u8>, KeyringError> {
        let address = normalise(address)?;
        let pair = match key {
            RequestedKey::New(algorithm) => Pair::generate(algorithm).map_err(|_| generate::FAILED)?,
            RequestedKey::OnFile(fingerprint) => self.pair(&address, &fingerprint, now)?,
        };
        let request = encoded(&pair, &address).map_err(|_| KeyringError::Cryptography("make a request"))?;
        if matches!(key, RequestedKey::New(_)) {
            let bundle = generate::self_signed(&pair, &address, now, PLACEHOLDER_DAYS)?;
            self.file(bundle, &ImportOptions { address: Some(address), pin: false }, Source::Requested)?;
        }
        Ok(request)
    }

    fn pair(&self, address: &str, fingerprint: &[u8; 32], now: u64) -> Result<Pair, KeyringError> {
        let records = self.records_of(Kind::Private, address, now)?;
        let record = records.iter().find(|record| record.facts.fingerprint == *fingerprint && !record.altered);
        let missing = || KeyringError::NotFound(format!("no such private key is filed for {address}"));
        let facts = &record.ok_or_else(missing)?.facts;
        let pkcs8 = self.pkcs8(&facts.key_id)?;
        Pair::from_pkcs8(&pkcs8).ok_or_else(|| KeyringError::NoRequest(facts.algorithm.to_string()))
    }
}

fn encoded(pair: &Pair, address: &str) -> builder::Result<Vec<u8>> {
    let personal = Personal::new(address, pair.usage())?;
    let mut builder = RequestBuilder::new(personal.subject)?;
    builder.add_extension(&personal.constraints)?;
    builder.add_extension(&personal.key_usage)?;
    builder.add_extension(&personal.extended_key_usage)?;
    builder.add_extension(&personal.names)?;
    Ok(builder.build::<_, Signature>(pair)?.to_der()?)
}
