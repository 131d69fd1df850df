//! An organisation of the demonstration: its users, its keyring, its proxy.

use std::path::Path;
use std::sync::Arc;

use host::keyring::{
    Bundle, GenerateOptions, ImportOptions, KeyAlgorithm, Keyring, KeyringError, KeyringServices, Kind,
};
use host::memory::{FixedPolicies, MemoryTrust};
use host::services::{NoHarvest, SameMailbox, SystemClock, SystemEntropy};
use host::{Clock, Demand, Limits, Tenant};

use super::DemoError;

/// An organisation with a secure mail proxy of its own.
pub struct Organisation {
    /// Its domain.
    pub domain: &'static str,
    keyring: Arc<Keyring>,
    tenant: Tenant,
}

impl Organisation {
    /// Sets it up in a directory, with a new key for each of its users.
    pub fn found(directory: &Path, domain: &'static str, users: &[&str]) -> Result<Self, DemoError> {
        let keyring = Arc::new(Keyring::open_or_create(&directory.join(format!("{domain}.keyring")))?);
        let now = SystemClock.now();
        for address in users {
            let options =
                GenerateOptions { address: (*address).to_owned(), algorithm: KeyAlgorithm::Rsa2048, days: 30, now };
            keyring.generate(&options)?;
        }
        let services = Arc::new(KeyringServices::new(Arc::clone(&keyring), Arc::new(SystemClock)));
        let mut policies = FixedPolicies::default();
        policies.inbound.verify = Demand::Required;
        policies.inbound.authserv_id = format!("mail.{domain}");
        let tenant = Tenant {
            certificates: Arc::clone(&services) as _,
            private_keys: services,
            trust: Arc::new(MemoryTrust::default()),
            policies: Arc::new(policies),
            harvest: Arc::new(NoHarvest),
            authorise: Arc::new(SameMailbox),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            limits: Limits::default(),
        };
        Ok(Self { domain, keyring, tenant })
    }

    /// Files the public keys of another organisation's users, as its postmaster
    /// gave them: they are pinned.
    pub fn learn(&self, other: &Self) -> Result<(), KeyringError> {
        for record in other.keyring.records(SystemClock.now())?.iter().filter(|record| record.kind == Kind::Public) {
            if !record.address.ends_with(other.domain) {
                continue;
            }
            let mut bundle = Bundle::default();
            bundle.read(&record.address, &record.certificate, None)?;
            self.keyring.import(bundle, &ImportOptions { address: Some(record.address.clone()), pin: true })?;
        }
        Ok(())
    }

    /// Whether a mailbox is inside: what a mail server asks (A2).
    pub fn is_home_of(&self, mailbox: &str) -> bool {
        mailbox.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(self.domain))
    }

    /// The services of its proxy.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The rows of its two stores, as figs. 5 and 6 of the seed have them: which
    /// key, whose, and the beginning of its certificate's fingerprint.
    pub fn stores(&self) -> Result<Vec<(Kind, String, String)>, KeyringError> {
        let records = self.keyring.records(SystemClock.now())?;
        Ok(records
            .into_iter()
            .map(|record| (record.kind, record.address, beginning(&record.facts.fingerprint)))
            .collect())
    }
}

/// The beginning of a fingerprint, enough to tell keys apart by eye.
fn beginning(fingerprint: &[u8]) -> String {
    fingerprint.iter().take(6).map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")
}
