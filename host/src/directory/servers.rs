//! The servers of a directory: whichever answers, over connections that are kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::connection::{Connection, Credentials};
use super::error::DirectoryError;
use super::server::ServerAddress;
use super::{Bind, DirectoryOptions};
use crate::Severity;
use crate::permits::Permits;
use crate::remote::health::Health;
use crate::remote::tls;
use crate::services::note;

/// How long an unused connection is kept: firewalls forget those that are silent.
const IDLE: Duration = Duration::from_secs(60);

/// The servers, in the order in which they are asked.
pub(super) struct Servers {
    servers: Vec<Server>,
    tls: Arc<ClientConfig>,
    bind: Option<Bind>,
    timeout: Duration,
    /// For the searches that may go on at a time.
    permits: Arc<Permits>,
}

struct Server {
    address: ServerAddress,
    idle: Mutex<Vec<(Connection, Instant)>>,
    health: Health,
}

impl Servers {
    /// The servers of `options`.
    pub(super) fn new(options: &DirectoryOptions) -> Result<Self, DirectoryError> {
        let server = |address: &ServerAddress| Server {
            address: address.clone(),
            idle: Mutex::default(),
            health: Health::default(),
        };
        Ok(Self {
            servers: options.servers.iter().map(server).collect(),
            tls: tls::client(options.ca.as_deref()).map_err(DirectoryError::Configuration)?,
            bind: options.bind.clone(),
            timeout: options.timeout,
            permits: Permits::new(options.connections),
        })
    }

    /// Asks the first server that keeps up a conversation to its end. All of them
    /// together have the time of one look-up, each an equal part of what is left.
    pub(super) fn ask<T>(
        &self,
        talk: impl Fn(&mut Connection) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let deadline = Instant::now() + self.timeout;
        let _permit = self.permits.take(self.timeout).ok_or(DirectoryError::Busy)?;
        let credentials = self.credentials()?;
        let mut order: Vec<&Server> = self.servers.iter().collect();
        order.sort_by_cached_key(|server| server.health.is_shunned());
        let mut first_error = None;
        for (at, server) in order.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(order.len() - at).unwrap_or(u32::MAX);
            match server.ask(&self.tls, credentials.as_ref(), share, &talk) {
                Ok(answer) => return Ok(answer),
                Err(error) if !error.is_of_one_server() => return Err(error),
                Err(error) => {
                    note(Severity::Warning, "key-server-failed", &[("detail", &error.to_string())]);
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| DirectoryError::Configuration("no directory server is named".to_owned())))
    }

    /// Asks every server, over connections of their own: what is wrong with each that
    /// does not answer.
    pub(super) fn probe<T>(&self, talk: impl Fn(&mut Connection) -> Result<T, DirectoryError>) -> Vec<DirectoryError> {
        let credentials = match self.credentials() {
            Ok(credentials) => credentials,
            Err(error) => return vec![error],
        };
        let probe = |server: &Server| server.ask(&self.tls, credentials.as_ref(), self.timeout, &talk).err();
        self.servers.iter().filter_map(probe).collect()
    }

    /// The password is read anew for each question: one that was changed is used
    /// without a restart.
    fn credentials(&self) -> Result<Option<Credentials>, DirectoryError> {
        let read = |bind: &Bind| {
            let password = bind.password.line().map_err(DirectoryError::Password)?;
            Ok(Credentials { dn: bind.dn.clone(), password })
        };
        self.bind.as_ref().map(read).transpose()
    }
}

impl Server {
    /// Asks over a connection that is kept, and where that proves to be broken over a
    /// new one: half of the time is left for it.
    fn ask<T>(
        &self,
        tls: &Arc<ClientConfig>,
        credentials: Option<&Credentials>,
        share: Duration,
        talk: impl Fn(&mut Connection) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let deadline = Instant::now() + share;
        if let Some(mut kept) = self.kept() {
            kept.until(Instant::now() + share / 2);
            match talk(&mut kept) {
                // It was closed while nobody looked: the server may be well.
                Err(error) if error.is_of_the_connection() => self.idle().clear(),
                other => return self.note(other, kept),
            }
        }
        let opened = Connection::open(&self.address, tls, credentials, deadline);
        match opened {
            Ok(mut connection) => {
                let talked = talk(&mut connection);
                self.note(talked, connection)
            }
            Err(error) => {
                self.health.note(true);
                Err(error)
            }
        }
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps the connection if its last question was answered to the end. One that is
    /// out of step would answer the next question with this answer.
    fn note<T>(&self, talked: Result<T, DirectoryError>, connection: Connection) -> Result<T, DirectoryError> {
        if talked.is_ok() {
            self.idle().push((connection, Instant::now()));
        }
        self.health.note(talked.as_ref().is_err_and(DirectoryError::is_of_one_server));
        talked
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
