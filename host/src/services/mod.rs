//! What a tenant brings: one trait for each interface of the contract, in the
//! words of `wit/`.
//!
//! A service answers for one tenant, and knows nothing of messages: who may ask
//! for what in which message is judged before it is called. Calls may
//! block; one that takes longer than [`crate::Limits`] allows, or panics, costs
//! its own message and no other.
//!
//! A service whose answers are in memory, and that waits for nothing and nobody,
//! says so by `waits`: it is spared the thread on which others can be given up.

mod chain;
pub(crate) mod notes;
mod system;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::limits::Limits;
use crate::{Entry, InboundPolicy, KeyError, OutboundPolicy, Refusal};
pub use chain::Chain;
pub use notes::note;
pub use system::{NoHarvest, SameMailbox, SystemClock, SystemEntropy};

/// One organisation: its services and its limits. Cheap to clone.
#[derive(Clone)]
pub struct Tenant {
    /// The public key store (422 of the seed).
    pub certificates: Arc<dyn Certificates>,
    /// The private key store (421 of the seed).
    pub private_keys: Arc<dyn PrivateKeys>,
    /// The authorities the tenant accepts.
    pub trust: Arc<dyn Trust>,
    /// What the tenant wants done.
    pub policies: Arc<dyn Policies>,
    /// What becomes of certificates that messages bring.
    pub harvest: Arc<dyn Harvest>,
    /// Which authors a submitter may act for.
    pub authorise: Arc<dyn Authorise>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What one message may cost.
    pub limits: Limits,
}

/// Certificates by mail address.
pub trait Certificates: Send + Sync {
    /// Those filed under the mailbox `owner`, best first; none is an answer.
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal>;

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }
}

/// Private keys by mail address.
pub trait PrivateKeys: Send + Sync {
    /// Those of the mailbox `owner`: the current one first, then those retired,
    /// which still decrypt but no longer sign. None is an answer.
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal>;

    /// The same of a mailbox that sends mail: a service that makes identities on
    /// demand may make one for it. Others do not tell the two apart.
    fn identities_of_sender(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        self.identities(owner)
    }

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }
}

/// A certificate together with its private key.
#[derive(Clone)]
pub struct Identity {
    /// The DER of the certificate of the key.
    pub certificate: Vec<u8>,
    /// The DER of those of its issuers, for the signatures made with it.
    pub chain: Vec<Vec<u8>>,
    /// The key.
    pub key: Arc<dyn PrivateKey>,
    /// It decrypts what is old and no longer signs: on the way out the guest does
    /// not see it.
    pub retired: bool,
}

/// A private key, be it in memory, in another process or in hardware.
pub trait PrivateKey: Send + Sync {
    /// Signs `message`, the DER `SET OF` signed attributes.
    ///
    /// `algorithm` is the DER `AlgorithmIdentifier` that will stand in
    /// `SignerInfo.signatureAlgorithm`, `digest` that of the digest, where the
    /// former leaves it open (RFC 5652, section 5.3).
    fn sign(&self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Recovers the content-encryption key, of `length` octets, from the DER of
    /// a `RecipientInfo` (RFC 5652, section 6.2). It has been checked that this
    /// is addressed to the certificate of the key's [`Identity`].
    ///
    /// Bad padding is no error: it yields `length` octets that tell nothing
    /// (RFC 3218), at the same cost.
    fn unwrap_key(&self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError>;

    /// The key as DER of a PKCS #8 `PrivateKeyInfo`, for components that import
    /// `key-export`; none if it stays here, which is the default.
    fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }
}

/// The authorities whose certificates the tenant accepts.
pub trait Trust: Send + Sync {
    /// The DER of the trust anchors' certificates.
    fn anchors(&self) -> Result<Vec<Vec<u8>>, Refusal>;
    /// The DER of intermediate authorities' certificates, which carry no trust.
    fn intermediates(&self) -> Result<Vec<Vec<u8>>, Refusal>;
    /// The DER of the revocation lists of an issuer, given by the DER of its
    /// `Name`. None says that there are none here, not that nothing is revoked.
    fn revocation_lists(&self, issuer: &[u8]) -> Result<Vec<Vec<u8>>, Refusal>;

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }
}

/// What the tenant wants done.
pub trait Policies: Send + Sync {
    /// The policy for a message to the mailbox `recipient` that leaves.
    fn outbound(&self, recipient: &str) -> OutboundPolicy;
    /// The policy for a message to the mailbox `recipient` that arrives.
    fn inbound(&self, recipient: &str) -> InboundPolicy;

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }
}

/// What messages teach about their senders.
pub trait Harvest: Send + Sync {
    /// Takes note that `owner` signed with `certificate` (DER), whose path was
    /// trusted; `chain` are the certificates (DER) between it and the anchor,
    /// `capabilities` the DER of the signed `SMIMECapabilities`.
    fn offer(&self, owner: &str, certificate: &[u8], chain: &[Vec<u8>], capabilities: Option<&[u8]>);

    /// Whether an answer may have to be waited for: [as of all services](self).
    fn waits(&self) -> bool {
        true
    }

    /// Waits until what was taken note of is kept, for a process that is about to
    /// end. A message does not wait for that.
    fn settle(&self) {}
}

/// Which authors a submitter may act for.
pub trait Authorise: Send + Sync {
    /// Whether the client that authenticated as `submitter` may have messages
    /// signed with the keys of the mailbox `owner`.
    fn may_act_for(&self, submitter: &str, owner: &str) -> bool;
}

/// The time. Asked once a message; must not block.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;
}

/// Randomness. Must not block.
pub trait Entropy: Send + Sync {
    /// Draws `len` octets from a cryptographic generator.
    fn draw(&self, len: u32) -> Result<Vec<u8>, Refusal>;
}
