//! The file: opened, and changed in transactions.
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

use super::error::KeyringError;
use super::seal::{Method, Seal, SealedDataKey, Unlocking};
use super::{binding, files, rotate, schema};
use crate::SoftwareKey;

/// How long a process waits for another that writes.
const BUSY: Duration = Duration::from_secs(5);

/// One tenant's keyring, open.
pub struct Keyring {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Another process may rotate it: see [`Keyring::renew_seal`].
    seal: Mutex<Arc<Seal>>,
    /// Parsed keys, by the digest of their public key, which never stands for
    /// another: a run does not unseal and parse what an earlier one has.
    pub(super) keys: Mutex<HashMap<[u8; 32], Arc<SoftwareKey>>>,
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
                // Pages are in the system's cache as well. Those of a transaction stay
                // here: written early they would keep readers waiting to its end.
                "PRAGMA cache_size = 1; PRAGMA cache_spill = OFF; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; \
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
            migrate(path, &mut connection).map_err(|failure| failure.of(path))?;
        }
        let seal = unlock(path, &connection).map_err(|failure| failure.of(path))?;
        connection.execute_batch("PRAGMA shrink_memory").map_err(failed)?;
        let keyring = Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            seal: Mutex::new(Arc::new(seal)),
            keys: Mutex::default(),
        };
        rotate::finish_interrupted(&keyring);
        Ok(keyring)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is sealed under.
    pub fn method(&self) -> Method {
        self.seal().kept().method
    }

    /// The file that unlocked it.
    pub fn sealed_by(&self) -> PathBuf {
        self.seal().found().to_owned()
    }

    /// Whether this process may only read it.
    pub fn is_read_only(&self) -> bool {
        self.connection().is_readonly("main").unwrap_or(true)
    }

    /// Runs `work` in a write transaction: all of it takes effect, or nothing. It
    /// is given the seal that is in force as long as the transaction lasts.
    pub(crate) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &Seal) -> Result<T, Failure>,
    ) -> Result<T, KeyringError> {
        let mut connection = self.connection();
        let change = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let seal = self.renew_seal(&transaction)?;
            let done = work(&transaction, &seal)?;
            transaction.commit()?;
            Ok(done)
        };
        change().map_err(|failure: Failure| failure.of(&self.path))
    }

    /// Looks into it.
    pub(crate) fn look<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, KeyringError> {
        work(&self.connection()).map_err(|error| failure(&self.path, error))
    }

    /// What `attempt` makes of the seal; where that is nothing, of the seal that
    /// another process may have put in its place. The caller does not hold the
    /// connection.
    pub(super) fn unsealed<T>(&self, attempt: impl Fn(&Seal) -> Option<T>) -> Result<Option<T>, KeyringError> {
        if let Some(done) = attempt(&self.seal()) {
            return Ok(Some(done));
        }
        let seal = self.renew_seal(&self.connection()).map_err(|failure| failure.of(&self.path))?;
        Ok(attempt(&seal))
    }

    /// The seal in force, unlocked anew if it is another than it was.
    fn renew_seal(&self, connection: &Connection) -> Result<Arc<Seal>, Failure> {
        let known = self.seal();
        if sealed_data_key(connection)?.is_some_and(|kept| kept == *known.kept()) {
            return Ok(known);
        }
        let seal = Arc::new(unlock(&self.path, connection)?);
        self.set_seal(&seal);
        Ok(seal)
    }

    pub(super) fn seal(&self) -> Arc<Seal> {
        Arc::clone(&self.seal.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_seal(&self, seal: &Arc<Seal>) {
        *self.seal.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(seal);
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

/// Makes or renews the tables, once, whoever else is at it.
fn migrate(path: &Path, connection: &mut Connection) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = schema::version(&transaction)?;
    schema::migrate(&transaction)?;
    match sealed_data_key(&transaction)? {
        None => keep_data_key(&transaction, Seal::make(&Unlocking::find_or_make(path)?)?.kept())?,
        Some(_) if from < schema::BOUND_SINCE => binding::bind_all(&transaction, &unlock(path, &transaction)?)?,
        Some(_) => {}
    }
    Ok(transaction.commit()?)
}

/// Unlocks the keyring `path`.
fn unlock(path: &Path, connection: &Connection) -> Result<Seal, Failure> {
    let kept = sealed_data_key(connection)?.ok_or_else(|| KeyringError::Damaged {
        path: path.to_owned(),
        reason: "it has no key of its own".to_owned(),
    })?;
    Ok(Seal::find(path, &kept)?)
}

/// The data key of a keyring, as it is kept.
pub(super) fn sealed_data_key(connection: &Connection) -> rusqlite::Result<Option<SealedDataKey>> {
    let read = |row: &Row<'_>| {
        let method: String = row.get(1)?;
        let method = Method::from_name(&method).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(SealedDataKey { keyring: row.get(0)?, method, salt: row.get(2)?, sealed: row.get(3)? })
    };
    connection.prepare_cached("SELECT keyring, method, salt, sealed FROM lock")?.query_row([], read).optional()
}

/// Keeps a data key in the place of the one before it.
pub(super) fn keep_data_key(transaction: &Transaction<'_>, kept: &SealedDataKey) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM lock", [])?;
    transaction.execute(
        "INSERT INTO lock (keyring, method, salt, sealed) VALUES (?, ?, ?, ?)",
        params![kept.keyring, kept.method.name(), kept.salt, kept.sealed],
    )?;
    Ok(())
}

/// Why a transaction did not take place.
pub(crate) enum Failure {
    /// SQLite refused.
    Database(rusqlite::Error),
    /// Anything else.
    Keyring(KeyringError),
}

impl Failure {
    /// What it means to the operator of the keyring `path`.
    pub(super) fn of(self, path: &Path) -> KeyringError {
        match self {
            Self::Database(error) => failure(path, error),
            Self::Keyring(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
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
