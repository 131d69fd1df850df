//! Which of several keys of an address goes first.
//!
//! Private keys: those in their validity before those that are not, the newest
//! first; retired ones last, whatever their dates. Public keys likewise, but
//! pinned ones go before others. Ties are broken by the fingerprint, so that
//! every machine answers alike.

use std::cmp::{Ordering, Reverse};

use super::record::Record;

/// Sorts the records of one address, best first, as of `now` (seconds since
/// 1970-01-01T00:00:00Z).
pub fn best_first(records: &mut [Record], now: u64) {
    records.sort_by(|a, b| compare(a, b, now));
}

fn compare(a: &Record, b: &Record, now: u64) -> Ordering {
    let rank = |record: &Record| {
        let out_of_date = !record.facts.is_valid_at(now);
        (record.retired, out_of_date, !record.pinned, Reverse(record.facts.not_before), record.facts.fingerprint)
    };
    rank(a).cmp(&rank(b))
}
