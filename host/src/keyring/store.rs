//! The file: opened, looked into, changed.
//!
//! It is a SQLite database with a rollback journal, not a write-ahead log: keys
//! change seldom and are read by many processes, some of which may only read;
//! and whoever copies one file while nothing is written has a whole backup. A
//! writer waits for others, and they for it, up to [`BUSY`].

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, ffi, params,
};
use zeroize::Zeroizing;

use super::address::normalise;
use super::error::KeyringError;
use super::facts::{CertificateFacts, hex};
use super::record::{Kind, Record, Source};
use super::seal::{Method, Seal, SealedDataKey, Unlocking};
use super::{files, schema};
use crate::SoftwareKey;

/// How long a process waits for another that writes.
const BUSY: Duration = Duration::from_secs(5);
/// Most private keys that are kept unsealed; a key takes some kilobytes.
const CACHED_KEYS: usize = 4096;

/// One tenant's keyring, open.
pub struct Keyring {
    path: PathBuf,
    connection: Mutex<Connection>,
    pub(super) seal: Seal,
    method: Method,
    /// Parsed keys, by the digest of their public key, which never stands for
    /// another: a run does not unseal and parse what an earlier one has.
    keys: Mutex<HashMap<[u8; 32], Arc<SoftwareKey>>>,
}

impl Keyring {
    /// Opens a keyring that is there.
    pub fn open(path: &Path) -> Result<Self, KeyringError> {
        match path.try_exists() {
            Ok(true) => Self::connect(path),
            Ok(false) => Err(KeyringError::Missing(path.to_owned())),
            Err(source) => Err(KeyringError::File { path: path.to_owned(), source }),
        }
    }

    /// Opens a keyring, and makes it if there is none: the file, readable by its
    /// owner alone, and what seals it (see [`super::seal`]).
    pub fn open_or_create(path: &Path) -> Result<Self, KeyringError> {
        files::create_private(path)?;
        Self::connect(path)
    }

