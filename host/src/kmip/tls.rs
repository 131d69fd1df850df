//! The TLS client that key management servers know us by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::error::KmipError;
use crate::secret_file::SecretFile;

/// The files that make up the client: all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmipCredentials {
    /// The authorities of the servers' certificates.
    pub ca: PathBuf,
    /// Our certificate (clientAuth), and those of its issuers after it.
    pub certificate: PathBuf,
    /// Its private key, readable by its owner alone.
    pub key: SecretFile,
}

impl KmipCredentials {
    /// The DER of our certificate, to look at its dates.
    pub fn certificate(&self) -> Result<Vec<u8>, KmipError> {
        let certificates = certificates(&self.certificate)?;
        certificates.first().map(|first| first.to_vec()).ok_or_else(|| unfit(&self.certificate, NO_CERTIFICATE))
    }

    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, KmipError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.ca)? {
            roots.add(authority).map_err(|error| unfit(&self.ca, &error.to_string()))?;
        }
        let chain = certificates(&self.certificate)?;
        let pem = self.key.read().map_err(|error| KmipError::Configuration(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
            KmipError::Configuration("`key` has no private key in PEM, or one that is encrypted".to_owned())
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| KmipError::Configuration(error.to_string()))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| unfit(&self.certificate, &format!("it does not go with `key`: {error}")))?;
        Ok(Arc::new(client))
    }
}

const NO_CERTIFICATE: &str = "it has no certificate in PEM";

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, KmipError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| unfit(path, &error.to_string()))?;
    if certificates.is_empty() { Err(unfit(path, NO_CERTIFICATE)) } else { Ok(certificates) }
}

fn unfit(path: &Path, reason: &str) -> KmipError {
    KmipError::Configuration(format!("{}: {reason}", path.display()))
}
