//! A directory server (8 of the seed) as the public key store: certificates by mail
//! address over LDAP v3 (RFC 4511).
//!
//! A directory is no authority. What it has is taken if it names the address, and
//! trusted if a path leads to an anchor of the tenant: never pinned.

mod attributes;
mod connection;
mod error;
mod filter;
mod message;
mod server;
mod servers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use error::{DirectoryError, Operation};
pub use filter::Filter;
pub use server::{Protection, ServerAddress};

use crate::remote::Caching;
use crate::remote::answers::{Answer, Answers};
use crate::remote::found::Found;
use crate::secret_file::SecretFile;
use crate::{Certificates, Clock, Entry, Refusal};
use connection::{Connection, MOST_ENTRIES};
use message::Search;
use servers::Servers;

/// Where a directory is, and how it is asked.
#[derive(Clone, Debug)]
pub struct DirectoryOptions {
    /// Its servers, which are copies of each other, in the order in which they are
    /// tried.
    pub servers: Vec<ServerAddress>,
    /// The PEM file of the authorities of their TLS certificates; none: those of the
    /// system.
    pub ca: Option<PathBuf>,
    /// The entry below which is searched.
    pub base: String,
    /// What is searched for.
    pub filter: Filter,
    /// Who we are; none is anonymous.
    pub bind: Option<Bind>,
    /// How long one look-up may take, all servers together.
    pub timeout: Duration,
    /// How many look-ups may go on at a time.
    pub connections: usize,
    /// How long answers are remembered.
    pub caching: Caching,
}

/// A simple bind (RFC 4513, section 5.1.3).
#[derive(Clone, Debug)]
pub struct Bind {
    /// The distinguished name.
    pub dn: String,
    /// Where the password lies.
    pub password: SecretFile,
}

/// A directory that answers for a tenant.
pub struct Directory {
    servers: Servers,
    base: String,
    filter: Filter,
    time_limit: u8,
    answers: Answers,
    clock: Arc<dyn Clock>,
}

impl Directory {
    /// Takes the directory of `options` into service, without asking it anything;
    /// `clock` decides which certificates are out of date.
    pub fn new(options: &DirectoryOptions, clock: Arc<dyn Clock>) -> Result<Self, DirectoryError> {
        Ok(Self {
            servers: Servers::new(options)?,
            base: options.base.clone(),
            filter: options.filter.clone(),
            time_limit: u8::try_from(options.timeout.as_secs()).unwrap_or(u8::MAX).clamp(1, 120),
            answers: Answers::new(&options.caching),
            clock,
        })
    }

    /// Asks every server whether it is there, lets us in and has the base: what is
    /// wrong with each that is not well.
    pub fn probe(&self) -> Vec<DirectoryError> {
        // objectClass=*, which every entry has.
        let filter = b"\x87\x0bobjectClass";
        let search = Search { base_only: true, attributes: &["1.1"], ..self.search(filter) };
        self.servers.probe(|connection| connection.search(&search, |_| {}))
    }

    fn look_up(&self, owner: &str) -> Result<Answer, DirectoryError> {
        let Some(filter) = self.filter.encode(owner) else { return Ok(Answer::default()) };
        let search = self.search(&filter);
        let ask = |connection: &mut Connection| {
            let mut found = Found::new(owner, "directory");
            connection.search(&search, |entry| attributes::take(entry, &mut found))?;
            Ok(found)
        };
        self.servers.ask(ask).map(|found| found.answer(self.clock.now()))
    }

    fn search<'a>(&'a self, filter: &'a [u8]) -> Search<'a> {
        Search {
            base: &self.base,
            base_only: false,
            filter,
            attributes: &attributes::ATTRIBUTES,
            size_limit: MOST_ENTRIES,
            time_limit: self.time_limit,
        }
    }
}

impl Certificates for Directory {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        self.answers.get_or_ask(owner, || self.look_up(owner).map_err(|error| error.to_string()))
    }
}
