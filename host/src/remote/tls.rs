//! TLS as a client that shows no certificate of its own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client that accepts servers under the authorities in the PEM file `ca`, or under
/// those of the system. The error says what is wrong with them.
pub(crate) fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let roots = match ca {
        Some(path) => private_roots(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn private_roots(path: &Path) -> Result<RootCertStore, String> {
    let unfit = |reason: String| format!("{}: {reason}", path.display());
    let mut roots = RootCertStore::empty();
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for authority in read.map_err(|error| unfit(error.to_string()))? {
        roots.add(authority).map_err(|error| unfit(error.to_string()))?;
    }
    if roots.is_empty() { Err(unfit("it has no certificate in PEM".to_owned())) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    // A system has some that nobody can parse; the others do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system has no certificates of authorities; name the directory's with `ca`".to_owned());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_without_authorities_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(client(Some(&path)).is_err());
        fs::write(&path, "not PEM").unwrap();
        assert!(client(Some(&path)).unwrap_err().contains("no certificate"));
        let sound = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pki/ca.pem");
        assert!(client(Some(Path::new(sound))).is_ok());
    }
}
