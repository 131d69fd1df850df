//! To whom a message can be encrypted, and with what: a usable certificate for
//! each recipient, and the strongest cipher that all of a group read (RFC 8551,
//! section 2.7.1).

use super::revocation;
use super::trust::parse_all;
use crate::budget::Budget;
use crate::cms::recipient::{self, KeyAgreement, KeyEncapsulation, KeyTransport};
use crate::cms::{Capabilities, Cipher, capabilities};
use crate::crypto::key_derivation::KeyDerivation;
use crate::crypto::key_wrap::KeyWrap;
use crate::crypto::public_key::PublicKey;
use crate::crypto::random::Draw;
use crate::domain::Authority;
use crate::error::{CertificateError, CmsError, Error};
use crate::host::{Assumption, Entry, Field, Host, Refusal, Severity};
use crate::x509::{Certificate, address, path, usage, validity};

/// A recipient with a certificate that can be encrypted to.
pub(super) struct Peer {
    pub(super) certificate: Certificate,
    /// What it is known to read, from a signature of its own that verified.
    capabilities: Option<Capabilities>,
}

/// Finds certificates for recipients.
pub(super) struct Directory {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    now: u64,
}

impl Directory {
    /// Loads what is needed to judge certificates.
    pub(super) fn load<H: Host>(host: &mut H) -> Result<Self, Error> {
        let anchors = parse_all(host.anchors()?)?;
        let intermediates = parse_all(host.intermediates()?)?;
        Ok(Self { anchors, intermediates, now: host.now() })
    }

    /// The best usable certificate of `mailbox`; none if there is none. A
    /// directory out of reach is an error: it must not become clear text.
    pub(super) fn find<H: Host>(
        &self,
        host: &mut H,
        mailbox: &str,
        budget: &mut Budget,
    ) -> Result<Option<Peer>, Error> {
        if let Some(peer) = self.find_as(host, mailbox, mailbox, budget)? {
            return Ok(Some(peer));
        }
        // Its domain may decrypt for it (RFC 3183, section 4).
        let Some(authority) = Authority::Confidentiality.mailbox(mailbox) else { return Ok(None) };
        let peer = self.find_as(host, &authority, mailbox, budget)?;
        if peer.is_some() {
            host.report(Severity::Info, "domain-key-used", &[Field::text("recipient", mailbox)]);
        }
        Ok(peer)
    }

    /// The best usable certificate of `owner`, who is `mailbox` or the authority of
    /// its domain.
    fn find_as<H: Host>(
        &self,
        host: &mut H,
        owner: &str,
        mailbox: &str,
        budget: &mut Budget,
    ) -> Result<Option<Peer>, Error> {
        let entries = match host.certificates(owner) {
            Ok(entries) => entries,
            Err(Refusal::Denied) => Vec::new(),
            Err(unavailable) => return Err(unavailable.into()),
        };
        for entry in entries {
            let speaks = |certificate: &Certificate| {
                if owner == mailbox {
                    address::names(certificate, mailbox)
                } else {
                    Authority::Confidentiality.speaks_for(certificate, mailbox)
                }
            };
            match self.usable(host, &entry, speaks, budget) {
                Ok(certificate) => {
                    let capabilities = entry.capabilities.as_deref().map(capabilities::parse);
                    return Ok(Some(Peer { certificate, capabilities }));
                }
                Err(CertificateError::Limit(limit)) => return Err(limit.into()),
                // That may be known for a later attempt: no reason to bounce.
                Err(e @ CertificateError::RevocationUnknown) => return Err(e.into()),
                Err(e) => host.report(
                    Severity::Warning,
                    "certificate-unusable",
                    &[Field::text("owner", owner), Field::text("cause", e.cause())],
                ),
            }
        }
        Ok(None)
    }

    fn usable<H: Host>(
        &self,
        host: &mut H,
        entry: &Entry,
        speaks: impl Fn(&Certificate) -> bool,
        budget: &mut Budget,
    ) -> Result<Certificate, CertificateError> {
        let certificate = Certificate::from_der(&entry.certificate)?;
        validity::check(&certificate, self.now)?;
        usage::may_encipher(&certificate)?;
        if !entry.pinned {
            let path = path::validate(&certificate, &self.intermediates, &self.anchors, self.now, budget)?;
            revocation::check(host, &certificate, &path, self.now, budget)?;
            if !speaks(&certificate) {
                return Err(CertificateError::Address);
            }
        }
        Ok(certificate)
    }
}

