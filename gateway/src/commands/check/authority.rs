//! The tenant's own authority: whether it can go on, and its revocation list is
//! in force.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use host::authority::{Authority, AuthorityError};
use host::keyring::{CertificateFacts, Keyring};

use super::findings::Findings;
use crate::config::Tenant;
use crate::time;

/// How long before a root expires it is time to give partners its successor, in days.
const NOTICE_DAYS: u64 = 365;

/// Checks the authority, if there is one.
pub fn check(tenant: &Tenant, now: u64, findings: &mut Findings) {
    // What is wrong with the keyring was said.
    let Ok(keyring) = Keyring::open(&tenant.keyring) else { return };
    let authority = Authority::new(Arc::new(keyring), tenant.authority.options.clone());
    match authority.root() {
        Ok(root) => root_lasts(&root, now, findings),
        Err(AuthorityError::None) => return,
        Err(error) => return findings.wrong(error),
    }
    match authority.unconstrained() {
        Ok(domains) => domains.into_iter().for_each(|domain| findings.wrong(AuthorityError::Unconstrained(domain))),
        Err(error) => findings.wrong(error),
    }
    list_in_force(tenant, now, findings);
}

fn root_lasts(root: &[u8], now: u64, findings: &mut Findings) {
    match CertificateFacts::from_der(root) {
        Ok(facts) if facts.not_after < now.saturating_add(NOTICE_DAYS * time::DAY) => findings.wrong(format!(
            "the tenant's own root expires on {}; make another with `wasmime keys issue --new-root` and give it to those \
             who trust this one",
            time::day(facts.not_after)
        )),
        Ok(_) => {}
        Err(_) => findings.wrong("the tenant's own root does not parse; restore the keyring from a backup"),
    }
}

/// Whether the revocation list that was written last is still in force.
fn list_in_force(tenant: &Tenant, now: u64, findings: &mut Findings) {
    let Some(path) = &tenant.authority.revocation_list else { return };
    let written = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let written = written.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
    let lasts = u64::from(tenant.authority.options.list_days) * time::DAY;
    let remedy = "run `wasmime keys renew` daily, by a timer";
    match written {
        None => findings.wrong(format!("there is no revocation list {}; {remedy}", path.display())),
        Some(written) if written.saturating_add(lasts) < now => {
            findings.wrong(format!("the revocation list {} is no longer in force; {remedy}", path.display()));
        }
        Some(_) => {}
    }
}
