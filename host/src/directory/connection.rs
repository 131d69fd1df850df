//! One connection to a directory server: LDAP v3 over TLS (RFC 4511, RFC 4513), with
//! an end in time for all that is done on it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::error::{DirectoryError, Operation};
use super::message::{self, Attribute, LONGEST, LdapResult, Malformed, Response, Search};
use super::server::{Protection, ServerAddress};
use crate::remote::socket::{Secured, Timed, is_late};

/// Most entries that can be meant when one mailbox is asked for: one person under
/// some names.
pub(super) const MOST_ENTRIES: u8 = 8;
/// Most references to other servers that are skipped.
const MOST_REFERENCES: usize = 64;
/// The search found more than it may.
const SIZE_LIMIT_EXCEEDED: u32 = 4;

/// Who we are to a server.
pub(super) struct Credentials {
    pub dn: String,
    pub password: Zeroizing<String>,
}

/// A connection over which one question at a time is asked.
pub(super) struct Connection {
    server: String,
    stream: Stream,
    last_id: u8,
}

enum Stream {
    Clear(Timed),
    Secured(Box<Secured>),
}

impl Connection {
    /// Connects, begins TLS, and says who we are.
    pub(super) fn open(
        address: &ServerAddress,
        tls: &Arc<ClientConfig>,
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> Result<Self, DirectoryError> {
        let server = address.text();
        let host = address.host();
        let broken = |error: io::Error| failure(&server, &error);
        let clear = Stream::Clear(host.connect(deadline).map_err(broken)?);
        let mut connection = Self { server: server.clone(), stream: clear, last_id: 0 };
        if address.protection() == Protection::StartTls {
            connection.start_tls()?;
        }
        if address.protection() != Protection::None {
            let Stream::Clear(socket) = connection.stream else { return Err(connection.garbage()) };
            connection.stream = Stream::Secured(Box::new(host.secure(tls, socket).map_err(broken)?));
        }
        if let Some(credentials) = credentials {
            connection.bind(credentials)?;
        }
        Ok(connection)
    }

    /// Everything from here on has to be done by `deadline`.
    pub(super) fn until(&mut self, deadline: Instant) {
        match &mut self.stream {
            Stream::Clear(socket) => socket.deadline = deadline,
            Stream::Secured(stream) => stream.sock.deadline = deadline,
        }
    }

    /// Searches, and hands `take` the attributes of each entry found.
    pub(super) fn search(
        &mut self,
        search: &Search<'_>,
        mut take: impl FnMut(&[Attribute<'_>]),
    ) -> Result<(), DirectoryError> {
        let id = self.next_id();
        self.send(&message::search(id, search))?;
        let (mut octets, mut entries, mut references) = (0, 0, 0);
        loop {
            let response = self.receive(LONGEST - octets)?;
            octets += response.len();
            match message::response(&response, id).map_err(|Malformed| self.garbage())? {
                Response::Entry(attributes) => {
                    entries += 1;
                    if entries > MOST_ENTRIES {
                        return Err(DirectoryError::TooMany { server: self.server.clone() });
                    }
                    take(&attributes);
                }
                Response::Reference if references < MOST_REFERENCES => references += 1,
                Response::Reference => return Err(self.garbage()),
                Response::Done(LdapResult { code: SIZE_LIMIT_EXCEEDED, .. }) => {
                    return Err(DirectoryError::TooMany { server: self.server.clone() });
                }
                Response::Done(result) => return self.succeeded(Operation::Search, result),
            }
        }
    }

    /// After the answer the server waits for the handshake. What else it or somebody
    /// between has sent by then is read as part of that, and fails it.
    fn start_tls(&mut self) -> Result<(), DirectoryError> {
        let id = self.next_id();
        self.send(&message::start_tls(id))?;
        self.done(id, Operation::StartTls)
    }

    fn bind(&mut self, credentials: &Credentials) -> Result<(), DirectoryError> {
        let id = self.next_id();
        self.send(&message::bind(id, &credentials.dn, &credentials.password))?;
        self.done(id, Operation::Bind)
    }

    fn done(&mut self, id: u8, operation: Operation) -> Result<(), DirectoryError> {
        let response = self.receive(LONGEST)?;
        match message::response(&response, id) {
            Ok(Response::Done(result)) => self.succeeded(operation, result),
            _ => Err(self.garbage()),
        }
    }

    fn succeeded(&self, operation: Operation, result: LdapResult) -> Result<(), DirectoryError> {
        match result {
            LdapResult { code: 0, .. } => Ok(()),
            LdapResult { code, message } => {
                Err(DirectoryError::Refused { server: self.server.clone(), operation, code, message })
            }
        }
    }

    fn next_id(&mut self) -> u8 {
        self.last_id = self.last_id % 100 + 1;
        self.last_id
    }

    fn send(&mut self, request: &[u8]) -> Result<(), DirectoryError> {
        self.stream.write_all(request).and_then(|()| self.stream.flush()).map_err(|error| failure(&self.server, &error))
    }

    /// Reads one message, octet for octet: nothing of what follows it.
    fn receive(&mut self, most: usize) -> Result<Vec<u8>, DirectoryError> {
        let mut begin = [0; 6];
        let mut read = 0;
        let length = loop {
            match message::length(&begin[..read]) {
                Ok(Some(length)) => break length,
                Ok(None) => {}
                Err(Malformed) => return Err(self.garbage()),
            }
            let Some(next) = begin.get_mut(read..=read) else { return Err(self.garbage()) };
            self.stream.read_exact(next).map_err(|error| failure(&self.server, &error))?;
            read += 1;
        };
        if length > most {
            return Err(self.garbage());
        }
        // A server that announces much and sends little holds no memory.
        let mut response = Vec::with_capacity(length.min(64 << 10));
        response.extend_from_slice(&begin[..read]);
        let rest = (&mut self.stream).take((length - read) as u64).read_to_end(&mut response);
        match rest {
            Ok(_) if response.len() == length => Ok(response),
            Ok(_) => Err(failure(&self.server, &ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(failure(&self.server, &error)),
        }
    }

    fn garbage(&self) -> DirectoryError {
        DirectoryError::Garbage { server: self.server.clone() }
    }
}

/// What a failure on a connection means.
fn failure(server: &str, error: &io::Error) -> DirectoryError {
    let server = server.to_owned();
    match error.kind() {
        _ if is_late(error) => DirectoryError::Silent { server },
        // This is how rustls hands its own errors through.
        ErrorKind::InvalidData => DirectoryError::Tls { server, reason: error.to_string() },
        ErrorKind::UnexpectedEof => {
            DirectoryError::Unreachable { server, reason: "it closed the connection".to_owned() }
        }
        _ => DirectoryError::Unreachable { server, reason: error.to_string() },
    }
}

impl Read for Stream {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(octets),
            Self::Secured(stream) => stream.read(octets),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(octets),
            Self::Secured(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.flush(),
            Self::Secured(stream) => stream.flush(),
        }
    }
}
