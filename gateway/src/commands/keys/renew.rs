//! `wasmime keys renew`: certificates replaced before they expire, by a timer.

use host::authority::Renewal;

use super::issue::{authority, refused};
use super::{file, revoke, show};
use crate::cli::Renew;
use crate::config::{self, Configuration};
use crate::exit::{Failure, Status};
use crate::time;

/// Renews for one tenant, or for each that has an authority. What fails for one does
/// not keep the others from theirs.
pub fn renew(arguments: &Renew) -> Result<(), Failure> {
    let configuration = Configuration::read(&arguments.tenant.configuration.config)?;
    let within = arguments.within.as_secs();
    if let Some(name) = &arguments.tenant.tenant {
        return renew_tenant(configuration.tenant(Some(name))?, within);
    }
    let mut failures = Vec::new();
    for tenant in configuration.tenants.iter().filter(|tenant| tenant.keyring.exists()) {
        if let Err(failure) = renew_tenant(tenant, within) {
            failures.push(Failure::new(failure.status, format!("tenant {}: {}", tenant.name, failure.text)));
        }
    }
    let texts: Vec<&str> = failures.iter().map(|failure| failure.text.as_str()).collect();
    match failures.first() {
        Some(first) => Err(Failure::new(first.status, texts.join("; "))),
        None => Ok(()),
    }
}

fn renew_tenant(tenant: &config::Tenant, within: u64) -> Result<(), Failure> {
    let authority = authority(tenant)?;
    if !authority.is_founded().map_err(refused)? {
        return Ok(());
    }
    let mut failures = Vec::new();
    for renewal in authority.renew(within, time::now()).map_err(refused)? {
        match renewal {
            Renewal::Renewed(issued) => file::tell(&issued.filed),
            Renewal::Retired { address, fingerprint } => {
                println!("{address}: {} retired: there is another that lasts longer", show::hex(&fingerprint));
            }
            Renewal::Elsewhere { address, expires } => println!(
                "{address}: the certificate expires on {}, and its key is not here: make a request with the key, and \
                 `wasmime keys issue --request`",
                time::day(expires)
            ),
            Renewal::Failed { address, error } => failures.push(format!("{address}: {error}")),
        }
    }
    // Whoever could not be renewed, partners need the list.
    if let Some(path) = &tenant.authority.revocation_list {
        revoke::write_pem(&authority, path)?;
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(Status::Failed, failures.join("; "))) }
}
