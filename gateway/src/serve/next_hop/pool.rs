//! Connections to a next hop: so many at a time, and kept for the next message.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Dial};
use super::fault::Fault;

/// Connections to one next hop.
pub struct Pool {
    dial: Dial,
    most: u32,
    places: Arc<Semaphore>,
    idle: Arc<Idle>,
}

/// The right to some connections at a time.
pub struct Places(OwnedSemaphorePermit);

/// A connection in use. Dropped, it is closed: whoever leaves it in order gives
/// it back.
pub struct Lease {
    /// The connection.
    pub connection: Connection,
    /// Whether it was idle before: it may have been closed meanwhile, and still
    /// knows of a transaction that was given up.
    pub reused: bool,
    places: Places,
    idle: Arc<Idle>,
}

/// Connections that wait, the last used at the end.
#[derive(Default)]
struct Idle {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    connections: Vec<(Connection, Instant)>,
    /// Whether somebody looks after them.
    tended: bool,
}

impl Pool {
    /// At most `most` connections as `dial` opens them.
    pub fn new(dial: Dial, most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX).clamp(1, MOST_PLACES);
        Self { dial, most, places: Arc::new(Semaphore::new(most as usize)), idle: Arc::default() }
    }

    /// How many connections there may be at a time.
    pub fn most(&self) -> usize {
        self.most as usize
    }

    /// Waits for `count` places, all at once: whoever held some while waiting for
    /// more could wait for another who does the same. No more than [`Self::most`].
    pub async fn places(&self, count: usize) -> Result<Places, Fault> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(self.most);
        let places = Arc::clone(&self.places).acquire_many_owned(count);
        match timeout(PATIENCE.min(self.dial.patience), places).await {
            Ok(Ok(permit)) => Ok(Places(permit)),
            Ok(Err(_)) | Err(_) => Err(Fault::Busy),
        }
    }

    /// A connection in one place: one that waits, or a new one.
    pub async fn take(&self, places: Places) -> Result<Lease, Fault> {
        let (connection, reused) = match self.idle.take() {
            Some(connection) => (connection, true),
            None => (self.dial.open().await?, false),
        };
        Ok(Lease { connection, reused, places, idle: Arc::clone(&self.idle) })
    }
}

impl Places {
    /// Each place by itself.
    pub fn each(mut self) -> Vec<Self> {
        let mut each = Vec::with_capacity(self.0.num_permits());
        while self.0.num_permits() > 1
            && let Some(one) = self.0.split(1)
        {
            each.push(Self(one));
        }
        each.push(self);
        each
    }
}

impl Lease {
    /// Keeps the connection for the next message, unless it is too old or said
    /// what nobody asked for.
    pub fn give_back(self) {
        let Self { connection, idle, places, .. } = self;
        if connection.is_quiet() && connection.messages < MOST_MESSAGES && connection.opened.elapsed() < LONGEST_AGE {
            idle.put(connection);
        } else {
            tokio::spawn(connection.quit());
        }
        drop(places);
    }

    /// Closes the connection and keeps its place.
    pub fn into_places(self) -> Places {
        self.places
    }
}

impl Idle {
    fn take(&self) -> Option<Connection> {
        let mut waiting = self.lock();
        while let Some((connection, since)) = waiting.connections.pop() {
            if since.elapsed() < LONGEST_IDLE {
                return Some(connection);
            }
        }
        None
    }

    fn put(self: &Arc<Self>, connection: Connection) {
        let mut waiting = self.lock();
        waiting.connections.push((connection, Instant::now()));
        if !std::mem::replace(&mut waiting.tended, true) {
            tokio::spawn(Arc::clone(self).tend());
        }
    }

    /// Closes connections that have waited for too long, until none is left.
    async fn tend(self: Arc<Self>) {
        let mut more = true;
        while more {
            sleep(LONGEST_IDLE / 2).await;
            let over;
            (over, more) = self.overdue();
            for connection in over {
                connection.quit().await;
            }
        }
    }

    /// Connections that have waited for too long, and whether others still wait.
    fn overdue(&self) -> (Vec<Connection>, bool) {
        let mut waiting = self.lock();
        let over = waiting.connections.extract_if(.., |(_, since)| since.elapsed() >= LONGEST_IDLE);
        let over = over.map(|(connection, _)| connection).collect();
        waiting.tended = !waiting.connections.is_empty();
        (over, waiting.tended)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mail server holds a process for each connection: an idle one is no longer
/// kept than a burst of mail lasts.
const LONGEST_IDLE: Duration = Duration::from_secs(10);

/// So that a mail server that is replaced is left in the end.
const LONGEST_AGE: Duration = Duration::from_secs(5 * 60);
const MOST_MESSAGES: u32 = 500;

/// How long a message waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

const MOST_PLACES: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::super::tls::NextHopTls;
    use super::*;
    use crate::config;

    #[tokio::test]
    async fn who_waits_too_long_for_a_place_is_told_so() {
        let settings = config::NextHop {
            address: "smtp://127.0.0.1:25".to_owned().try_into().unwrap(),
            tls: config::NextHopTls::Never,
            ca: None,
            connections: 2,
        };
        let dial = Dial {
            address: settings.address.clone(),
            tls: NextHopTls::new(&settings).unwrap(),
            hostname: "gw.example".into(),
            patience: Duration::from_millis(20),
        };
        let pool = Pool::new(dial, settings.connections);
        let mut taken = pool.places(2).await.unwrap().each();
        assert!(matches!(pool.places(1).await, Err(Fault::Busy)));
        taken.pop();
        assert!(pool.places(1).await.is_ok());
    }
}
