//! What the filter asks of its host: the interfaces of `wit/`, as one trait.
//!
//! The host scopes every answer to the tenant and the message in hand.

use crate::crypto::{Bulk, Software};

/// One complete DER encoding.
pub type Der = Vec<u8>;

/// The services of a host, for one tenant and one message.
pub trait Host {
    /// A handle on a private key that stays with the host.
    type Key: PrivateKey;

    /// The certificates filed under a mailbox, best first; none is an answer.
    fn certificates(&mut self, owner: &str) -> Result<Vec<Entry>, Refusal>;
    /// The identities of a local user: the current one first, then those
    /// retired, which still decrypt but no longer sign.
    fn identities(&mut self, owner: &str) -> Result<Vec<Identity<Self::Key>>, Refusal>;

    /// The trust anchors, as certificates.
    fn anchors(&mut self) -> Result<Vec<Der>, Refusal>;
    /// Certificates of intermediate authorities that messages may leave out.
    /// They help to build a path and carry no trust.
    fn intermediates(&mut self) -> Result<Vec<Der>, Refusal>;
    /// The revocation lists of an issuer, given by the DER of its `Name`. None
    /// says that the host has none, not that nothing is revoked.
    fn revocation_lists(&mut self, issuer: &[u8]) -> Result<Vec<Der>, Refusal>;

    /// The policy for a message to `recipient` that leaves.
    fn outbound_policy(&mut self, recipient: &str) -> OutboundPolicy;
    /// The policy for a message to `recipient` that arrives.
    fn inbound_policy(&mut self, recipient: &str) -> InboundPolicy;
    /// The legacy algorithms that the policy lets `recipient` still read.
    fn legacy_algorithms(&mut self, recipient: &str) -> LegacyAlgorithms {
        let _ = recipient;
        LegacyAlgorithms::default()
    }

    /// Offers the certificate of a signer whose signature verified, whose path
    /// is trusted and whose certificate names `owner`, the author.
    fn offer(&mut self, owner: &str, certificate: &[u8], chain: &[Der], capabilities: Option<&[u8]>);

    /// When the host received the message, in seconds since
    /// 1970-01-01T00:00:00Z.
    fn now(&mut self) -> u64;
    /// Draws `len` octets from the host's cryptographic generator.
    fn draw(&mut self, len: u32) -> Vec<u8>;
    /// Reports an event; its name is one of those in `docs/audit.md`.
    fn report(&mut self, severity: Severity, event: &str, fields: &[Field]);

    /// Who computes digests and content encryption.
    fn bulk(&self) -> &dyn Bulk {
        &Software
    }
}

/// A private key that stays with the host.
pub trait PrivateKey {
    /// Signs `message`, which the key's holder hashes as `algorithm` says.
    ///
    /// `algorithm` is the DER `AlgorithmIdentifier` that will stand in
    /// `SignerInfo.signatureAlgorithm`; `digest` the DER `AlgorithmIdentifier`
    /// of the digest, where the former leaves it open; `message` the DER
    /// `SET OF` signed attributes.
    fn sign(&mut self, algorithm: &[u8], digest: &[u8], message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Recovers the content-encryption key, of `length` octets, from the DER of
    /// a `RecipientInfo` addressed to this key.
    ///
    /// Bad padding in a key-transport recipient is no error: it yields `length`
    /// octets that tell nothing (RFC 3218), and the content fails to decrypt.
    fn unwrap_key(&mut self, recipient_info: &[u8], length: u32) -> Result<Vec<u8>, KeyError>;
}

/// A certificate filed under a mail address, and what is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The X.509 certificate.
    pub certificate: Der,
    /// The operator vouches that it belongs to the address: validity and usage
    /// are checked, but no path to a trust anchor is asked for.
    pub pinned: bool,
    /// The `SMIMECapabilities` last seen in a verified signature of the owner.
    pub capabilities: Option<Der>,
}

