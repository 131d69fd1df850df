//! Which key is meant.

use host::keyring::{Keyring, KeyringError, Kind, Record, normalise};

use super::failed;
use crate::cli::Key;
use crate::exit::{Failure, Status};
use crate::time;

/// The fewest digits of a fingerprint that are taken for one.
const MIN_DIGITS: usize = 8;

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

/// The one certificate that waits for approval and is meant, by its address or by its
/// fingerprint.
pub fn held(keyring: &Keyring, which: &str) -> Result<Record, Failure> {
    let mut records = keyring.held().map_err(failed)?;
    if which.contains('@') {
        let address = normalise(which).map_err(|error| Failure::new(Status::Usage, error))?;
        records.retain(|record| record.address == address);
    } else {
        let digits = digits(which)?;
        records.retain(|record| super::show::hex(&record.facts.fingerprint).starts_with(&digits));
    }
    match (records.len(), records.pop()) {
        (1, Some(record)) => Ok(record),
        (_, Some(last)) => {
            let all = records.iter().chain([&last]).map(|record| super::show::hex(&record.facts.fingerprint));
            let all = all.collect::<Vec<_>>().join(", ");
            Err(Failure::new(Status::Failed, format!("several wait for approval; say which by its fingerprint: {all}")))
        }
        (_, None) => {
            let text = format!("nothing of {} waits for approval", which.escape_debug());
            Err(failed(KeyringError::NotFound(text)))
        }
    }
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
pub fn digits(fingerprint: &str) -> Result<String, Failure> {
    let digits: String = fingerprint.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_lowercase();
    if digits.len() < MIN_DIGITS || digits.len() > 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let text =
            format!("`{}` is not a fingerprint; give 8 to 64 hexadecimal digits of it", fingerprint.escape_debug());
        return Err(Failure::new(Status::Usage, text));
    }
    Ok(digits)
}
