//! Harvest: the keyring learns the certificates of those whose signed mail arrives.
//!
//! What the sandbox offers is judged again here — address, usage, path — and
//! compared with what is on file while the message waits: that is one look-up, and
//! the audit of the message says what comes of it. It is written by a thread of its
//! own over a connection of its own, which judges once more; no message waits for
//! that, or is lost by it.

mod judgement;
mod writer;

use std::sync::{Arc, OnceLock};

use smime::cms::{Cipher, capabilities};

use super::address::normalise;
use super::facts::{CertificateFacts, hex};
use super::judge::Authorities;
use super::record::{Kind, Record, Source};
use super::store::Keyring;
use crate::services::note;
use crate::{Clock, Harvest, Severity};
use judgement::Judgement;
use writer::Writer;

/// Most octets of a certificate with its chain.
const MAX_OCTETS: usize = 64 << 10;
/// Most certificates of a chain.
const MAX_CHAIN: usize = 8;
/// Most octets of capabilities: some twenty algorithms take a few hundred.
const MAX_CAPABILITIES: usize = 4 << 10;

/// A keyring that learns.
pub struct KeyringHarvest {
    keyring: Arc<Keyring>,
    authorities: Authorities,
    clock: Arc<dyn Clock>,
    /// Made when there is first something to write, which is seldom.
    writer: OnceLock<Writer>,
}

/// A certificate that was offered, fit to be filed.
#[derive(Clone)]
struct Offer {
    /// As it is filed when it is: learned, and not held.
    record: Record,
    chain: Vec<Vec<u8>>,
}

impl KeyringHarvest {
    /// Has `keyring` learn what the tenant's `authorities` vouch for by `clock`.
    pub fn new(keyring: Arc<Keyring>, authorities: Authorities, clock: Arc<dyn Clock>) -> Self {
        Self { keyring, authorities, clock, writer: OnceLock::new() }
    }

    fn read(
        &self,
        owner: &str,
        certificate: &[u8],
        chain: &[Vec<u8>],
        known: Option<&[u8]>,
    ) -> Result<Offer, &'static str> {
        let octets = chain.iter().map(Vec::len).fold(certificate.len(), usize::saturating_add);
        if octets > MAX_OCTETS || chain.len() > MAX_CHAIN {
            return Err("too-large");
        }
        let facts = CertificateFacts::from_der(certificate).map_err(|_| "malformed")?;
        let record = Record {
            kind: Kind::Public,
            address: normalise(owner).map_err(|_| "malformed")?,
            certificate: certificate.to_vec(),
            facts,
            source: Source::Learned,
            pinned: false,
            retired: false,
            held: false,
            altered: false,
            capabilities: known.filter(|known| are_of_use(known)).map(<[u8]>::to_vec),
            added: self.clock.now(),
        };
        // One that only signs comes with each message: there is nothing to look up.
        if record.facts.authority || !record.facts.enciphers || record.facts.algorithm.unusable().is_some() {
            return Err("not-for-encryption");
        }
        // The sandbox has found so too; but it reads hostile mail.
        self.authorities.judge(&record, chain, record.added).map_err(|_| "not-trusted")?;
        Ok(Offer { record, chain: chain.to_vec() })
    }
}

impl Harvest for KeyringHarvest {
    fn offer(&self, owner: &str, certificate: &[u8], chain: &[Vec<u8>], capabilities: Option<&[u8]>) {
        let passed_over = |cause, detail: &str| {
            let severity = if cause == "not-for-encryption" { Severity::Info } else { Severity::Warning };
            let mut fields = vec![("owner", owner), ("cause", cause)];
            fields.extend((!detail.is_empty()).then_some(("detail", detail)));
            note(severity, "certificate-not-learned", &fields);
        };
        let offer = match self.read(owner, certificate, chain, capabilities) {
            Ok(offer) => offer,
            Err(cause) => return passed_over(cause, ""),
        };
        let judgement = match self.keyring.judge(&offer) {
            Ok(judgement) => judgement,
            Err(error) => return passed_over("unavailable", &error.to_string()),
        };
        if judgement.changes_something() {
            if self.keyring.is_read_only() {
                return passed_over("read-only", "");
            }
            let writer = self.writer.get_or_init(|| Writer::start(self.keyring.path()));
            if !writer.take(offer.clone()) {
                return passed_over("busy", "");
            }
        }
        let fingerprint = hex(&offer.record.facts.fingerprint);
        let fields = [("owner", offer.record.address.as_str()), ("fingerprint", &fingerprint)];
        match judgement {
            Judgement::Known => {}
            Judgement::Capabilities => note(Severity::Info, "capabilities-learned", &fields),
            Judgement::Learn(grounds) => {
                note(Severity::Info, "certificate-learned", &[fields[0], fields[1], ("grounds", grounds)]);
            }
            Judgement::Hold { known, .. } => {
                note(Severity::Warning, "certificate-held", &[fields[0], fields[1], ("known", &hex(&known))]);
            }
            Judgement::PassOver(cause) => passed_over(cause, ""),
        }
    }

    fn settle(&self) {
        if let Some(writer) = self.writer.get() {
            writer.settle();
        }
    }
}

/// Whether some cipher is among them that this program encrypts with: what else
/// they say would only keep us from assuming better (RFC 8551, section 2.7.1).
fn are_of_use(encoded: &[u8]) -> bool {
    let known = capabilities::parse(encoded);
    encoded.len() <= MAX_CAPABILITIES
        && [
            Cipher::Aes256Gcm,
            Cipher::Aes128Gcm,
            Cipher::ChaCha20Poly1305,
            Cipher::Aes256Cbc,
            Cipher::Aes192Cbc,
            Cipher::Aes128Cbc,
        ]
        .into_iter()
        .any(|cipher| known.reads(cipher))
}
