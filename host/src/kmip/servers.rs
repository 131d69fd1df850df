//! The key management servers of a tenant: whichever answers, over connections
//! that are kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::connection::{Address, Connection};
use super::error::KmipError;
use super::message::{self, NoPayload, Operation};
use super::ttlv::{Item, Malformed};
use crate::Severity;
use crate::permits::Permits;
use crate::remote::health::Health;
use crate::services::note;

/// The servers, in the order in which they are asked.
pub(super) struct Servers {
    servers: Vec<Server>,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    /// For the conversations that may go on at a time.
    permits: Arc<Permits>,
}

struct Server {
    address: Address,
    idle: Mutex<Vec<Connection>>,
    health: Health,
}

impl Servers {
    /// At most `connections` conversations at a time, each with an end after
    /// `timeout`.
    pub(super) fn new(addresses: Vec<Address>, tls: Arc<ClientConfig>, timeout: Duration, connections: usize) -> Self {
        let server = |address| Server { address, idle: Mutex::default(), health: Health::default() };
        Self { servers: addresses.into_iter().map(server).collect(), tls, timeout, permits: Permits::new(connections) }
    }

    /// How long an answer may take, with every server tried in vain but the last.
    pub(super) fn patience(&self) -> Duration {
        self.timeout.saturating_mul(u32::try_from(self.servers.len()).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Holds a conversation with the first server that keeps it up to its end.
    pub(super) fn converse<T>(
        &self,
        talk: impl Fn(&mut Conversation<'_>) -> Result<T, KmipError>,
    ) -> Result<T, KmipError> {
        let _permit = self.permits.take(self.timeout).ok_or(KmipError::Busy)?;
        let mut order: Vec<&Server> = self.servers.iter().collect();
        order.sort_by_cached_key(|server| server.health.is_shunned());
        let mut first_error = None;
        for server in order {
            match server.converse(&self.tls, self.timeout, &talk) {
                Ok(answer) => return Ok(answer),
                Err(error) if !error.is_of_one_server() => return Err(error),
                Err(error) => {
                    note(Severity::Warning, "key-server-failed", &[("detail", &error.to_string())]);
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| KmipError::Configuration("no key management server is named".to_owned())))
    }

    /// Asks every server whether it is there: the address and what is wrong of
    /// each that is not.
    pub(super) fn probe(&self) -> Vec<KmipError> {
        let talk = |conversation: &mut Conversation<'_>| {
            conversation.ask(Operation::Query, &message::query(), |_| Ok(())).map(drop)
        };
        self.servers.iter().filter_map(|server| server.converse(&self.tls, self.timeout, talk).err()).collect()
    }
}

impl Server {
    fn converse<T>(
        &self,
        tls: &Arc<ClientConfig>,
        timeout: Duration,
        talk: impl Fn(&mut Conversation<'_>) -> Result<T, KmipError>,
    ) -> Result<T, KmipError> {
        let deadline = Instant::now() + timeout;
        let server = self.address.text();
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match self.talk_over(connection, &server, deadline, &talk) {
                // It was closed while nobody looked: the server may be well.
                Err(KmipError::Unreachable { .. } | KmipError::Tls { .. }) => self.idle().clear(),
                other => return self.note(other),
            }
        }
        let talked = Connection::open(&self.address, tls, deadline)
            .and_then(|new| self.talk_over(new, &server, deadline, &talk));
        self.note(talked)
    }

    fn talk_over<T>(
        &self,
        connection: Connection,
        server: &str,
        deadline: Instant,
        talk: impl Fn(&mut Conversation<'_>) -> Result<T, KmipError>,
    ) -> Result<T, KmipError> {
        let mut conversation = Conversation { connection, server, deadline, in_step: true, secret: false };
        let talked = talk(&mut conversation);
        // One that is out of step would answer the next question with this answer.
        if conversation.in_step && !conversation.secret {
            self.idle().push(conversation.connection);
        }
        talked
    }

    fn note<T>(&self, talked: Result<T, KmipError>) -> Result<T, KmipError> {
        self.health.note(talked.as_ref().is_err_and(KmipError::is_of_one_server));
        talked
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Questions to one server over one connection.
pub(super) struct Conversation<'a> {
    connection: Connection,
    server: &'a str,
    deadline: Instant,
    in_step: bool,
    secret: bool,
}

impl Conversation<'_> {
    /// The server, as host and port.
    pub(super) fn server(&self) -> &str {
        self.server
    }

    /// Has the connection closed at the end of the conversation: a private key comes
    /// over it, and stays in the buffers of TLS for as long as they are kept.
    pub(super) fn keep_secret(&mut self) {
        self.secret = true;
    }

    /// Asks, and has `read` take what it needs from the payload of the answer,
    /// which is erased afterwards.
    pub(super) fn ask<T>(
        &mut self,
        operation: Operation,
        request: &[u8],
        read: impl FnOnce(&Item<'_>) -> Result<T, Malformed>,
    ) -> Result<T, KmipError> {
        self.in_step = false;
        let answer: Zeroizing<Vec<u8>> = self.connection.ask(request, self.deadline)?;
        let garbage = || KmipError::Garbage(self.server.to_owned());
        let payload = match message::payload(&answer, operation) {
            Ok(payload) => payload,
            Err(NoPayload::Malformed) => return Err(garbage()),
            Err(NoPayload::Refused { reason, message }) => {
                self.in_step = true;
                return Err(KmipError::Refused { server: self.server.to_owned(), reason, message });
            }
        };
        let read = read(&payload).map_err(|Malformed| garbage())?;
        self.in_step = true;
        Ok(read)
    }
}
