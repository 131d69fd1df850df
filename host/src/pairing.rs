//! Private keys that lie in a key management server or a token, and the
//! certificates that make identities of them.
//!
//! A private key says nothing of whose it is or how long: its certificates do.
//! One counts if its public key is that of the private key, if it names the
//! mailbox, and if the key is of a kind that is used. It is looked for beside the
//! private key first, then among the tenant's certificates.

use std::cmp::Reverse;
use std::sync::Arc;

use smime::x509::{Certificate, address};

use crate::keyring::{CertificateFacts, hex};
use crate::services::{Certificates, Clock, Identity, PrivateKey, note};
use crate::{Refusal, Severity};

/// Most issuers between a certificate and its anchor.
const LONGEST_CHAIN: usize = 8;

/// Where certificates are, other than beside their private keys.
#[derive(Clone)]
pub struct Companions {
    /// The certificates of the tenant's own users.
    pub certificates: Arc<dyn Certificates>,
    /// The DER of intermediate authorities, for the chains of signatures.
    pub intermediates: Vec<Vec<u8>>,
    /// Decides which certificates are out of date.
    pub clock: Arc<dyn Clock>,
}

/// A private key that was found for a mailbox.
#[derive(Clone)]
pub(crate) struct Found {
    /// SHA-256 of the bits of its public key, as they stand in a certificate.
    pub key_id: [u8; 32],
    /// The key.
    pub key: Arc<dyn PrivateKey>,
    /// It decrypts what is old and no longer signs.
    pub retired: bool,
}

/// A certificate that may belong to a private key of a mailbox.
pub(crate) struct Candidate {
    pub certificate: Certificate,
    facts: CertificateFacts,
}

impl Companions {
    /// The identities that `keys` of `owner` make with `beside`, the DER of the
    /// certificates found with them: the newest first, those retired last.
    pub(crate) fn identities(&self, owner: &str, keys: &[Found], beside: &[Vec<u8>]) -> Result<Vec<Identity>, Refusal> {
        let fits = |found: &Found, candidate: &Candidate| found.key_id == candidate.facts.key_id;
        let all_fit = |found: &[Candidate]| keys.iter().all(|key| found.iter().any(|candidate| fits(key, candidate)));
        let candidates = self.candidates(owner, beside, all_fit)?;
        let mut identities = Vec::new();
        for key in keys {
            if !candidates.iter().any(|candidate| fits(key, candidate)) {
                private_key_unused(owner, &hex(&key.key_id), "no certificate for it names the address");
            }
        }
        for candidate in &candidates {
            if let Some(found) = keys.iter().find(|key| fits(key, candidate)) {
                identities.push(self.identity(candidate, Arc::clone(&found.key), found.retired));
            }
        }
        // Stable: the newest stay first.
        identities.sort_by_key(|identity| identity.retired);
        Ok(identities)
    }

    /// The identity of a certificate and its key.
    pub(crate) fn identity(&self, candidate: &Candidate, key: Arc<dyn PrivateKey>, retired: bool) -> Identity {
        let certificate = candidate.certificate.encoded().to_vec();
        Identity { chain: self.chain(&candidate.certificate), certificate, key, retired }
    }

    /// The certificates that count for `owner`, the newest valid one first: of
    /// those `beside` the private keys, and where they are not `enough` of the
    /// tenant's.
    pub(crate) fn candidates(
        &self,
        owner: &str,
        beside: &[Vec<u8>],
        enough: impl FnOnce(&[Candidate]) -> bool,
    ) -> Result<Vec<Candidate>, Refusal> {
        let mut candidates: Vec<Candidate> = beside.iter().filter_map(|encoded| candidate(owner, encoded)).collect();
        if !enough(&candidates) {
            let filed = self.certificates.certificates(owner)?;
            candidates.extend(filed.iter().filter_map(|entry| candidate(owner, &entry.certificate)));
        }
        let now = self.clock.now();
        let rank = |facts: &CertificateFacts| (!facts.is_valid_at(now), Reverse(facts.not_before), facts.fingerprint);
        candidates.sort_by_key(|candidate| rank(&candidate.facts));
        candidates.dedup_by_key(|candidate| candidate.facts.fingerprint);
        Ok(candidates)
    }

    /// The issuers of a certificate, its own first, as far as they are known.
    fn chain(&self, certificate: &Certificate) -> Vec<Vec<u8>> {
        let pool: Vec<Certificate> =
            self.intermediates.iter().filter_map(|encoded| Certificate::from_der(encoded).ok()).collect();
        let mut chain: Vec<Vec<u8>> = Vec::new();
        let mut last = certificate;
        while chain.len() < LONGEST_CHAIN {
            let issuer = pool.iter().find(|issuer| {
                issuer.subject_der() == last.issuer_der() && !chain.iter().any(|known| known == issuer.encoded())
            });
            let Some(issuer) = issuer else { break };
            chain.push(issuer.encoded().to_vec());
            last = issuer;
        }
        chain
    }
}

/// A certificate, if it counts for `owner`.
fn candidate(owner: &str, encoded: &[u8]) -> Option<Candidate> {
    let unusable = |cause: &str| {
        note(Severity::Warning, "certificate-unusable", &[("owner", owner), ("cause", cause)]);
        None
    };
    let Ok(certificate) = Certificate::from_der(encoded) else { return unusable("it does not parse") };
    let facts = CertificateFacts::of(&certificate);
    if !address::names(&certificate, owner) {
        return unusable("it is of another address");
    }
    if let Some(reason) = facts.algorithm.unusable() {
        return unusable(&format!("its key {reason}"));
    }
    Some(Candidate { certificate, facts })
}

/// Tells the operator of a private key that is there and does nothing.
pub(crate) fn private_key_unused(owner: &str, key: &str, cause: &str) {
    note(Severity::Warning, "private-key-unused", &[("owner", owner), ("key", key), ("cause", cause)]);
}
