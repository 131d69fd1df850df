//! Who has which keys, what the policies are, and what time it is: everything a
//! verdict depends on, but for envelope and message.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use host::memory::{FixedClock, FixedPolicies, MemoryHarvest, MemoryKeys, MemoryTrust};
use host::{
    Authorise, Certificates, Entry, Envelope, InboundPolicy, Limits, OutboundPolicy, Outcome, Policies, Runtime, Tenant,
};

use crate::native;
use crate::seeded::{SeededEntropy, SeededKey};

/// A tenant that is the same at the beginning of each run.
#[derive(Clone)]
pub struct Script {
    /// When it all happens, in seconds since 1970-01-01T00:00:00Z.
    pub now: u64,
    /// The seed of all randomness.
    pub seed: u64,
    /// Trust anchors, as DER.
    pub anchors: Vec<Vec<u8>>,
    /// Intermediate authorities, as DER.
    pub intermediates: Vec<Vec<u8>>,
    /// Certificates by mailbox.
    pub certificates: Vec<(String, Entry)>,
    /// Private keys by mailbox.
    pub keys: Vec<(String, Key)>,
    /// The policies for all recipients but those below.
    pub policies: FixedPolicies,
    /// The outbound policies of some recipients.
    pub outbound_of: HashMap<String, OutboundPolicy>,
    /// The inbound policies of some recipients.
    pub inbound_of: HashMap<String, InboundPolicy>,
    /// Whether a component with `key-export` is given the keys.
    pub exportable: bool,
    /// What a message may cost.
    pub limits: Limits,
}

/// A private key and its certificates.
#[derive(Clone)]
pub struct Key {
    /// The certificate, as DER.
    pub certificate: Vec<u8>,
    /// Those of its issuers, as DER.
    pub chain: Vec<Vec<u8>>,
    /// The key, as DER of a PKCS #8 `PrivateKeyInfo`.
    pub pkcs8: Vec<u8>,
}

/// 2027-01-01T00:00:00Z.
pub const NOW: u64 = 1_798_761_600;

impl Default for Script {
    fn default() -> Self {
        Self {
            now: NOW,
            seed: 0,
            anchors: Vec::new(),
            intermediates: Vec::new(),
            certificates: Vec::new(),
            keys: Vec::new(),
            policies: FixedPolicies::default(),
            outbound_of: HashMap::new(),
            inbound_of: HashMap::new(),
            exportable: true,
            limits: Limits::default(),
        }
    }
}

impl Script {
    /// The people of `smime/tests/vectors/people`: certificates of all of them
    /// are known, and keys of those that are named.
    pub fn with_keys_of(names: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smime/tests/vectors/people");
        let read = |file: String| {
            let path = folder.join(file);
            std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        let mut script = Self { anchors: vec![read("ca.der".to_owned())], ..Self::default() };
        for name in ["alice", "bob", "carol", "dave", "erin", "mallory"] {
            let certificate = read(format!("{name}.der"));
            if names.contains(&name) {
                let pkcs8 = read(format!("{name}.p8"));
                script.keys.push((address(name), Key { certificate: certificate.clone(), chain: Vec::new(), pkcs8 }));
            }
            script.certificates.push((address(name), Entry { certificate, pinned: false, capabilities: None }));
        }
        script
    }

    /// The services, all of them at their beginning; and what they harvest.
    pub fn tenant(&self) -> (Tenant, Arc<MemoryHarvest>) {
        let entropy = SeededEntropy::new(self.seed);
        let mut keys = MemoryKeys::default();
        for (owner, entry) in &self.certificates {
            keys.add_certificate(owner, entry.clone());
        }
        for (owner, key) in &self.keys {
            let identity = SeededKey::new(&key.pkcs8, &entropy, self.exportable).identity(&key.certificate, &key.chain);
            keys.add_identity(owner, identity);
        }
        let keys = Arc::new(keys);
        let harvest = Arc::new(MemoryHarvest::default());
        let tenant = Tenant {
            certificates: Arc::clone(&keys) as Arc<dyn Certificates>,
            private_keys: keys,
            trust: Arc::new(MemoryTrust { anchors: self.anchors.clone(), intermediates: self.intermediates.clone() }),
            policies: Arc::new(self.clone()),
            harvest: Arc::clone(&harvest) as Arc<dyn host::Harvest>,
            authorise: Arc::new(Anyone),
            clock: Arc::new(FixedClock(self.now)),
            entropy: Arc::new(entropy),
            limits: self.limits.clone(),
        };
        (tenant, harvest)
    }

    /// Gives a message to a component.
    pub fn run(&self, runtime: &Runtime, envelope: &Envelope, message: &[u8]) -> Outcome {
        runtime.run(&self.tenant().0, envelope, message)
    }

    /// Gives a message to the logic without a sandbox.
    pub fn run_natively(&self, envelope: &Envelope, message: &[u8]) -> Outcome {
        native::run(&self.tenant().0, envelope, message)
    }
}

impl Policies for Script {
    fn outbound(&self, recipient: &str) -> OutboundPolicy {
        self.outbound_of.get(recipient).copied().unwrap_or(self.policies.outbound)
    }

    fn inbound(&self, recipient: &str) -> InboundPolicy {
        self.inbound_of.get(recipient).unwrap_or(&self.policies.inbound).clone()
    }
}

/// A submitter named `*` acts for everybody; any other for its own mailbox.
struct Anyone;

impl Authorise for Anyone {
    fn may_act_for(&self, submitter: &str, owner: &str) -> bool {
        submitter == "*" || host::services::SameMailbox.may_act_for(submitter, owner)
    }
}

/// The mailbox of one of the people.
pub fn address(name: &str) -> String {
    match name {
        "alice" | "bob" | "erin" => format!("{name}@peer.example"),
        "carol" | "dave" => format!("{name}@lan.example"),
        _ => format!("{name}@evil.example"),
    }
}

/// An envelope from and to some of the people.
pub fn envelope(direction: host::Direction, from: &str, to: &[&str]) -> Envelope {
    Envelope {
        direction,
        submitter: (direction == host::Direction::Outbound).then(|| address(from)),
        sender: Some(address(from)),
        recipients: to.iter().map(|name| address(name)).collect(),
    }
}
