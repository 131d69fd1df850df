//! The keyring of a tenant: whether it opens, and whether everyone in it has a
//! key that works, today and next month.

use std::collections::BTreeMap;

use host::Demand;
use host::keyring::{Authorities, Keyring, KeyringError, Kind, Record, Source};

use super::findings::Findings;
use super::{NOTICE_DAYS, exposed};
use crate::config::{PrivateKeys, Tenant};
use crate::time;

/// Checks the keyring and all that is filed in it.
pub fn check(tenant: &Tenant, authorities: &Authorities, now: u64, findings: &mut Findings) {
    exposed(&tenant.keyring, "keyring", findings);
    let keyring = match Keyring::open(&tenant.keyring) {
        Ok(keyring) => keyring,
        Err(error) => return findings.wrong(error),
    };
    findings.note(format!("{} is sealed by {}", tenant.keyring.display(), keyring.sealed_by().display()));
    let records = match keyring.records(now) {
        Ok(records) => records,
        Err(error) => return findings.wrong(error),
    };
    let mut rows: BTreeMap<(&str, Kind), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.altered) {
        findings.wrong(KeyringError::Altered(record.address.clone()));
    }
    for record in records.iter().filter(|record| !record.retired && !record.held && record.source != Source::Requested)
    {
        rows.entry((&record.address, record.kind)).or_default().push(record);
    }
    let held = records.iter().filter(|record| record.held).count();
    if held > 0 {
        findings.note(format!("{held} certificates that came with mail wait for `wasmime keys approve`"));
    }
    let only_here = tenant.key_services.private == [PrivateKeys::Keyring];
    if only_here && tenant.outbound.sign == Demand::Required && !rows.keys().any(|(_, kind)| *kind == Kind::Private) {
        findings
            .wrong("sign = \"required\", and nobody has a private key: no mail can leave; see `wasmime keys --help`");
    }
    for record in records.iter().filter(|record| record.kind == Kind::Private) {
        sealed(&keyring, record, findings);
    }
    let local: Vec<&str> =
        rows.keys().filter(|(_, kind)| *kind == Kind::Private).map(|(address, _)| *address).collect();
    for ((address, kind), rows) in &rows {
        match kind {
            Kind::Private => own(tenant, address, rows, now, findings),
            // Whether others trust the certificate of one of ours is theirs to say.
            Kind::Public if local.contains(address) => {}
            Kind::Public => correspondent(&keyring, authorities, address, rows, now, findings),
        }
    }
}

/// Whether a private key can be had.
fn sealed(keyring: &Keyring, record: &Record, findings: &mut Findings) {
    if record.facts.algorithm.unusable().is_none()
        && let Err(error) = keyring.key(&record.facts.key_id)
    {
        findings.wrong(format!("{}: {error}", record.address));
    }
}

/// Whether a local user can sign and be written to.
fn own(tenant: &Tenant, address: &str, rows: &[&Record], now: u64, findings: &mut Findings) {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !tenant.domains.iter().any(|own| own == domain) {
        findings.wrong(format!("{address} has a private key here, and is of none of the tenant's domains"));
    }
    for row in rows {
        if let Some(reason) = row.facts.algorithm.unusable() {
            findings.wrong(format!("{address}: the private key {reason}; it is not used"));
        }
    }
    let mended = format!("`wasmime keys generate --address {address}`, or import a new one");
    for (purpose, fits) in [
        ("signs with", (|row: &Record| row.facts.signs) as fn(&Record) -> bool),
        ("decrypts with", |row| row.facts.enciphers),
    ] {
        let fitting = rows.iter().filter(|row| fits(row) && row.facts.not_before <= now);
        match fitting.map(|row| row.facts.not_after).max() {
            None => findings.wrong(format!("{address} has no private key that it {purpose}; {mended}")),
            Some(until) if until < now => {
                findings
                    .wrong(format!("the last key that {address} {purpose} expired on {}; {mended}", time::day(until)));
            }
            Some(until) if until < now.saturating_add(NOTICE_DAYS * time::DAY) => {
                findings
                    .wrong(format!("the last key that {address} {purpose} expires on {}; {mended}", time::day(until)));
            }
            Some(_) => {}
        }
    }
}

/// Whether an address can be encrypted to, and its signatures count.
fn correspondent(
    keyring: &Keyring,
    authorities: &Authorities,
    address: &str,
    rows: &[&Record],
    now: u64,
    findings: &mut Findings,
) {
    let mut reasons = Vec::new();
    let mut until = None;
    for row in rows {
        let judged = match (row.facts.algorithm.unusable(), keyring.chain(&row.facts.fingerprint)) {
            (Some(reason), _) => Err(format!("has a key that {reason}")),
            (None, Ok(chain)) => authorities.judge(row, &chain, now).map_err(str::to_owned),
            (None, Err(error)) => Err(format!("cannot be judged: {error}")),
        };
        match judged {
            Ok(()) => until = until.max(Some(row.facts.not_after)),
            Err(reason) => reasons.push(reason),
        }
    }
    reasons.sort();
    reasons.dedup();
    match until {
        None => findings
            .wrong(format!("{address}: no public key on file counts: the certificate {}", reasons.join("; another "))),
        Some(until) if until < now.saturating_add(NOTICE_DAYS * time::DAY) => findings.wrong(format!(
            "{address}: the last public key expires on {}; ask for the new certificate",
            time::day(until)
        )),
        Some(_) => {}
    }
}
