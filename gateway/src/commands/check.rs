//! `wasmime check`: what is wrong, in words, before a message finds out.

mod authority;
mod directories;
mod findings;
mod gateway;
mod key_servers;
mod keyring;
mod listeners;

use std::path::Path;

use host::Trust as _;
use host::keyring::{Authorities, CertificateFacts};

use crate::config::{Configuration, Tenant};
use crate::exit::{Failure, Status};
use crate::trust::{FileTrust, RevocationEnd};
use crate::{cli, time};
use findings::Findings;

/// How long before a certificate expires it is time to say so, in days.
const NOTICE_DAYS: u64 = 30;
/// The same of a revocation list, whose successor comes every day or week.
const LIST_NOTICE_DAYS: u64 = 2;

/// Says what is wrong with the gateway, its listeners and each tenant of a
/// configuration.
pub fn run(arguments: &cli::Check) -> Result<Status, Failure> {
    let configuration = Configuration::read(&arguments.configuration.config)?;
    let now = arguments.at.unwrap_or_else(time::now);
    let mut status = Status::Ok;
    let mut tell = |findings: &Findings| {
        print!("{findings}");
        if findings.is_wrong() {
            status = Status::Failed;
        }
    };
    let mut findings = Findings::new("gateway");
    gateway::check(&configuration, &mut findings);
    tell(&findings);
    for listener in &configuration.listeners {
        let mut findings = Findings::new(&format!("listener {}", listener.name));
        listeners::check(listener, &configuration.gateway, &mut findings);
        tell(&findings);
    }
    for tenant in &configuration.tenants {
        let mut findings = Findings::new(&tenant.name);
        let authorities = authorities(tenant, now, &mut findings);
        if tenant.key_services.use_keyring() {
            keyring::check(tenant, &authorities, now, &mut findings);
            authority::check(tenant, now, &mut findings);
        }
        directories::check(tenant, arguments.at, &mut findings);
        key_servers::check(tenant, now, &mut findings);
        tell(&findings);
    }
    Ok(status)
}

/// Reads the authorities, as far as they can be read.
fn authorities(tenant: &Tenant, now: u64, findings: &mut Findings) -> Authorities {
    let trust = match FileTrust::read(tenant) {
        Ok(trust) => trust,
        Err(errors) => {
            errors.iter().for_each(|error| findings.wrong(error));
            return Authorities::default();
        }
    };
    trust.revocation_ends().iter().for_each(|end| revocation_list(end, now, findings));
    let (anchors, intermediates) = (trust.anchors().unwrap_or_default(), trust.intermediates().unwrap_or_default());
    for (kind, certificates) in [("trust anchor", &anchors), ("intermediate authority", &intermediates)] {
        for encoded in certificates {
            match CertificateFacts::from_der(encoded) {
                Ok(facts) => authority(kind, &facts, now, findings),
                Err(_) => findings.wrong(format!("a {kind} does not parse; write it anew")),
            }
        }
    }
    Authorities::new(&anchors, &intermediates)
}

fn authority(kind: &str, facts: &CertificateFacts, now: u64, findings: &mut Findings) {
    let title = facts.title();
    if facts.not_after < now {
        findings.wrong(format!("the {kind} {title} expired on {}; replace it", time::day(facts.not_after)));
    } else if facts.not_after < now.saturating_add(NOTICE_DAYS * time::DAY) {
        findings.wrong(format!("the {kind} {title} expires on {}; get its successor", time::day(facts.not_after)));
    } else if now < facts.not_before {
        findings.wrong(format!("the {kind} {title} is not valid before {}", time::day(facts.not_before)));
    }
    if !facts.authority {
        let instead = "`wasmime keys import --pin` is for certificates of people";
        findings.wrong(format!("the {kind} {title} is not the certificate of an authority; {instead}"));
    }
    if let Some(reason) = facts.algorithm.unusable() {
        findings.wrong(format!("the key of the {kind} {title} {reason}"));
    }
}

/// Says if there is no revocation list of an issuer in force, or soon will be none.
fn revocation_list(end: &RevocationEnd, now: u64, findings: &mut Findings) {
    let RevocationEnd { issuer, until } = end;
    let mended = "fetch its successor, and reload";
    if *until < now {
        let since = time::day(*until);
        findings.wrong(format!(
            "no revocation list of {issuer} is in force (the last was until {since}): mail whose path leads by it \
             is deferred; {mended}"
        ));
    } else if *until < now.saturating_add(LIST_NOTICE_DAYS * time::DAY) {
        findings.note(format!("the revocation list of {issuer} is in force until {}; {mended}", time::format(*until)));
    }
}

/// Says if others than the owner can use a file.
fn exposed(path: &Path, what: &str, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(metadata) = std::fs::metadata(path) {
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            findings.wrong(format!("the {what} {path} is open to others (mode {mode:04o}); run: chmod 600 {path}"));
        }
    }
}
