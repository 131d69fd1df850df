//! The tables, and how older ones become them.

use rusqlite::Connection;

/// Marks the file as a keyring: "WmKr".
pub(super) const APPLICATION_ID: i64 = 0x576d_4b72;

/// One step for each version, from the one before it.
const MIGRATIONS: &[&str] = &[
    // 1: the two stores, and what they refer to
    "CREATE TABLE lock (
       keyring BLOB NOT NULL CHECK (length(keyring) = 16),
       method  TEXT NOT NULL,
       salt    BLOB NOT NULL,
       sealed  BLOB NOT NULL
     ) STRICT;
     CREATE TABLE certificate (
       fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
       key_id      BLOB NOT NULL CHECK (length(key_id) = 32),
       encoded     BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX certificate_key ON certificate (key_id);
     CREATE TABLE chain (
       fingerprint BLOB NOT NULL REFERENCES certificate ON DELETE CASCADE,
       position    INTEGER NOT NULL,
       encoded     BLOB NOT NULL,
       PRIMARY KEY (fingerprint, position)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE private_key (
       key_id BLOB PRIMARY KEY CHECK (length(key_id) = 32),
       sealed BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
     -- fig. 5: address and private key
     CREATE TABLE private_key_store (
       address     TEXT NOT NULL,
       fingerprint BLOB NOT NULL REFERENCES certificate,
       key_id      BLOB NOT NULL REFERENCES private_key,
       source      TEXT NOT NULL,
       retired     INTEGER NOT NULL DEFAULT 0,
       added       INTEGER NOT NULL,
       PRIMARY KEY (address, fingerprint)
     ) STRICT, WITHOUT ROWID;
     -- fig. 6: address and public key
     CREATE TABLE public_key_store (
       address      TEXT NOT NULL,
       fingerprint  BLOB NOT NULL REFERENCES certificate,
       source       TEXT NOT NULL,
       pinned       INTEGER NOT NULL DEFAULT 0,
       retired      INTEGER NOT NULL DEFAULT 0,
       capabilities BLOB,
       added        INTEGER NOT NULL,
       PRIMARY KEY (address, fingerprint)
     ) STRICT, WITHOUT ROWID;",
    // 2: rows are bound to their address; certificates are learned, and held for
    // approval; what is referred to is found by an index
    "ALTER TABLE private_key_store ADD COLUMN bound BLOB;
     ALTER TABLE public_key_store ADD COLUMN bound BLOB;
     ALTER TABLE public_key_store ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE public_key_store ADD COLUMN capabilities_seen INTEGER;
     CREATE INDEX private_key_store_certificate ON private_key_store (fingerprint);
     CREATE INDEX private_key_store_key ON private_key_store (key_id);
     CREATE INDEX public_key_store_certificate ON public_key_store (fingerprint);
     CREATE INDEX public_key_store_learned ON public_key_store (added) WHERE source = 'learned';
     CREATE INDEX public_key_store_held ON public_key_store (address) WHERE held;
     -- what was removed is not learned again
     CREATE TABLE removed_public_key (
       address     TEXT NOT NULL,
       fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
       removed     INTEGER NOT NULL,
       PRIMARY KEY (address, fingerprint)
     ) STRICT, WITHOUT ROWID;",
    // 3: the tenant's own authority: roots and who issues below them, and what they issued
    "CREATE TABLE authority (
       id          INTEGER PRIMARY KEY,
       issuer      INTEGER REFERENCES authority,
       key_id      BLOB NOT NULL REFERENCES private_key,
       certificate BLOB NOT NULL,
       lists       INTEGER NOT NULL DEFAULT 0
     ) STRICT;
     CREATE INDEX authority_key ON authority (key_id);
     CREATE TABLE issued (
       authority   INTEGER NOT NULL REFERENCES authority,
       serial      BLOB NOT NULL,
       address     TEXT NOT NULL,
       fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
       issued      INTEGER NOT NULL,
       expires     INTEGER NOT NULL,
       on_demand   INTEGER NOT NULL,
       revoked     INTEGER,
       reason      INTEGER,
       PRIMARY KEY (authority, serial)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX issued_address ON issued (address);
     CREATE INDEX issued_expires ON issued (expires);
     CREATE INDEX issued_on_demand ON issued (issued) WHERE on_demand;
     CREATE INDEX issued_revoked ON issued (authority) WHERE revoked IS NOT NULL;",
];

/// The first version whose rows are bound to their address.
pub(super) const BOUND_SINCE: i64 = 2;

/// The version this release writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of the tables; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the file is a keyring, or empty.
pub(super) fn is_keyring(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    Ok(id == APPLICATION_ID || (id == 0 && tables == 0))
}

/// Brings the tables up to [`VERSION`]. The caller holds a write transaction.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let from = usize::try_from(version(connection)?).unwrap_or(usize::MAX);
    for step in MIGRATIONS.iter().skip(from) {
        connection.execute_batch(step)?;
    }
    connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"))
}
