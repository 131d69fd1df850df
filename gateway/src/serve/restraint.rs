//! The private keys of a tenant, as one message from outside gets to see them: it is
//! kept from some, and what it uses is noted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use host::{Identity, PrivateKeys, Refusal};

use super::failures::Failures;

/// What is noted of one message.
pub struct Restraint {
    failures: Arc<Failures>,
    client: Option<IpAddr>,
    tenant: String,
    refused: AtomicBool,
    owners: Mutex<Vec<String>>,
}

impl Restraint {
    /// Of a message from `client` for recipients of `tenant`.
    pub fn new(failures: &Arc<Failures>, client: Option<IpAddr>, tenant: &str) -> Arc<Self> {
        let (refused, owners) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Self { failures: Arc::clone(failures), client, tenant: tenant.to_owned(), refused, owners })
    }

    /// `keys`, as far as the message gets to see them.
    pub fn over(self: &Arc<Self>, keys: Arc<dyn PrivateKeys>) -> Arc<dyn PrivateKeys> {
        Arc::new(Restrained { keys, restraint: Arc::clone(self) })
    }

    /// Whether the message was kept from a key.
    pub fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// The message, for which keys were used, could be `opened` or not.
    pub fn note(&self, opened: bool) {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        self.failures.note(self.client, &self.tenant, &owners, opened, Instant::now());
    }

    fn forbids(&self, owner: &str) -> bool {
        let now = Instant::now();
        let forbids = self.failures.restrains_client(self.client, now)
            || self.failures.restrains_key(self.client, &self.tenant, owner, now);
        self.refused.fetch_or(forbids, Ordering::Relaxed);
        forbids
    }
}

struct Restrained {
    keys: Arc<dyn PrivateKeys>,
    restraint: Arc<Restraint>,
}

impl PrivateKeys for Restrained {
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        if self.restraint.forbids(owner) {
            return Err(Refusal::Unavailable("too many messages could not be opened".to_owned()));
        }
        let identities = self.keys.identities(owner)?;
        if !identities.is_empty() {
            self.restraint.owners.lock().unwrap_or_else(PoisonError::into_inner).push(owner.to_owned());
        }
        Ok(identities)
    }

    fn waits(&self) -> bool {
        self.keys.waits()
    }
}
