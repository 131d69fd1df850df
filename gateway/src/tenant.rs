//! The services of a tenant, as its configuration says.

use std::path::Path;
use std::sync::Arc;

use host::keyring::{Bundle, Keyring, KeyringServices};
use host::services::{NoHarvest, SameMailbox, SystemEntropy};
use host::{Clock, Limits, Refusal, Tenant, Trust};

use crate::Failure;
use crate::config::TenantConfig;

/// Opens the services of a tenant; `clock` tells the time it judges by.
pub fn open(config: &TenantConfig, clock: Arc<dyn Clock>) -> Result<Tenant, Failure> {
    let of_tenant = |what: String| Failure::configuration(format!("tenant {}: {what}", config.name));
    let keyring = Keyring::open(&config.keyring).map_err(|e| of_tenant(e.to_string()))?;
    let keys = Arc::new(KeyringServices::new(Arc::new(keyring), Arc::clone(&clock)));
    let trust = ConfiguredTrust {
        anchors: certificates(&config.anchors).map_err(of_tenant)?,
        intermediates: certificates(&config.intermediates).map_err(of_tenant)?,
    };
    Ok(Tenant {
        certificates: Arc::clone(&keys) as _,
        private_keys: keys,
        trust: Arc::new(trust),
        policies: Arc::new(config.policies.clone()),
        harvest: Arc::new(NoHarvest),
        authorise: Arc::new(SameMailbox),
        clock,
        entropy: Arc::new(SystemEntropy),
        limits: Limits::default(),
    })
}

/// Reads the certificates in files of PEM, DER or PKCS #7, as DER.
pub fn certificates(files: &[impl AsRef<Path>]) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    for file in files {
        let file = file.as_ref();
        let octets = std::fs::read(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
        let mut bundle = Bundle::default();
        bundle.read(&file.display().to_string(), &octets, None).map_err(|e| e.to_string())?;
        certificates.extend(bundle.certificates().map(<[u8]>::to_vec));
    }
    Ok(certificates)
}

/// Trust anchors and intermediates out of files.
struct ConfiguredTrust {
    anchors: Vec<Vec<u8>>,
    intermediates: Vec<Vec<u8>>,
}

impl Trust for ConfiguredTrust {
    fn anchors(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.anchors.clone())
    }

    fn intermediates(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.intermediates.clone())
    }

    /// The filter of this version asks for none; see `wasmime check`.
    fn revocation_lists(&self, _: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(Vec::new())
    }
}
