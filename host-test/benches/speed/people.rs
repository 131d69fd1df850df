//! Who writes to whom in the benches: `people/`, by kind of key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::memory::{FixedClock, FixedPolicies, MemoryKeys, MemoryTrust};
use host::services::{NoHarvest, SystemEntropy};
use host::{
    Assumption, Certificates, Demand, Direction, Entry, Envelope, Identity, Limits, Order, SoftwareKey, Tenant,
};
use host_test::script::NOW;
use zeroize::Zeroizing;

/// A kind of key that all people have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa2048,
    Rsa3072,
    P256,
}

impl Kind {
    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA-2048",
            Self::Rsa3072 => "RSA-3072",
            Self::P256 => "P-256",
        }
    }
}

/// How the content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    Cbc,
    Gcm,
}

impl Cipher {
    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cbc => "AES-256-CBC",
            Self::Gcm => "AES-256-GCM",
        }
    }
}

/// The people of one kind of key: certificates in DER, keys in PKCS #8.
pub struct People {
    pub authority: Vec<u8>,
    pub sender: Vec<u8>,
    pub sender_key: Zeroizing<Vec<u8>>,
    pub recipients: Vec<Vec<u8>>,
    pub recipient_key: Zeroizing<Vec<u8>>,
}

/// The mailbox of the sender.
pub const SENDER: &str = "sender@peer.example";

/// The mailbox of a recipient, counted from 0.
pub fn recipient(index: usize) -> String {
    format!("recipient-{}@lan.example", index + 1)
}

impl People {
    /// Reads those of `kind`.
    pub fn of(kind: Kind) -> Self {
        let folder = folder().join(kind.name().to_ascii_lowercase());
        Self {
            authority: certificates(&folder.join("../ca.pem")).remove(0),
            sender: certificates(&folder.join("sender.pem")).remove(0),
            sender_key: Zeroizing::new(read(&folder.join("sender.p8"))),
            recipients: certificates(&folder.join("recipients.pem")),
            recipient_key: Zeroizing::new(read(&folder.join("recipient.p8"))),
        }
    }

    /// A tenant that has all of their keys, loaded: it signs first and then
    /// encrypts, and takes nothing in that is not signed.
    pub fn tenant(&self, cipher: Cipher) -> Tenant {
        let mut keys = MemoryKeys::default();
        let entry =
            |certificate: &Vec<u8>| Entry { certificate: certificate.clone(), pinned: false, capabilities: None };
        keys.add_certificate(SENDER, entry(&self.sender));
        keys.add_identity(SENDER, identity(&self.sender, &self.sender_key));
        for (index, certificate) in self.recipients.iter().enumerate() {
            keys.add_certificate(&recipient(index), entry(certificate));
        }
        keys.add_identity(&recipient(0), identity(&self.recipients[0], &self.recipient_key));
        let keys = Arc::new(keys);
        let mut policies = FixedPolicies::default();
        policies.outbound.order = Order::SignThenEncrypt;
        policies.outbound.unknown_peer = match cipher {
            Cipher::Cbc => Assumption::Compatible,
            Cipher::Gcm => Assumption::Modern,
        };
        policies.inbound.verify = Demand::Required;
        Tenant {
            certificates: Arc::clone(&keys) as Arc<dyn Certificates>,
            private_keys: keys,
            trust: Arc::new(MemoryTrust { anchors: vec![self.authority.clone()], intermediates: Vec::new() }),
            policies: Arc::new(policies),
            harvest: Arc::new(NoHarvest),
            authorise: Arc::new(host::services::SameMailbox),
            clock: Arc::new(FixedClock(NOW)),
            entropy: Arc::new(SystemEntropy),
            limits: Limits::default(),
        }
    }
}

/// The envelope of a message to so many, on its way out.
pub fn outbound(recipients: usize) -> Envelope {
    Envelope {
        direction: Direction::Outbound,
        submitter: Some(SENDER.to_owned()),
        sender: Some(SENDER.to_owned()),
        recipients: (0..recipients).map(recipient).collect(),
    }
}

/// The envelope of a message that arrives for the first of them.
pub fn inbound() -> Envelope {
    Envelope { direction: Direction::Inbound, submitter: None, ..outbound(1) }
}

/// A message of about `size` octets to so many.
pub fn message(size: usize, recipients: usize) -> Vec<u8> {
    let to: Vec<String> = (0..recipients).map(recipient).collect();
    let people = format!("From: {SENDER}\r\nTo: {}\r\n", to.join(",\r\n "));
    // That of the tables of memory, to other people.
    let template = host_test::sizes::message(size);
    let rest = template.split_inclusive(|&octet| octet == b'\n').skip(2);
    rest.fold(people.into_bytes(), |mut message, line| {
        message.extend_from_slice(line);
        message
    })
}

fn identity(certificate: &[u8], pkcs8: &[u8]) -> Identity {
    let key = SoftwareKey::from_pkcs8(pkcs8).expect("the keys of the benches load");
    // Exportable to the component that imports `key-export`.
    let key = Arc::new(key.exportable());
    Identity { certificate: certificate.to_vec(), chain: Vec::new(), key, retired: false }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/people")
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The certificates of a PEM file, as DER.
fn certificates(path: &Path) -> Vec<Vec<u8>> {
    let text = String::from_utf8(read(path)).expect("PEM is ASCII");
    let end = "-----END CERTIFICATE-----";
    let blocks = text.split_inclusive(end).filter(|block| block.contains(end));
    blocks
        .map(|block| {
            der::pem::decode_vec(block.trim_start().as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", path.display())).1
        })
        .collect()
}
