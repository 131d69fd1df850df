//! TLS to a next hop.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::super::smtp::lines::AnyStream;
use super::fault::Fault;
use crate::config;

/// Whether a next hop is spoken to under TLS, and how.
pub enum NextHopTls {
    /// Never.
    Never,
    /// Where it offers STARTTLS; its certificate is not looked at (RFC 7435).
    Opportunistic(TlsConnector),
    /// Always, with a certificate that is valid for its name.
    Required(TlsConnector),
}

impl NextHopTls {
    /// Reads what `settings` name. The error is for the operator.
    pub fn new(settings: &config::NextHop) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let connector = |config| TlsConnector::from(Arc::new(config));
        Ok(match settings.tls {
            config::NextHopTls::Never => Self::Never,
            config::NextHopTls::Opportunistic => {
                let verifier = Arc::new(AnyCertificate(provider));
                let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
                Self::Opportunistic(connector(builder.with_no_client_auth()))
            }
            config::NextHopTls::Required => {
                let roots = roots(settings.ca.as_deref())?;
                Self::Required(connector(builder.with_root_certificates(roots).with_no_client_auth()))
            }
        })
    }

    /// Whether a next hop is to be asked for TLS that does or does not offer it.
    pub fn is_wanted(&self, offered: bool) -> Result<bool, Fault> {
        match (self, offered) {
            (Self::Never, _) | (Self::Opportunistic(_), false) => Ok(false),
            (Self::Opportunistic(_) | Self::Required(_), true) => Ok(true),
            (Self::Required(_), false) => Err(Fault::Unprotected),
        }
    }

    /// Begins TLS with the next hop called `host`.
    pub async fn shake_hands(&self, host: &str, stream: AnyStream) -> io::Result<AnyStream> {
        let (Self::Opportunistic(connector) | Self::Required(connector)) = self else {
            return Err(io::Error::other("TLS is never used"));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let told = |error: &dyn std::fmt::Display| format!("next-hop-ca {}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| told(&error))? {
                roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
            }
            if roots.is_empty() {
                return Err(told(&"no certificate is in it"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("the system trusts no certification authority; name one with next-hop-ca".to_owned());
            }
        }
    }
    Ok(roots)
}

/// Takes any certificate: who listens passively learns nothing, and who is
/// active could as well strip STARTTLS.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
