//! `wasmime keys pin` and `wasmime keys remove`, and which key is meant.

use host::keyring::{Keyring, KeyringError, Kind, Record};

use super::{failed, open};
use crate::cli::{Key, Pin, Remove};
use crate::exit::{Failure, Status};
use crate::time;

/// The fewest digits of a fingerprint that are taken for one.
const MIN_DIGITS: usize = 8;

/// Pins a public key, or takes the pin out.
pub fn pin(arguments: &Pin) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let record = only(&keyring, &arguments.key, Some(Kind::Public))?;
    keyring.pin(&record.address, &record.facts.fingerprint, !arguments.undo).map_err(failed)?;
    let done = if arguments.undo { "no longer pinned" } else { "pinned" };
    println!("{}: {} {done}", record.address, super::show::hex(&record.facts.fingerprint));
    Ok(())
}

/// Removes a key, or retires it.
pub fn remove(arguments: &Remove) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let record = only(&keyring, &arguments.key, None)?;
    let (address, fingerprint) = (&record.address, &record.facts.fingerprint);
    let digits = super::show::hex(fingerprint);
    if arguments.retire {
        keyring.retire(address, fingerprint, true).map_err(failed)?;
        println!("{address}: {digits} retired: it serves for what is old only");
        return Ok(());
    }
    let rows: Vec<Kind> = matching(&keyring, &arguments.key)?
        .iter()
        .filter(|row| row.facts.fingerprint == *fingerprint)
        .map(|row| row.kind)
        .collect();
    if rows.contains(&Kind::Private) && !arguments.private_key {
        let text = format!(
            "{address} has the private key of this certificate, and without it mail that was encrypted to it can be read \
             no more; give --retire to keep it for old mail, or --private-key to remove it all the same"
        );
        return Err(Failure::new(Status::Failed, text));
    }
    for kind in rows {
        keyring.remove(kind, address, fingerprint).map_err(failed)?;
        println!("{address}: {digits}, {kind} key removed");
    }
    Ok(())
}

/// The rows that are meant, best first; at least one.
pub fn matching(keyring: &Keyring, key: &Key) -> Result<Vec<Record>, Failure> {
    let digits = key.fingerprint.as_deref().map(digits).transpose()?;
    let now = time::now();
    let mut records = keyring.records_of(Kind::Private, &key.address, now).map_err(failed)?;
    records.extend(keyring.records_of(Kind::Public, &key.address, now).map_err(failed)?);
    if records.is_empty() {
        return Err(failed(KeyringError::NotFound(format!("no key is filed for {}", key.address.escape_debug()))));
    }
    if let Some(digits) = digits {
        records.retain(|record| super::show::hex(&record.facts.fingerprint).starts_with(&digits));
        if records.is_empty() {
            let text = format!("no key of {} has a fingerprint that begins with {digits}", key.address.escape_debug());
            return Err(failed(KeyringError::NotFound(text)));
        }
    }
    Ok(records)
}

/// The one row that is meant, of a kind if that is given.
pub fn only(keyring: &Keyring, key: &Key, kind: Option<Kind>) -> Result<Record, Failure> {
    let mut records = matching(keyring, key)?;
    records.retain(|record| kind.is_none_or(|kind| record.kind == kind));
    let mut fingerprints: Vec<String> =
        records.iter().map(|record| super::show::hex(&record.facts.fingerprint)).collect();
    fingerprints.dedup();
    fingerprints.sort();
    fingerprints.dedup();
    match (records.into_iter().next(), fingerprints.len()) {
        (Some(record), 1) => Ok(record),
        (Some(record), _) => Err(failed(KeyringError::Ambiguous { address: record.address, fingerprints })),
        (None, _) => {
            let kind = kind.map_or("", Kind::name);
            Err(failed(KeyringError::NotFound(format!("no {kind} key is filed for {}", key.address.escape_debug()))))
        }
    }
}

/// The digits of a fingerprint, however they are written.
fn digits(fingerprint: &str) -> Result<String, Failure> {
    let digits: String = fingerprint.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_lowercase();
    if digits.len() < MIN_DIGITS || digits.len() > 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let text =
            format!("`{}` is not a fingerprint; give 8 to 64 hexadecimal digits of it", fingerprint.escape_debug());
        return Err(Failure::new(Status::Usage, text));
    }
    Ok(digits)
}
