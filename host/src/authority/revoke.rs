//! Certificates taken back.

use super::error::AuthorityError;
use super::issue::Authority;
use super::ledger::{self, IssuedRow, Sought};
use crate::keyring::{KeyringError, normalise};

/// Why a certificate is taken back (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationReason {
    /// Nobody says.
    #[default]
    Unspecified,
    /// Somebody else may have the private key.
    KeyCompromise,
    /// What it says of its owner is no longer so.
    AffiliationChanged,
    /// There is another.
    Superseded,
    /// It is needed no more.
    CessationOfOperation,
    /// Its owner may no longer use it.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// Its number.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
        }
    }
}

/// Which certificates are meant.
#[derive(Clone, Copy, Debug)]
pub enum Revocable<'a> {
    /// All in force that were issued for an address.
    Address(&'a str),
    /// That whose fingerprint begins with these hexadecimal digits, in lower case.
    Fingerprint(&'a str),
}

/// What was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Whose it was.
    pub address: String,
    /// SHA-256 of it.
    pub fingerprint: [u8; 32],
}

impl Authority {
    /// Revokes certificates in force that were issued here, and retires their keys:
    /// what was encrypted to them can still be read. Who is to know of it needs the
    /// next [revocation list](Self::revocation_lists).
    ///
    /// # Errors
    /// [`AuthorityError::NotIssued`] if none is meant, and where a fingerprint fits
    /// several.
    pub fn revoke(
        &self,
        which: Revocable<'_>,
        reason: RevocationReason,
        now: u64,
    ) -> Result<Vec<Revoked>, AuthorityError> {
        let (address, digits) = match which {
            Revocable::Address(address) => (Some(normalise(address)?), String::new()),
            Revocable::Fingerprint(digits) => (None, digits.to_lowercase()),
        };
        let named = || address.clone().unwrap_or_else(|| digits.clone());
        let sought = address.as_deref().map_or(Sought::Fingerprint(&digits), Sought::For);
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(AuthorityError::NotIssued(digits));
        }
        let rows = self.keyring.change(|transaction, _| {
            let mut rows = ledger::issued(transaction, sought)?;
            rows.retain(|row| !row.revoked && row.expires >= now);
            if address.is_none() && rows.len() > 1 {
                rows.clear();
            }
            for row in &rows {
                ledger::revoke(transaction, row, now, reason.number())?;
            }
            Ok(rows)
        })?;
        if rows.is_empty() {
            return Err(AuthorityError::NotIssued(named()));
        }
        rows.into_iter().map(|row| self.retire(row)).collect()
    }

    fn retire(&self, row: IssuedRow) -> Result<Revoked, AuthorityError> {
        match self.keyring.retire(&row.address, &row.fingerprint, true) {
            // Its owner's row was removed already.
            Ok(()) | Err(KeyringError::NotFound(_)) => {
                Ok(Revoked { address: row.address, fingerprint: row.fingerprint })
            }
            Err(error) => Err(error.into()),
        }
    }
}
