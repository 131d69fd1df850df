//! What leaves a keyring: certificates as PEM, and private keys only under a
//! password.

use der::pem::LineEnding;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKeyChain};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Parameters;
use zeroize::Zeroizing;

use super::error::KeyringError;
use super::record::Record;
use super::store::Keyring;

/// Iterations of PBKDF2 in what is written (OWASP, 2023).
const ITERATIONS: u32 = 600_000;
/// The fewest characters of a password that protects a private key.
const MIN_PASSWORD: usize = 12;

/// What a private key is put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Container {
    /// PKCS #12 with certificate and chain: what mail clients import.
    #[default]
    Pkcs12,
    /// PEM of an encrypted PKCS #8, then of the certificate and its chain.
    Pkcs8,
}

impl Keyring {
    /// The private key of a row of fig. 5 with its certificate and chain,
    /// encrypted under `password` (PBES2: PBKDF2 with SHA-256, AES-256-CBC).
    pub fn export_private_key(
        &self,
        record: &Record,
        container: Container,
        password: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        if password.chars().count() < MIN_PASSWORD {
            return Err(KeyringError::ShortPassword);
        }
        let pkcs8 = self.pkcs8(&record.facts.key_id)?;
        let chain = self.chain(&record.facts.fingerprint)?;
        match container {
            Container::Pkcs8 => encrypted_pem(&pkcs8, record, &chain, password),
            Container::Pkcs12 => pkcs12(&pkcs8, record, &chain, password),
        }
    }
}

fn encrypted_pem(
    pkcs8: &[u8],
    record: &Record,
    chain: &[Vec<u8>],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let failed = || KeyringError::Cryptography("encrypt a private key");
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| failed())?;
    aws_lc_rs::rand::fill(&mut iv).map_err(|_| failed())?;
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv).map_err(|_| failed())?;
    let encrypted = PrivateKeyInfoRef::try_from(pkcs8)
        .and_then(|info| info.encrypt_with_params(parameters, password))
        .map_err(|_| failed())?;
    let mut pem = encrypted.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).map_err(|_| failed())?.to_string();
    pem.push_str(&certificate_pem(&record.certificate));
    chain.iter().for_each(|issuer| pem.push_str(&certificate_pem(issuer)));
    Ok(Zeroizing::new(pem.into_bytes()))
}

fn pkcs12(
    pkcs8: &[u8],
    record: &Record,
    chain: &[Vec<u8>],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let failed = |_| KeyringError::Cryptography("write PKCS #12");
    let certificates = std::iter::once(&record.certificate)
        .chain(chain)
        .map(|encoded| Certificate::from_der(encoded))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let local_key_id = record.facts.fingerprint.get(..20).unwrap_or_default();
    let mut store = KeyStore::new();
    let entry = PrivateKeyChain::new(pkcs8, local_key_id, certificates);
    store.add_entry(&record.address, KeyStoreEntry::PrivateKeyChain(entry));
    let iterations = u64::from(ITERATIONS);
    let written =
        store.writer(password).encryption_iterations(iterations).mac_iterations(iterations).write().map_err(failed)?;
    Ok(Zeroizing::new(written))
}

/// A certificate as PEM (RFC 7468, section 5).
pub fn certificate_pem(encoded: &[u8]) -> String {
    let text = base64_simd::STANDARD.encode_to_string(encoded);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