impl Peer {
    /// The ciphers this peer reads, strongest first. What is known of it counts;
    /// else, or where nothing it announced is good enough to use, what the
    /// policy assumes.
    pub(super) fn ciphers(&self, assumption: Assumption) -> Vec<Cipher> {
        let known: Vec<Cipher> = self.known_ciphers().collect();
        match (known.is_empty(), assumption) {
            (false, _) => known,
            (true, Assumption::Compatible) => vec![Cipher::Aes256Cbc],
            (true, Assumption::Modern) => vec![Cipher::Aes256Gcm, Cipher::Aes256Cbc],
        }
    }

    /// The ciphers that it has announced and that are good enough to use, strongest
    /// first.
    fn known_ciphers(&self) -> impl Iterator<Item = Cipher> {
        self.capabilities.iter().flat_map(|known| STRONGEST_FIRST.into_iter().filter(|cipher| known.reads(*cipher)))
    }

    /// The DER of the `RecipientInfo` that gets `content_key` to this peer. Its
    /// certificate says in which way, and what is known of it or assumed with
    /// which algorithms.
    pub(super) fn recipient_info(
        &self,
        assumption: Assumption,
        content_key: &[u8],
        draw: Draw<'_>,
    ) -> Result<Vec<u8>, CmsError> {
        let certificate = &self.certificate;
        let key = PublicKey::read(certificate.public_key()).map_err(|_| CmsError::Algorithm)?;
        if let PublicKey::MlKem(kem, _) = key {
            return recipient::key_encapsulation(certificate, &KeyEncapsulation::new(kem), content_key, draw);
        }
        match self.key_derivation(&key, assumption) {
            Some(derivation) => {
                let scheme = KeyAgreement::new(derivation, KeyWrap::for_key_len(content_key.len()));
                recipient::key_agreement(certificate, &scheme, content_key, draw)
            }
            None => recipient::key_transport(certificate, self.key_transport(assumption), content_key, draw),
        }
    }

    fn key_transport(&self, assumption: Assumption) -> KeyTransport {
        let oaep = match &self.capabilities {
            Some(known) => known.oaep,
            None => assumption == Assumption::Modern,
        };
        if oaep { KeyTransport::OaepSha256 } else { KeyTransport::Pkcs1v15 }
    }

    /// How a key is derived from an agreement; none for keys that do not agree.
    /// X25519 came with HKDF (RFC 8418); on the older curves all read X9.63, and
    /// fewer the HKDF that RFC 8551, section 2.3 wants.
    fn key_derivation(&self, key: &PublicKey, assumption: Assumption) -> Option<KeyDerivation> {
        let hkdf = match &self.capabilities {
            Some(known) => known.hkdf,
            None => assumption == Assumption::Modern,
        };
        match key {
            PublicKey::X25519(_) => Some(KeyDerivation::HkdfSha256),
            PublicKey::Ec(point) if hkdf => Some(KeyDerivation::hkdf(point.curve().digest())),
            PublicKey::Ec(point) => Some(KeyDerivation::x963(point.curve().digest())),
            _ => None,
        }
    }

    /// Why a cipher was chosen, for the audit log.
    pub(super) fn grounds(&self) -> &'static str {
        if self.known_ciphers().next().is_some() { "capabilities" } else { "unknown-peer" }
    }
}

/// The strongest cipher that all peers read, if there is one.
pub(super) fn common_cipher<'p>(peers: impl IntoIterator<Item = &'p Peer>, assumption: Assumption) -> Option<Cipher> {
    let lists: Vec<Vec<Cipher>> = peers.into_iter().map(|peer| peer.ciphers(assumption)).collect();
    STRONGEST_FIRST.into_iter().find(|cipher| !lists.is_empty() && lists.iter().all(|list| list.contains(cipher)))
}

/// Every cipher that is made here, strongest first: authenticating ones before
/// those that do not.
const STRONGEST_FIRST: [Cipher; 6] = [
    Cipher::Aes256Gcm,
    Cipher::ChaCha20Poly1305,
    Cipher::Aes128Gcm,
    Cipher::Aes256Cbc,
    Cipher::Aes192Cbc,
    Cipher::Aes128Cbc,
];
