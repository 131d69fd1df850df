//! What was handed on of messages that their client still has: when it offers one
//! of them again, only the rest goes on.
//!
//! It is kept in SQLite in the gateway's state folder, where it outlives the
//! process, or in memory if there is no such folder.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, Error, params};

use crate::time;

/// What was handed on of messages that their client still has.
#[derive(Clone, Debug)]
pub struct Delivered(Arc<Mutex<Connection>>);

/// A message for one recipient: SHA-256 over the identity of the part that it was
/// in and the forward-path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of `recipient` in the part with this identity.
    pub fn new(identity: &[u8; 32], recipient: &str) -> Self {
        let mut octets = identity.to_vec();
        octets.extend_from_slice(recipient.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, &octets).as_ref());
        Self(key)
    }
}

impl Delivered {
    /// Opens the memory in `folder`, or one that ends with the process. The error
    /// is for the operator.
    pub fn open(folder: Option<&Path>) -> Result<Self, String> {
        let path = folder.map_or(Path::new(":memory:").to_owned(), |folder| folder.join(FILE));
        let told = |error: Error| format!("{}: {error}", path.display());
        let connection = Connection::open(&path).map_err(told)?;
        prepare(&connection).map_err(told)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Which of `keys` were handed on.
    pub async fn known(&self, keys: Vec<Key>) -> Vec<bool> {
        let unknown = vec![false; keys.len()];
        self.run(move |connection| {
            let mut statement = connection.prepare("SELECT 1 FROM delivered WHERE key = ?1 AND time >= ?2")?;
            let oldest = oldest();
            keys.iter().map(|key| statement.exists(params![key.0, oldest])).collect()
        })
        .await
        .unwrap_or(unknown)
    }

    /// Remembers `keys`: on disk when this comes back.
    pub async fn remember(&self, keys: Vec<Key>) {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare("INSERT OR REPLACE INTO delivered VALUES (?1, ?2)")?;
                let now = seconds(time::now());
                for key in keys {
                    statement.execute(params![key.0, now])?;
                }
            }
            transaction.execute("DELETE FROM delivered WHERE time < ?1", params![oldest()])?;
            transaction.execute(
                "DELETE FROM delivered WHERE key IN (SELECT key FROM delivered ORDER BY time DESC LIMIT -1 OFFSET ?1)",
                params![MOST],
            )?;
            transaction.commit()
        })
        .await;
    }

    /// Forgets `keys`: their client has been told.
    pub async fn forget(&self, keys: Vec<Key>) {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            for key in keys {
                transaction.execute("DELETE FROM delivered WHERE key = ?1", params![key.0])?;
            }
            transaction.commit()
        })
        .await;
    }

    /// Works on the database on a thread that may wait for the disk. Without an
    /// answer of it a message can be delivered twice, and is not lost.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Option<T> {
        let connection = Arc::clone(&self.0);
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                tracing::error!(%error, "what was handed on already cannot be remembered: mail may arrive twice");
                None
            }
            Err(_) => None,
        }
    }
}

fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Each entry is on disk before the next part of its message goes on.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS delivered (key BLOB PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS delivered_by_time ON delivered (time);",
    )
}

fn oldest() -> i64 {
    seconds(time::now().saturating_sub(KEPT))
}

fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

const FILE: &str = "delivered.sqlite";

/// As long as mail servers offer a message again (RFC 5321, section 4.5.4.1).
const KEPT: u64 = 5 * time::DAY;

/// Entries: some ten megabytes. The oldest go first.
const MOST: i64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_handed_on_is_known_after_a_restart_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a@b.example", "c@d.example"].map(|recipient| Key::new(&[7; 32], recipient));
        let delivered = Delivered::open(Some(folder.path())).unwrap();
        assert_eq!(delivered.known(vec![first, second]).await, [false, false]);
        delivered.remember(vec![first]).await;
        drop(delivered);
        let delivered = Delivered::open(Some(folder.path())).unwrap();
        assert_eq!(delivered.known(vec![second, first]).await, [false, true]);
        delivered.forget(vec![first]).await;
        assert_eq!(delivered.known(vec![first]).await, [false]);
        assert!(Delivered::open(Some(&folder.path().join("missing"))).unwrap_err().contains("missing"));
    }

    #[tokio::test]
    async fn old_entries_and_too_many_of_them_are_dropped() {
        let delivered = Delivered::open(None).unwrap();
        let now = seconds(time::now());
        {
            let connection = delivered.0.lock().unwrap();
            connection
                .execute(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1)
                     INSERT INTO delivered SELECT CAST(printf('%032d', i) AS BLOB), ?2 - i FROM n",
                    params![MOST + 10, now - 100],
                )
                .unwrap();
            let old = params![[9u8; 32], seconds(time::now() - KEPT - 1)];
            connection.execute("INSERT INTO delivered VALUES (?1, ?2)", old).unwrap();
        }
        assert_eq!(delivered.known(vec![Key([9; 32])]).await, [false], "too old");
        let key = Key::new(&[1; 32], "a@b.example");
        delivered.remember(vec![key]).await;
        assert_eq!(delivered.known(vec![key]).await, [true]);
        let count: i64 =
            delivered.0.lock().unwrap().query_row("SELECT count(*) FROM delivered", [], |row| row.get(0)).unwrap();
        assert_eq!(count, MOST);
    }
}