    fn connect(path: &Path) -> Result<Self, KeyringError> {
        let failed = |error| failure(path, error);
        // SQLite itself falls back to reading where it may not write.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        without_lookaside(&connection).map_err(failed)?;
        connection
            .execute_batch(
                // Pages are in the system's cache as well.
                "PRAGMA cache_size = 4; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
            )
            .map_err(failed)?;
        if !schema::is_keyring(&connection).map_err(failed)? {
            let reason = "it is the database of another program".to_owned();
            return Err(KeyringError::Damaged { path: path.to_owned(), reason });
        }
        let found = schema::version(&connection).map_err(failed)?;
        if found > schema::VERSION {
            return Err(KeyringError::Newer { path: path.to_owned(), found, known: schema::VERSION });
        }
        if found < schema::VERSION {
            Self::migrate(path, &mut connection)?;
        }
        let kept = data_key(&connection).map_err(failed)?.ok_or_else(|| KeyringError::Damaged {
            path: path.to_owned(),
            reason: "it has no key of its own".to_owned(),
        })?;
        let seal = Seal::open(path, &kept, &Unlocking::find(path, kept.method)?)?;
        connection.execute_batch("PRAGMA shrink_memory").map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            seal,
            method: kept.method,
            keys: Mutex::default(),
        })
    }

    /// Makes or renews the tables, once, whoever else is at it.
    fn migrate(path: &Path, connection: &mut Connection) -> Result<(), KeyringError> {
        let failed = |error| failure(path, error);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        schema::migrate(&transaction).map_err(failed)?;
        if data_key(&transaction).map_err(failed)?.is_none() {
            let (_, kept) = Seal::make(&Unlocking::find_or_make(path)?)?;
            transaction
                .execute(
                    "INSERT INTO lock (keyring, method, salt, sealed) VALUES (?, ?, ?, ?)",
                    params![kept.keyring, kept.method.name(), kept.salt, kept.sealed],
                )
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is sealed under.
    pub fn method(&self) -> Method {
        self.method
    }

    /// All rows of both stores, by address, private keys first, best first as of
    /// `now` (seconds since 1970-01-01T00:00:00Z).
    pub fn records(&self, now: u64) -> Result<Vec<Record>, KeyringError> {
        let mut records = self.select(Kind::Private, "", params![])?;
        records.extend(self.select(Kind::Public, "", params![])?);
        super::order::best_first(&mut records, now);
        records.sort_by(|a, b| domain_first(&a.address).cmp(&domain_first(&b.address)).then(a.kind.cmp(&b.kind)));
        Ok(records)
    }

    /// The rows of one store for an address, best first as of `now`. An address
    /// that is none has no rows.
    pub fn records_of(&self, kind: Kind, address: &str, now: u64) -> Result<Vec<Record>, KeyringError> {
        let Ok(address) = normalise(address) else { return Ok(Vec::new()) };
        let mut records = self.select(kind, "WHERE s.address = ?", params![address])?;
        super::order::best_first(&mut records, now);
        Ok(records)
    }

    fn select(&self, kind: Kind, condition: &str, with: &[&dyn rusqlite::ToSql]) -> Result<Vec<Record>, KeyringError> {
        let columns = match kind {
            Kind::Private => "s.address, c.encoded, s.source, 0, s.retired, NULL, s.added FROM private_key_store",
            Kind::Public => {
                "s.address, c.encoded, s.source, s.pinned, s.retired, s.capabilities, s.added FROM public_key_store"
            }
        };
        let sql = format!("SELECT {columns} s JOIN certificate c USING (fingerprint) {condition}");
        let connection = self.connection();
        let failed = |error| failure(&self.path, error);
        let mut statement = connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(with).map_err(failed)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            records.push(self.record(kind, row)?);
        }
        Ok(records)
    }

    fn record(&self, kind: Kind, row: &Row<'_>) -> Result<Record, KeyringError> {
        let failed = |error| failure(&self.path, error);
        let damaged = || self.damaged("a row does not make sense");
        let certificate: Vec<u8> = row.get(1).map_err(failed)?;
        let source: String = row.get(2).map_err(failed)?;
        Ok(Record {
            kind,
            address: row.get(0).map_err(failed)?,
            facts: CertificateFacts::from_der(&certificate).map_err(|_| damaged())?,
            certificate,
            source: Source::from_name(&source).ok_or_else(damaged)?,
            pinned: row.get(3).map_err(failed)?,
            retired: row.get(4).map_err(failed)?,
            capabilities: row.get(5).map_err(failed)?,
            added: row.get::<_, i64>(6).map_err(failed)?.try_into().unwrap_or(0),
        })
    }

    /// The certificates of the issuers of one that is filed, its own issuer
    /// first, as DER.
    pub fn chain(&self, fingerprint: &[u8; 32]) -> Result<Vec<Vec<u8>>, KeyringError> {
        let connection = self.connection();
        let chain = || {
            connection
                .prepare("SELECT encoded FROM chain WHERE fingerprint = ? ORDER BY position")?
                .query_map(params![fingerprint], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()
        };
        chain().map_err(|error| failure(&self.path, error))
    }

    /// The private key with this digest, unsealed once.
    pub fn key(&self, key_id: &[u8; 32]) -> Result<Arc<SoftwareKey>, KeyringError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(key_id) {
            return Ok(Arc::clone(key));
        }
        let pkcs8 = self.pkcs8(key_id)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(|_| KeyringError::Cryptography("read a private key"))?;
        let key = Arc::new(key);
        if keys.len() >= CACHED_KEYS {
            keys.clear();
        }
        keys.insert(*key_id, Arc::clone(&key));
        Ok(key)
    }

    /// The private key with this digest, in the clear.
    pub(super) fn pkcs8(&self, key_id: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let sealed: Vec<u8> = self
            .connection()
            .query_row("SELECT sealed FROM private_key WHERE key_id = ?", params![key_id], |row| row.get(0))
            .optional()
            .map_err(|error| failure(&self.path, error))?
            .ok_or_else(|| KeyringError::NotFound("there is no such private key".to_owned()))?;
        self.seal.unseal(key_id, &sealed).ok_or_else(|| KeyringError::Unsealable(hex(key_id)))
    }

    /// Pins a public key of an address, or takes the pin out.
    pub fn pin(&self, address: &str, fingerprint: &[u8; 32], pinned: bool) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        self.change(|transaction| {
            transaction.execute(
                "UPDATE public_key_store SET pinned = ?, retired = CASE WHEN ? THEN 0 ELSE retired END \
                 WHERE address = ? AND fingerprint = ?",
                params![pinned, pinned, address, fingerprint],
            )
        })
        .and_then(|changed| self.found(changed, &address))
    }

    /// Retires the keys of an address that belong to a certificate, or brings
    /// them back.
    pub fn retire(&self, address: &str, fingerprint: &[u8; 32], retired: bool) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        self.change(|transaction| {
            let mut changed = 0;
            for table in ["private_key_store", "public_key_store"] {
                let sql = format!("UPDATE {table} SET retired = ? WHERE address = ? AND fingerprint = ?");
                changed += transaction.execute(&sql, params![retired, address, fingerprint])?;
            }
            Ok(changed)
        })
        .and_then(|changed| self.found(changed, &address))
    }

    /// Removes a row, and with the last row that refers to them the certificate
    /// and the private key. What was written is overwritten.
    pub fn remove(&self, kind: Kind, address: &str, fingerprint: &[u8; 32]) -> Result<(), KeyringError> {
        let address = normalise(address)?;
        let table = match kind {
            Kind::Private => "private_key_store",
            Kind::Public => "public_key_store",
        };
        let changed = self.change(|transaction| {
            let sql = format!("DELETE FROM {table} WHERE address = ? AND fingerprint = ?");
            let changed = transaction.execute(&sql, params![address, fingerprint])?;
            transaction.execute_batch(
                "DELETE FROM private_key WHERE key_id NOT IN (SELECT key_id FROM private_key_store);
                 DELETE FROM certificate WHERE fingerprint NOT IN (SELECT fingerprint FROM private_key_store)
                   AND fingerprint NOT IN (SELECT fingerprint FROM public_key_store);",
            )?;
            Ok(changed)
        })?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.found(changed, &address)
    }

    /// Runs `work` in a write transaction: all of it takes effect, or nothing.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, KeyringError> {
        let mut connection = self.connection();
        let failed = |error| failure(&self.path, error);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = work(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    fn found(&self, changed: usize, address: &str) -> Result<(), KeyringError> {
        match changed {
            0 => Err(KeyringError::NotFound(format!("no such key is filed for {address}"))),
            _ => Ok(()),
        }
    }

    pub(super) fn damaged(&self, reason: &str) -> KeyringError {
        KeyringError::Damaged { path: self.path.clone(), reason: reason.to_owned() }
    }

    /// A panic elsewhere leaves no transaction open: it is rolled back as it is
    /// dropped.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives back what SQLite sets aside for each connection, 48 KiB and more, to be a
/// little faster: with a thousand tenants, of whom most are idle, that is most of
/// what they take.
#[allow(unsafe_code)]
fn without_lookaside(connection: &Connection) -> rusqlite::Result<()> {
    let (nowhere, none): (*mut c_void, c_int) = (std::ptr::null_mut(), 0);
    // SAFETY: the handle is that of an open connection, on which nothing else is
    // done meanwhile, and this operation takes a pointer and two numbers.
    let done =
        unsafe { ffi::sqlite3_db_config(connection.handle(), ffi::SQLITE_DBCONFIG_LOOKASIDE, nowhere, none, none) };
    if done == ffi::SQLITE_OK { Ok(()) } else { Err(rusqlite::Error::SqliteFailure(ffi::Error::new(done), None)) }
}

fn data_key(connection: &Connection) -> rusqlite::Result<Option<SealedDataKey>> {
    let read = |row: &Row<'_>| {
        let method: String = row.get(1)?;
        let method = Method::from_name(&method).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(SealedDataKey { keyring: row.get(0)?, method, salt: row.get(2)?, sealed: row.get(3)? })
    };
    connection.query_row("SELECT keyring, method, salt, sealed FROM lock", [], read).optional()
}

fn domain_first(address: &str) -> (&str, &str) {
    address.rsplit_once('@').map_or(("", address), |(local, domain)| (domain, local))
}

/// What a failure of SQLite means to the operator.
pub(super) fn failure(path: &Path, error: rusqlite::Error) -> KeyringError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => KeyringError::Busy(path),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            KeyringError::File { path, source: std::io::ErrorKind::PermissionDenied.into() }
        }
        Some(ErrorCode::CannotOpen) => KeyringError::File { path, source: std::io::Error::other("cannot be opened") },
        Some(ErrorCode::DiskFull) => KeyringError::File { path, source: std::io::ErrorKind::StorageFull.into() },
        _ => KeyringError::Damaged { path, reason: error.to_string() },
    }
}

/// The time by the machine's clock, in seconds since 1970-01-01T00:00:00Z.
pub(super) fn system_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
