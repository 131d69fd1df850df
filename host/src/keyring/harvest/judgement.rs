//! What becomes of a certificate that was offered.

use rusqlite::{Connection, OptionalExtension, params};

use super::Offer;
use crate::keyring::DAY;
use crate::keyring::error::KeyringError;
use crate::keyring::record::{Kind, Record, Source};
use crate::keyring::rows::{self, Which};
use crate::keyring::store::{Failure, Keyring};

/// Most certificates that are learned for one address, those held among them.
const PER_ADDRESS: usize = 8;
/// Most that are learned in a day, of all addresses together.
const PER_DAY: i64 = 1_000;
/// Most that are kept of what was learned.
const PER_KEYRING: i64 = 100_000;

/// What becomes of a certificate that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is on file, and nothing is new about it.
    Known,
    /// It is on file, and its owner reads something else than before.
    Capabilities,
    /// It is filed, and used from now on: the first of its address, or one for the
    /// same key.
    Learn(&'static str),
    /// It waits for approval, if it is on file now or has to be filed: its address
    /// has another, with the fingerprint `known`.
    Hold { known: [u8; 32], is_filed: bool },
    /// It is not filed.
    PassOver(&'static str),
}

impl Judgement {
    /// Whether there is anything to write.
    pub(super) fn changes_something(self) -> bool {
        !matches!(self, Self::Known | Self::Hold { is_filed: true, .. } | Self::PassOver(_))
    }
}

impl Keyring {
    pub(super) fn judge(&self, offer: &Offer) -> Result<Judgement, KeyringError> {
        let judged = judge(&self.connection(), offer);
        judged.map_err(|failure| failure.of(self.path()))
    }
}

/// Judges an offer by what is on file.
pub(super) fn judge(connection: &Connection, offer: &Offer) -> Result<Judgement, Failure> {
    let Offer { record, .. } = offer;
    let (address, facts, now) = (&record.address, &record.facts, record.added);
    let rows = rows::read(connection, Kind::Public, Which::Of(address))?;
    let rows: Vec<Record> = rows.into_iter().filter_map(|(row, _)| row.parse(Kind::Public)).collect();
    if rows.iter().any(|row| row.pinned && !row.retired && row.facts.fingerprint != facts.fingerprint) {
        return Ok(Judgement::PassOver("pinned"));
    }
    let own = rows.iter().find(|row| row.facts.fingerprint == facts.fingerprint);
    if own.is_some_and(|own| own.retired) {
        return Ok(Judgement::PassOver("retired"));
    }
    if was_removed(connection, address, &facts.fingerprint)? {
        return Ok(Judgement::PassOver("removed"));
    }
    let reads_else = |own: &Record| record.capabilities.is_some() && record.capabilities != own.capabilities;
    match own {
        Some(own) if !own.held && reads_else(own) => return Ok(Judgement::Capabilities),
        Some(own) if !own.held => return Ok(Judgement::Known),
        Some(_) => {}
        None => {
            let learned = rows.iter().filter(|row| row.source == Source::Learned && !row.retired).count();
            if learned >= PER_ADDRESS || is_full(connection, now)? {
                return Ok(Judgement::PassOver("limit"));
            }
        }
    }
    let current = |row: &&Record| !row.retired && !row.held && row.facts.is_valid_at(now);
    let renewed = rows.iter().filter(current).any(|row| row.facts.key_id == facts.key_id);
    Ok(match rows.iter().find(current) {
        None => Judgement::Learn("first"),
        // Whoever has the key reads what is encrypted to either.
        Some(_) if renewed => Judgement::Learn("same-key"),
        Some(known) => Judgement::Hold { known: known.facts.fingerprint, is_filed: own.is_some() },
    })
}

fn was_removed(connection: &Connection, address: &str, fingerprint: &[u8; 32]) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM removed_public_key WHERE address = ? AND fingerprint = ?")?
        .query_row(params![address, fingerprint], |_| Ok(()))
        .optional()
        .map(|found| found.is_some())
}

/// Whether as much was learned as is kept, today or altogether.
fn is_full(connection: &Connection, now: u64) -> rusqlite::Result<bool> {
    let since = i64::try_from(now.saturating_sub(DAY)).unwrap_or(i64::MAX);
    let count = |since: i64| -> rusqlite::Result<i64> {
        connection
            .prepare_cached("SELECT count(*) FROM public_key_store WHERE source = 'learned' AND added > ?")?
            .query_row(params![since], |row| row.get(0))
    };
    Ok(count(since)? >= PER_DAY || count(-1)? >= PER_KEYRING)
}
