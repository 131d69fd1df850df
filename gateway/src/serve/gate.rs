//! What all sessions of the process share: who is let in, how much is held, and
//! what becomes of a message.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use host::Reply;

use super::held::{Held, Quota};
use super::judge::Shared;
use super::ledger::Ledger;
use super::listener::Listener;
use super::refusal::Refusal;
use super::repeats::Repeats;
use super::site::Site;
use super::transaction::{Client, Judgement, Transaction};
use super::{admission, judge, replies};

/// What all sessions of the process share.
///
/// Each question is answered by the configuration in force when it is asked: a
/// reload does not wait for sessions, and a tenant that was taken out is served
/// no more. A session keeps only its [`Listener`].
pub struct Gate {
    site: ArcSwap<Site>,
    connections: Arc<Quota>,
    shared: Shared,
}

impl Gate {
    /// The gate of a process that begins with this configuration.
    pub fn new(site: Site) -> Self {
        let gateway = &site.configuration.gateway;
        let (memory, connections) = (Quota::new(gateway.memory), Quota::new(gateway.connections));
        let shared =
            Shared { memory, ledger: Ledger::default(), failures: Arc::default(), repeats: Repeats::default() };
        Self { site: ArcSwap::from_pointee(site), connections, shared }
    }

    /// Puts another configuration in force.
    pub fn reload(&self, site: Site) {
        self.shared.memory.set(site.configuration.gateway.memory);
        self.connections.set(site.configuration.gateway.connections);
        self.site.store(Arc::new(site));
    }

    /// The configuration in force.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// What came of messages so far.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Octets of mail that are held.
    pub fn held(&self) -> usize {
        self.shared.memory.used()
    }

    /// Connections that are open.
    pub fn connected(&self) -> usize {
        self.connections.used()
    }

    /// Takes a place for a connection; `421 4.3.2` if there is none.
    pub fn connect(&self) -> Result<Held, Reply> {
        self.connections.take(1).ok_or_else(replies::no_connection)
    }

    /// Whether mail with this reverse-path (none is the null one) is taken from
    /// `client`: `550 5.7.1` if it is no tenant's.
    pub fn admit_sender(&self, listener: &Listener, client: &Client, sender: Option<&str>) -> Result<(), Refusal> {
        admission::sender(&self.site.load(), listener, client, sender)
    }

    /// Whether `recipient` may join those of `transaction`, who were accepted
    /// before: `550 5.7.1` if it is no tenant's, `452 4.5.3` if it is another's.
    pub fn admit_recipient(
        &self,
        listener: &Listener,
        transaction: &Transaction,
        recipient: &str,
    ) -> Result<(), Refusal> {
        admission::recipient(&self.site.load(), listener, transaction, recipient)
    }

    /// The most octets that a message of `transaction` may have, as its tenant has
    /// it; its recipients were accepted.
    pub fn message_size(&self, listener: &Listener, transaction: &Transaction) -> usize {
        admission::message_size(&self.site.load(), listener, transaction)
    }

    /// Room for mail, none of it taken yet.
    pub fn hold(&self) -> Result<Held, Refusal> {
        self.shared.memory.take(0).ok_or(Refusal::Memory)
    }

    /// Decides what becomes of `message`: header, empty line and body, with CRLF
    /// line ends, and the dots of the DATA command removed. Never fails: what
    /// goes wrong here is `451 4.3.0`. The caller holds room for the message.
    pub async fn judge(&self, listener: &Listener, transaction: &Transaction, message: Bytes) -> Judgement {
        judge::judge(self.site(), &self.shared, listener, transaction, message).await
    }

    /// Tells of a message that is refused before it can be judged, of which `size`
    /// octets have come. What the client is told.
    pub async fn refuse(
        &self,
        listener: &Listener,
        transaction: &Transaction,
        size: usize,
        refusal: &Refusal,
    ) -> Reply {
        judge::refuse(self.site(), &self.shared, listener, transaction, size, refusal).await
    }
}
