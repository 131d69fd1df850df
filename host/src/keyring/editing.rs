//! What the operator changes of rows that are filed.

use std::sync::PoisonError;

use rusqlite::{OptionalExtension, Transaction, params};

use super::address::normalise;
use super::error::KeyringError;
use super::record::Kind;
use super::seal::BoundRow;
use super::store::{Keyring, system_time};

impl Keyring {
    /// Pins a public key of an address, or takes the pin out. One that is pinned is
    /// neither retired nor held any more.
    pub fn pin(&self, address: &str, fingerprint: &[u8; 32], pinned: bool) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        let changed = self.change(|transaction, seal| {
            let key_id = "SELECT key_id FROM certificate WHERE fingerprint = ?";
            let key_id: Option<[u8; 32]> =
                transaction.query_row(key_id, params![fingerprint], |row| row.get(0)).optional()?;
            let Some(key_id) = key_id else { return Ok(0) };
            let row = BoundRow { kind: Kind::Public, address: &address, fingerprint, key_id: &key_id };
            let proof = pinned.then(|| seal.bind(&row)).transpose()?;
            let set = if pinned { "pinned = 1, retired = 0, held = 0" } else { "pinned = 0" };
            let sql = format!("UPDATE public_key_store SET bound = ?, {set} WHERE address = ? AND fingerprint = ?");
            Ok(transaction.execute(&sql, params![proof, address, fingerprint])?)
        })?;
        found(changed, &address)
    }

    /// Approves a public key that is held: it serves from now on, and what was learned
    /// of the address before it is retired, whose certificates are returned. What the
    /// operator has filed stays.
    pub fn approve(&self, address: &str, fingerprint: &[u8; 32]) -> Result<Vec<[u8; 32]>, KeyringError> {
        let address = normalise(address)?;
        let (changed, retired) = self.change(|transaction, _| {
            let sql = "UPDATE public_key_store SET held = 0 WHERE address = ? AND fingerprint = ? AND held";
            let changed = transaction.execute(sql, params![address, fingerprint])?;
            if changed == 0 {
                return Ok((changed, Vec::new()));
            }
            let sql = "UPDATE public_key_store SET retired = 1 WHERE address = ? AND fingerprint <> ? \
                       AND source = 'learned' AND NOT held AND NOT retired AND NOT pinned RETURNING fingerprint";
            let retired = transaction
                .prepare(sql)?
                .query_map(params![address, fingerprint], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((changed, retired))
        })?;
        found(changed, &address)?;
        Ok(retired)
    }

    /// Retires the keys of an address that belong to a certificate, or brings
    /// them back.
    pub fn retire(&self, address: &str, fingerprint: &[u8; 32], retired: bool) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        let changed = self.change(|transaction, _| {
            let mut changed = 0;
            for kind in [Kind::Private, Kind::Public] {
                let sql = format!("UPDATE {} SET retired = ? WHERE address = ? AND fingerprint = ?", kind.table());
                changed += transaction.execute(&sql, params![retired, address, fingerprint])?;
            }
            Ok(changed)
        })?;
        found(changed, &address)
    }

    /// Removes a row, and with the last row that refers to them the certificate
    /// and the private key. What was written is overwritten. A public key that is
    /// removed is not learned again.
    pub fn remove(&self, kind: Kind, address: &str, fingerprint: &[u8; 32]) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        let changed = self.change(|transaction, _| {
            let key_ids: Vec<[u8; 32]> = transaction
                .prepare_cached("SELECT key_id FROM certificate WHERE fingerprint = ?")?
                .query_map(params![fingerprint], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let sql = format!("DELETE FROM {} WHERE address = ? AND fingerprint = ?", kind.table());
            let changed = transaction.execute(&sql, params![address, fingerprint])?;
            if changed > 0 && kind == Kind::Public {
                transaction.execute(
                    "INSERT OR REPLACE INTO removed_public_key (address, fingerprint, removed) VALUES (?, ?, ?)",
                    params![address, fingerprint, system_time() as i64],
                )?;
            }
            for key_id in &key_ids {
                remove_unreferenced(transaction, fingerprint, key_id)?;
            }
            Ok(changed)
        })?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        found(changed, &address)
    }
}

/// Removes a certificate that no row refers to any more, and its private key
/// likewise.
pub(super) fn remove_unreferenced(
    transaction: &Transaction<'_>,
    fingerprint: &[u8; 32],
    key_id: &[u8; 32],
) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM private_key WHERE key_id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM private_key_store WHERE key_id = ?1) \
         AND NOT EXISTS (SELECT 1 FROM authority WHERE key_id = ?1)",
        params![key_id],
    )?;
    transaction.execute(
        "DELETE FROM certificate WHERE fingerprint = ?1 \
         AND NOT EXISTS (SELECT 1 FROM private_key_store WHERE fingerprint = ?1) \
         AND NOT EXISTS (SELECT 1 FROM public_key_store WHERE fingerprint = ?1)",
        params![fingerprint],
    )?;
    Ok(())
}

fn found(changed: usize, address: &str) -> Result<(), KeyringError> {
    match changed {
        0 => Err(KeyringError::NotFound(format!("no such key is filed for {address}"))),
        _ => Ok(()),
    }
}
