//! Rows bound to their address (see [`super::seal`]).

use rusqlite::{Connection, params};

use super::error::KeyringError;
use super::record::{Kind, Record};
use super::seal::{BoundRow, Seal};
use super::store::Failure;

impl Kind {
    /// Its table.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Private => "private_key_store",
            Self::Public => "public_key_store",
        }
    }
}

/// What is bound of a row.
pub(super) fn bound(record: &Record) -> BoundRow<'_> {
    let Record { kind, address, facts, .. } = record;
    BoundRow { kind: *kind, address, fingerprint: &facts.fingerprint, key_id: &facts.key_id }
}

/// The proof for a row that needs one: of a private key, or a pinned public key.
pub(super) fn proof(seal: &Seal, record: &Record) -> Result<Option<Vec<u8>>, KeyringError> {
    let is_bound = record.kind == Kind::Private || record.pinned;
    is_bound.then(|| seal.bind(&bound(record))).transpose()
}

/// Binds the rows that a keyring had before rows were bound.
pub(super) fn bind_all(connection: &Connection, seal: &Seal) -> Result<(), Failure> {
    rebind(connection, seal, |_, _| true)
}

/// Binds with `seal` all rows that are to be bound and of which `is_sound` says that
/// they were, from the proof they have. The others keep theirs, which is none.
pub(super) fn rebind(
    connection: &Connection,
    seal: &Seal,
    is_sound: impl Fn(&BoundRow<'_>, Option<&[u8]>) -> bool,
) -> Result<(), Failure> {
    for kind in [Kind::Private, Kind::Public] {
        let table = kind.table();
        let which = if kind == Kind::Public { "WHERE s.pinned" } else { "" };
        let sql = format!(
            "SELECT s.address, s.fingerprint, c.key_id, s.bound FROM {table} s JOIN certificate c USING (fingerprint) \
             {which}"
        );
        let mut update =
            connection.prepare(&format!("UPDATE {table} SET bound = ? WHERE address = ? AND fingerprint = ?"))?;
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Found { address: row.get(0)?, fingerprint: row.get(1)?, key_id: row.get(2)?, proof: row.get(3)? })
        })?;
        // Read whole before the first is written.
        for Found { address, fingerprint, key_id, proof } in &rows.collect::<rusqlite::Result<Vec<_>>>()? {
            let row = BoundRow { kind, address, fingerprint, key_id };
            if is_sound(&row, proof.as_deref()) {
                update.execute(params![seal.bind(&row)?, address, fingerprint])?;
            }
        }
    }
    Ok(())
}

/// A row as it is found, with the proof it has.
struct Found {
    address: String,
    fingerprint: [u8; 32],
    key_id: [u8; 32],
    proof: Option<Vec<u8>>,
}