/// A certificate together with its private key.
#[derive(Clone, Debug)]
pub struct Identity<K> {
    /// The certificate of the key.
    pub certificate: Der,
    /// Those of its issuers, for the signatures made with it.
    pub chain: Vec<Der>,
    /// The key.
    pub key: K,
}

/// Why a private key was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The key is not for this algorithm, or not for this operation.
    Unsupported,
    /// The input does not parse.
    Malformed,
    /// The host did not do it.
    Refused(Refusal),
}

/// Why the host did not answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What would answer it is out of reach for now. The text is for the audit
    /// log.
    Unavailable(String),
    /// The host does not answer it for this message.
    Denied,
}

/// How much a protection is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Not at all.
    Never,
    /// Where the keys for it are at hand.
    Opportunistic,
    /// Or else the message is rejected.
    Required,
}

/// In which order the layers are put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Encrypt, then sign the encrypted entity: the seed's order. Where the
    /// cipher does not authenticate, the clear entity is signed first as well.
    EncryptThenSign,
    /// Sign, then encrypt: what mail clients do.
    SignThenEncrypt,
    /// Sign, encrypt, sign (RFC 2634).
    TripleWrap,
}

/// What to assume of a recipient whose capabilities are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// AES-256-CBC, RSAES-PKCS1-v1_5: what every client in use reads.
    Compatible,
    /// AES-256-GCM, RSAES-OAEP: what RFC 8551 recommends.
    Modern,
}

/// What becomes of the header fields of the original message (RFC 9788).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeaderProtection {
    /// They stay outside only.
    None,
    /// They are also carried inside.
    Shown,
    /// They are also carried inside, and the outer Subject is obscured.
    Hidden,
}

/// The form of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureForm {
    /// `multipart/signed`: any client can read the content.
    Detached,
    /// `application/pkcs7-mime; smime-type=signed-data`.
    Opaque,
}

/// The policy for one recipient of an outbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboundPolicy {
    /// Sign with the key of the sender.
    pub sign: Demand,
    /// Encrypt to a certificate of the recipient.
    pub encrypt: Demand,
    /// The order of the two.
    pub order: Order,
    /// What to assume of an unknown recipient.
    pub unknown_peer: Assumption,
    /// Header protection.
    pub header: HeaderProtection,
    /// The form of the signature where nothing hides it.
    pub form: SignatureForm,
}

/// The policy for one recipient of an inbound message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundPolicy {
    /// Decrypt with a key of the recipient.
    pub decrypt: Demand,
    /// Verify signatures. With [`Demand::Required`] a message without a trusted
    /// signature is rejected. One that was altered is rejected either way.
    pub verify: Demand,
    /// Deliver what was decrypted though nothing authenticates it.
    pub accept_unauthenticated: bool,
    /// Leave a detached signature on a message that was not encrypted.
    pub keep_signature: bool,
    /// The name under which results are reported (`authserv-id`, RFC 8601).
    pub authserv_id: String,
}

/// Algorithms that are read only where a policy names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegacyAlgorithms {
    /// SHA-1 in signatures of messages.
    pub sha1: bool,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// All went as it should.
    Info,
    /// It did not, and the filter coped.
    Warning,
    /// It did not, and the verdict shows it.
    Error,
}

/// A fact about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// Its value.
    pub value: FieldValue,
}

impl Field {
    /// A field with a word or a mailbox.
    pub fn text(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: FieldValue::Text(value.into()) }
    }

    /// A field with a count or a size.
    pub fn number(name: &'static str, value: usize) -> Self {
        Self { name, value: FieldValue::Number(value as u64) }
    }

    /// A field with a fingerprint or a serial number.
    pub fn octets(name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        Self { name, value: FieldValue::Octets(value.into()) }
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A word or a mailbox.
    Text(String),
    /// A count or a size.
    Number(u64),
    /// A fingerprint or a serial number.
    Octets(Vec<u8>),
}
