//! A keyring as the two key services of a tenant.

use std::sync::Arc;

use super::error::KeyringError;
use super::harvest::KeyringHarvest;
use super::judge::Authorities;
use super::record::{Kind, Record, Source};
use super::store::Keyring;
use crate::{Certificates, Clock, Entry, Identity, PrivateKeys, Refusal};

/// A keyring that answers for a tenant.
#[derive(Clone)]
pub struct KeyringServices {
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    certificates: Share,
}

/// Which certificates it answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    All,
    Filed,
    Learned,
}

impl KeyringServices {
    /// Serves `keyring`; `clock` decides which keys are out of date.
    pub fn new(keyring: Arc<Keyring>, clock: Arc<dyn Clock>) -> Self {
        Self { keyring, clock, certificates: Share::All }
    }

    /// The same keyring without the certificates that it learned, and with nothing
    /// else: where other stores are asked as well, they go before what was learned.
    pub fn apart(&self) -> (Self, Self) {
        let share = |certificates| Self { certificates, ..self.clone() };
        (share(Share::Filed), share(Share::Learned))
    }

    /// The same keyring as it learns from mail, what `authorities` vouch for.
    pub fn harvest(&self, authorities: Authorities) -> KeyringHarvest {
        KeyringHarvest::new(Arc::clone(&self.keyring), authorities, Arc::clone(&self.clock))
    }

    fn answers_with(&self, record: &Record) -> bool {
        let share = if record.source == Source::Learned && !record.pinned { Share::Learned } else { Share::Filed };
        // A retired key is one that nothing new is encrypted to, and whose pin
        // counts no more: it may have been lost to somebody.
        !record.retired && !record.held && (self.certificates == Share::All || self.certificates == share)
    }
}

impl Certificates for KeyringServices {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        let records = self.keyring.records_of(Kind::Public, owner, self.clock.now()).map_err(unavailable)?;
        let entry = |record: Record| {
            as_filed(&record)?;
            Ok(Entry { certificate: record.certificate, pinned: record.pinned, capabilities: record.capabilities })
        };
        records.into_iter().filter(|record| self.answers_with(record)).map(entry).collect()
    }
}

impl PrivateKeys for KeyringServices {
    /// Keys of an algorithm that is not used yet are left out, and those that have no
    /// certificate yet.
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        let records = self.keyring.records_of(Kind::Private, owner, self.clock.now()).map_err(unavailable)?;
        records
            .into_iter()
            .filter(|record| record.facts.algorithm.unusable().is_none() && record.source != Source::Requested)
            .map(|record| {
                as_filed(&record)?;
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

/// That nobody has given the address this key but who may.
fn as_filed(record: &Record) -> Result<(), Refusal> {
    if record.altered {
        return Err(unavailable(KeyringError::Altered(record.address.clone())));
    }
    Ok(())
}

/// Whatever keeps a keyring from answering may be mended before the sender gives
/// up: mail waits, and none bounces.
fn unavailable(error: KeyringError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}
