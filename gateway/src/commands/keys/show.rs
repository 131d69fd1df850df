//! `wasmime keys list` and `wasmime keys show`: figs. 5 and 6.

use host::keyring::{Kind, Record, Source, normalise};
use serde::Serialize;

use super::{failed, open, select};
use crate::cli::{List, Show};
use crate::exit::{Failure, Status};
use crate::table::table;
use crate::time;

/// Lists what is filed.
pub fn list(arguments: &List) -> Result<(), Failure> {
    let mut records = open(&arguments.tenant)?.records(time::now()).map_err(failed)?;
    if let Some(address) = &arguments.address {
        let address = normalise(address).map_err(|error| Failure::new(Status::Usage, error))?;
        records.retain(|record| record.address == address);
    }
    if arguments.json {
        return json(&records);
    }
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    print!("{}", table(&["ADDRESS", "KIND", "ALGORITHM", "FINGERPRINT", "VALID", "SOURCE", "NOTES"], &rows));
    Ok(())
}

/// Shows all that is known of the keys of an address.
pub fn show(arguments: &Show) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let records = select::matching(&keyring, &arguments.key)?;
    if arguments.json {
        return json(&records);
    }
    for (at, record) in records.iter().enumerate() {
        let chain = keyring.chain(&record.facts.fingerprint).map_err(failed)?;
        print!("{}{}", if at == 0 { "" } else { "\n" }, text(record, chain.len()));
    }
    Ok(())
}

fn row(record: &Record) -> Vec<String> {
    let facts = &record.facts;
    let fingerprint = hex(&facts.fingerprint);
    vec![
        record.address.clone(),
        record.kind.to_string(),
        facts.algorithm.to_string(),
        fingerprint.get(..16).unwrap_or_default().to_owned(),
        format!("{} to {}", time::day(facts.not_before), time::day(facts.not_after)),
        record.source.to_string(),
        notes(record),
    ]
}

fn notes(record: &Record) -> String {
    let now = time::now();
    let facts = &record.facts;
    let mut notes = Vec::new();
    if record.pinned {
        notes.push("pinned");
    }
    if record.retired {
        notes.push("retired");
    }
    if record.altered {
        notes.push("altered");
    }
    if record.held {
        notes.push("held");
    }
    if record.source == Source::Requested {
        notes.push("waits for its certificate");
    } else if facts.not_after < now {
        notes.push("expired");
    } else if now < facts.not_before {
        notes.push("not yet valid");
    }
    if facts.algorithm.unusable().is_some() {
        notes.push("not used");
    }
    notes.join(", ")
}

fn text(record: &Record, chain: usize) -> String {
    let facts = &record.facts;
    let mut lines = vec![
        ("address", record.address.clone()),
        ("kind", record.kind.to_string()),
        ("subject", facts.subject.clone()),
        ("issuer", facts.issuer.clone()),
        ("serial", hex(&facts.serial)),
        ("names", facts.mailboxes.join(", ")),
        ("algorithm", facts.algorithm.to_string()),
        ("fingerprint", hex(&facts.fingerprint)),
        ("valid from", time::format(facts.not_before)),
        ("valid until", time::format(facts.not_after)),
        ("chain", format!("{chain} certificates of issuers")),
        ("source", format!("{}, {}", record.source, time::format(record.added))),
    ];
    if record.capabilities.is_some() {
        lines.push(("capabilities", "known from a verified signature".to_owned()));
    }
    if let Some(reason) = facts.algorithm.unusable() {
        lines.push(("not used", format!("the key {reason}")));
    }
    let notes = notes(record);
    if !notes.is_empty() {
        lines.push(("notes", notes));
    }
    lines.iter().map(|(name, value)| format!("{name:<12}  {value}\n")).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RecordReport<'a> {
    address: &'a str,
    kind: &'static str,
    algorithm: String,
    fingerprint: String,
    not_before: String,
    not_after: String,
    source: &'static str,
    pinned: bool,
    retired: bool,
    held: bool,
    altered: bool,
    usable: bool,
    subject: &'a str,
    issuer: &'a str,
    serial: String,
    names: &'a [String],
}

fn json(records: &[Record]) -> Result<(), Failure> {
    let reports: Vec<RecordReport<'_>> = records
        .iter()
        .map(|record| RecordReport {
            address: &record.address,
            kind: record.kind.name(),
            algorithm: record.facts.algorithm.to_string(),
            fingerprint: hex(&record.facts.fingerprint),
            not_before: time::format(record.facts.not_before),
            not_after: time::format(record.facts.not_after),
            source: record.source.name(),
            pinned: record.pinned && record.kind == Kind::Public,
            retired: record.retired,
            held: record.held,
            altered: record.altered,
            usable: record.facts.algorithm.unusable().is_none() && record.source != Source::Requested,
            subject: &record.facts.subject,
            issuer: &record.facts.issuer,
            serial: hex(&record.facts.serial),
            names: &record.facts.mailboxes,
        })
        .collect();
    let text = serde_json::to_string_pretty(&reports).map_err(|error| Failure::new(Status::Failed, error))?;
    println!("{text}");
    Ok(())
}

/// Octets as lower-case hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
