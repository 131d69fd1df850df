//! Certificates replaced before they expire.

use super::error::AuthorityError;
use super::issue::{Authority, Issued};
use super::ledger::{self, IssuedRow, Sought};
use crate::keyring::{Kind, Record};

/// What became of a certificate that expires soon.
#[derive(Debug)]
pub enum Renewal {
    /// It was replaced, with a new key, and is retired.
    Renewed(Box<Issued>),
    /// Its owner has another that lasts longer; it is retired.
    Retired {
        /// Its owner.
        address: String,
        /// Which it is.
        fingerprint: [u8; 32],
    },
    /// Its private key is elsewhere: its owner has to request another.
    Elsewhere {
        /// Its owner.
        address: String,
        /// Its last second, since 1970-01-01T00:00:00Z.
        expires: u64,
    },
    /// It could not be replaced.
    Failed {
        /// Its owner.
        address: String,
        /// Why.
        error: AuthorityError,
    },
}

impl Authority {
    /// Replaces what expires within `within` seconds of `now` (since
    /// 1970-01-01T00:00:00Z) and is in use: what was retired, removed or revoked is
    /// not. New keys are of the algorithm and the lifetime that the options say.
    /// What fails for one keeps no other from being renewed.
    pub fn renew(&self, within: u64, now: u64) -> Result<Vec<Renewal>, AuthorityError> {
        let until = now.saturating_add(within);
        let due = self.keyring.look(|connection| ledger::issued(connection, Sought::Before(until)))?;
        let renewal = |row: IssuedRow| match self.renew_one(&row, until, now) {
            Ok(renewal) => renewal,
            Err(error) => Some(Renewal::Failed { address: row.address, error }),
        };
        Ok(due.into_iter().filter(|row| !row.revoked).filter_map(renewal).collect())
    }

    fn renew_one(&self, row: &IssuedRow, until: u64, now: u64) -> Result<Option<Renewal>, AuthorityError> {
        let (address, fingerprint) = (row.address.clone(), row.fingerprint);
        let in_use = |kind| -> Result<Vec<Record>, AuthorityError> {
            let mut records = self.keyring.records_of(kind, &address, now)?;
            records.retain(|record| !record.retired);
            Ok(records)
        };
        let (own, public) = (in_use(Kind::Private)?, in_use(Kind::Public)?);
        let is_this = |record: &Record| record.facts.fingerprint == fingerprint;
        if !own.iter().any(is_this) {
            let elsewhere = public.iter().any(is_this) && row.expires >= now;
            return Ok(elsewhere.then_some(Renewal::Elsewhere { address, expires: row.expires }));
        }
        let serves = |record: &Record| record.facts.is_valid_at(now) && record.facts.not_after >= until;
        if own.iter().any(|record| !is_this(record) && serves(record)) {
            self.keyring.retire(&address, &fingerprint, true)?;
            return Ok(Some(Renewal::Retired { address, fingerprint }));
        }
        let issued = self.issue(&address, self.options.algorithm, self.options.days, now)?;
        self.keyring.retire(&address, &fingerprint, true)?;
        Ok(Some(Renewal::Renewed(Box::new(issued))))
    }
}
