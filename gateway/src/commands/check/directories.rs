//! The directory and the DNS of a tenant: whether they can be asked as configured.

use super::findings::Findings;
use crate::config::Tenant;
use crate::{key_services, tenant};

/// Asks each server and each resolver something that it must know.
pub fn check(settings: &Tenant, at: Option<u64>, findings: &mut Findings) {
    let clock = tenant::clock(at);
    match key_services::directory(settings, &clock) {
        Ok(Some(directory)) => directory.probe().iter().for_each(|error| findings.wrong(error)),
        Ok(None) => {}
        Err(error) => findings.wrong(error),
    }
    let servers = settings.key_services.directory.iter().flat_map(|directory| &directory.servers);
    for server in servers.filter(|server| server.is_exposed()) {
        findings.wrong(format!(
            "the directory {} is asked without TLS: whoever is on the way reads the password and can answer in its \
             place; use ldaps: or start-tls = true",
            server.text()
        ));
    }
    match key_services::smimea(settings, &clock) {
        Ok(Some(smimea)) => smimea.probe().iter().for_each(|error| findings.wrong(error)),
        Ok(None) => {}
        Err(error) => findings.wrong(error),
    }
}
