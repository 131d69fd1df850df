//! A keyring as the two key services of a tenant.

use std::sync::Arc;

use super::error::KeyringError;
use super::record::Kind;
use super::store::Keyring;
use crate::{Certificates, Clock, Entry, Identity, PrivateKeys, Refusal};

/// A keyring that answers for a tenant.
#[derive(Clone)]
pub struct KeyringServices {
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
}

impl KeyringServices {
    /// Serves `keyring`; `clock` decides which keys are out of date.
    pub fn new(keyring: Arc<Keyring>, clock: Arc<dyn Clock>) -> Self {
        Self { keyring, clock }
    }
}

impl Certificates for KeyringServices {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        let records = self.keyring.records_of(Kind::Public, owner, self.clock.now()).map_err(unavailable)?;
        let entry = |record: super::Record| Entry {
            certificate: record.certificate,
            pinned: record.pinned,
            capabilities: record.capabilities,
        };
        // A retired key is one that nothing new is encrypted to, and whose pin
        // counts no more: it may have been lost to somebody.
        Ok(records.into_iter().filter(|record| !record.retired).map(entry).collect())
    }
}

impl PrivateKeys for KeyringServices {
    /// Keys of an algorithm that is not used yet are left out.
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        let records = self.keyring.records_of(Kind::Private, owner, self.clock.now()).map_err(unavailable)?;
        records
            .into_iter()
            .filter(|record| record.facts.algorithm.unusable().is_none())
            .map(|record| {
                Ok(Identity {
                    chain: self.keyring.chain(&record.facts.fingerprint).map_err(unavailable)?,
                    key: self.keyring.key(&record.facts.key_id).map_err(unavailable)?,
                    certificate: record.certificate,
                    retired: record.retired,
                })
            })
            .collect()
    }
}

/// Whatever keeps a keyring from answering may be mended before the sender gives
/// up: mail waits, and none bounces.
fn unavailable(error: KeyringError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}
