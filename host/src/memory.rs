//! A twin in memory of each service, for tests and for hosts whose keys are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mailbox::normal;
use crate::services::{
    Certificates, Clock, Harvest, Identity, NoHarvest, Policies, PrivateKeys, SameMailbox, SystemClock, SystemEntropy,
    Tenant, Trust,
};
use crate::{
    Assumption, Demand, Entry, HeaderProtection, InboundPolicy, Limits, Order, OutboundPolicy, Refusal, SignatureForm,
};

/// Both stores of the seed: certificates and private keys by mail address.
#[derive(Default)]
pub struct MemoryKeys {
    certificates: HashMap<String, Vec<Entry>>,
    identities: HashMap<String, Vec<Identity>>,
}

impl MemoryKeys {
    /// Files a certificate under the mailbox `owner`, after those already there.
    pub fn add_certificate(&mut self, owner: &str, entry: Entry) {
        self.certificates.entry(normal(owner)).or_default().push(entry);
    }

    /// Files an identity under the mailbox `owner`, after those already there.
    pub fn add_identity(&mut self, owner: &str, identity: Identity) {
        self.identities.entry(normal(owner)).or_default().push(identity);
    }
}

impl Certificates for MemoryKeys {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        Ok(self.certificates.get(&normal(owner)).cloned().unwrap_or_default())
    }

    fn waits(&self) -> bool {
        false
    }
}

impl PrivateKeys for MemoryKeys {
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        Ok(self.identities.get(&normal(owner)).cloned().unwrap_or_default())
    }

    fn waits(&self) -> bool {
        false
    }
}

/// Both stores, out of reach: what a back end says that cannot be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutOfReach;

impl Certificates for OutOfReach {
    fn certificates(&self, _: &str) -> Result<Vec<Entry>, Refusal> {
        Err(Refusal::Unavailable("the certificates are out of reach".to_owned()))
    }
}

impl PrivateKeys for OutOfReach {
    fn identities(&self, _: &str) -> Result<Vec<Identity>, Refusal> {
        Err(Refusal::Unavailable("the private keys are out of reach".to_owned()))
    }
}

/// Trust anchors and intermediates in memory, as DER; no revocation lists.
#[derive(Clone, Debug, Default)]
pub struct MemoryTrust {
    /// The trust anchors.
    pub anchors: Vec<Vec<u8>>,
    /// Certificates of intermediate authorities.
    pub intermediates: Vec<Vec<u8>>,
}

impl Trust for MemoryTrust {
    fn anchors(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.anchors.clone())
    }

    fn intermediates(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(self.intermediates.clone())
    }

    fn revocation_lists(&self, _: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        Ok(Vec::new())
    }

    fn waits(&self) -> bool {
        false
    }
}

/// One policy for every recipient.
#[derive(Clone, Debug)]
pub struct FixedPolicies {
    /// That for what leaves.
    pub outbound: OutboundPolicy,
    /// That for what arrives.
    pub inbound: InboundPolicy,
}

impl Default for FixedPolicies {
    /// Sign and encrypt all that leaves; decrypt and verify what can be of what
    /// arrives.
    fn default() -> Self {
        Self {
            outbound: OutboundPolicy {
                sign: Demand::Required,
                encrypt: Demand::Required,
                order: Order::EncryptThenSign,
                unknown_peer: Assumption::Compatible,
                header: HeaderProtection::None,
                form: SignatureForm::Detached,
            },
            inbound: InboundPolicy {
                decrypt: Demand::Opportunistic,
                verify: Demand::Opportunistic,
                accept_unauthenticated: false,
                keep_signature: false,
                authserv_id: "mail.example.com".to_owned(),
            },
        }
    }
}

impl Policies for FixedPolicies {
    fn outbound(&self, _: &str) -> OutboundPolicy {
        self.outbound
    }

    fn inbound(&self, _: &str) -> InboundPolicy {
        self.inbound.clone()
    }

    fn waits(&self) -> bool {
        false
    }
}

/// A clock that stands still, at so many seconds after 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub u64);

impl Clock for FixedClock {
    fn now(&self) -> u64 {
        self.0
    }
}

/// Remembers what messages taught.
#[derive(Debug, Default)]
pub struct MemoryHarvest(Mutex<Vec<Offer>>);

/// What a message taught about its signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The author's mailbox.
    pub owner: String,
    /// The DER of the certificate the author signed with.
    pub certificate: Vec<u8>,
    /// The DER of the certificates between it and the trust anchor.
    pub chain: Vec<Vec<u8>>,
    /// The DER of the signed `SMIMECapabilities`.
    pub capabilities: Option<Vec<u8>>,
}

impl MemoryHarvest {
    /// All that was offered so far.
    pub fn offers(&self) -> Vec<Offer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Harvest for MemoryHarvest {
    fn offer(&self, owner: &str, certificate: &[u8], chain: &[Vec<u8>], capabilities: Option<&[u8]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Offer {
            owner: owner.to_owned(),
            certificate: certificate.to_vec(),
            chain: chain.to_vec(),
            capabilities: capabilities.map(<[u8]>::to_vec),
        });
    }

    fn waits(&self) -> bool {
        false
    }
}

/// A tenant with these keys, and with the simplest of everything else: the
/// default policies, no trust anchor, the machine's clock and generator.
pub fn tenant(keys: MemoryKeys) -> Tenant {
    let keys = Arc::new(keys);
    Tenant {
        certificates: Arc::clone(&keys) as Arc<dyn Certificates>,
        private_keys: keys,
        trust: Arc::new(MemoryTrust::default()),
        policies: Arc::new(FixedPolicies::default()),
        harvest: Arc::new(NoHarvest),
        authorise: Arc::new(SameMailbox),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filed_is_found_under_any_case_of_the_domain() {
        let mut keys = MemoryKeys::default();
        for certificate in [vec![1], vec![2]] {
            keys.add_certificate("Alice@ABC.com", Entry { certificate, pinned: true, capabilities: None });
        }
        let found = keys.certificates("Alice@abc.COM").unwrap();
        assert_eq!(found.iter().map(|entry| entry.certificate[0]).collect::<Vec<_>>(), [1, 2]);
        assert!(keys.certificates("alice@abc.com").unwrap().is_empty());
        assert!(keys.identities("Alice@abc.com").unwrap().is_empty());
    }

    #[test]
    fn offers_are_remembered_in_order() {
        let harvest = MemoryHarvest::default();
        harvest.offer("a@example.com", &[1], &[vec![2]], None);
        harvest.offer("b@example.com", &[3], &[], Some(&[4]));
        let offers = harvest.offers();
        assert_eq!(
            offers[0],
            Offer { owner: "a@example.com".into(), certificate: vec![1], chain: vec![vec![2]], capabilities: None }
        );
        assert_eq!(offers[1].capabilities, Some(vec![4]));
    }
}
