//! Filing: which certificate goes under which address, with which private key.

use std::collections::HashMap;

use rusqlite::{Transaction, params};
use smime::x509::Certificate;

use super::address::normalise;
use super::error::{ImportError, KeyringError};
use super::import::{Bundle, BundledCertificate};
use super::record::{Kind, Record, Source};
use super::store::{Keyring, system_time};

/// The longest chain of issuers that is kept with a certificate.
const MAX_CHAIN: usize = 8;

/// How a bundle is filed.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The address to file under, whatever the certificates name.
    pub address: Option<String>,
    /// Pin the public keys.
    pub pin: bool,
}

/// A row that was filed, and what the operator should know of it.
#[derive(Clone, Debug)]
pub struct Filed {
    /// The row.
    pub record: Record,
    /// Remarks: whole sentences, but for the full stop.
    pub remarks: Vec<String>,
}

impl Keyring {
    /// Files all that is in a bundle, or nothing: each certificate in the store
    /// of public keys, and in that of private keys where its private key is in
    /// the bundle or filed already. Certificates of authorities are kept as the
    /// chain of those they issued.
    pub fn import(&self, bundle: Bundle, options: &ImportOptions) -> Result<Vec<Filed>, KeyringError> {
        self.file(bundle, options, Source::Imported)
    }

    pub(super) fn file(
        &self,
        bundle: Bundle,
        options: &ImportOptions,
        source: Source,
    ) -> Result<Vec<Filed>, KeyringError> {
        if bundle.is_empty() {
            return Err(ImportError::Nothing.into());
        }
        let address = options.address.as_deref().map(normalise).transpose()?;
        let keys: HashMap<[u8; 32], Vec<u8>> = bundle
            .private_keys
            .iter()
            .map(|bundled| Ok((bundled.key.key_id, self.seal.seal(&bundled.key.key_id, &bundled.key.pkcs8)?)))
            .collect::<Result<_, KeyringError>>()?;
        let filed_before = self.certificates_of_keys(keys.keys())?;
        let mut certificates: Vec<&BundledCertificate> = bundle.certificates.iter().collect();
        certificates.extend(filed_before.iter());
        if let Some(lonely) = bundle
            .private_keys
            .iter()
            .find(|bundled| certificates.iter().all(|certificate| certificate.facts.key_id != bundled.key.key_id))
        {
            return Err(ImportError::NoCertificate(lonely.file.clone()).into());
        }
        let ends: Vec<&BundledCertificate> = certificates
            .iter()
            .copied()
            .filter(|certificate| !certificate.facts.authority || keys.contains_key(&certificate.facts.key_id))
            .collect();
        let ends = match (ends.as_slice(), certificates.as_slice()) {
            // Self-signed with a tool that makes authorities of everyone.
            ([], [only]) if address.is_some() || !only.facts.mailboxes.is_empty() => vec![*only],
            ([], _) => return Err(ImportError::OnlyAuthorities.into()),
            _ => ends,
        };
        let now = system_time();
        let mut filed = Vec::new();
        for certificate in ends {
            let addresses = addresses(certificate, address.as_deref())?;
            let private_key = keys.get(&certificate.facts.key_id);
            for address in addresses {
                filed.extend(rows(certificate, &address, private_key.is_some(), options.pin, source, now));
            }
        }
        self.change(|transaction| {
            for row in &filed {
                let chain = chain(&row.record, &certificates);
                insert(transaction, row, keys.get(&row.record.facts.key_id), &chain)?;
            }
            Ok(())
        })?;
        Ok(filed)
    }

    /// Certificates that are filed without their private key, which now comes.
    fn certificates_of_keys<'a>(
        &self,
        keys: impl Iterator<Item = &'a [u8; 32]>,
    ) -> Result<Vec<BundledCertificate>, KeyringError> {
        let mut found = Vec::new();
        for key_id in keys {
            let connection = self.connection();
            let encoded = || {
                connection
                    .prepare("SELECT encoded FROM certificate WHERE key_id = ?")?
                    .query_map(params![key_id], |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<Vec<u8>>>>()
            };
            for encoded in encoded().map_err(|error| super::store::failure(self.path(), error))? {
                let certificate =
                    Certificate::from_der(&encoded).map_err(|_| self.damaged("a certificate is unsound"))?;
                found.push(BundledCertificate::of(&certificate));
            }
        }
        Ok(found)
    }
}

fn addresses(certificate: &BundledCertificate, address: Option<&str>) -> Result<Vec<String>, KeyringError> {
    if let Some(address) = address {
        return Ok(vec![address.to_owned()]);
    }
    // Names that are no mailboxes, as some authorities write, are not addresses.
    let mut named: Vec<String> =
        certificate.facts.mailboxes.iter().filter_map(|mailbox| normalise(mailbox).ok()).collect();
    named.sort();
    named.dedup();
    if named.is_empty() {
        return Err(ImportError::NoAddress(certificate.facts.title()).into());
    }
    Ok(named)
}

/// The rows of one certificate under one address.
fn rows(
    certificate: &BundledCertificate,
    address: &str,
    has_private_key: bool,
    pin: bool,
    source: Source,
    now: u64,
) -> Vec<Filed> {
    let record = |kind| Record {
        kind,
        address: address.to_owned(),
        certificate: certificate.encoded.clone(),
        facts: certificate.facts.clone(),
        source,
        pinned: pin && kind == Kind::Public,
        retired: false,
        capabilities: None,
        added: now,
    };
    let kinds = if has_private_key { &[Kind::Private, Kind::Public][..] } else { &[Kind::Public] };
    kinds
        .iter()
        .map(|&kind| {
            let record = record(kind);
            Filed { remarks: remarks(&record, now), record }
        })
        .collect()
}

/// What is odd about a row.
fn remarks(record: &Record, now: u64) -> Vec<String> {
    let facts = &record.facts;
    let mut remarks = Vec::new();
    if let Some(reason) = facts.algorithm.unusable() {
        remarks.push(format!("the key {reason}: it is filed, and not used"));
    }
    if facts.not_after < now {
        remarks.push("the certificate has expired: it serves for old mail only".to_owned());
    } else if now < facts.not_before {
        remarks.push("the certificate is not valid yet".to_owned());
    }
    if facts.algorithm.unusable().is_none() {
        match (facts.signs, facts.enciphers) {
            (true, true) => {}
            (true, false) => remarks.push("the certificate is for signatures only".to_owned()),
            (false, true) => remarks.push("the certificate is for encryption only".to_owned()),
            (false, false) => remarks.push("the certificate is neither for signing nor for encrypting mail".to_owned()),
        }
    }
    let is_named = || {
        Certificate::from_der(&record.certificate)
            .is_ok_and(|certificate| smime::x509::address::names(&certificate, &record.address))
    };
    if record.kind == Kind::Public && !record.pinned && !is_named() {
        remarks.push(format!("the certificate does not name {}: it counts only if it is pinned", record.address));
    }
    remarks
}

/// The issuers of a certificate among those at hand, its own issuer first, the
/// root left out: who checks the chain has that, or does not trust it.
fn chain<'a>(record: &Record, at_hand: &[&'a BundledCertificate]) -> Vec<&'a [u8]> {
    let Ok(leaf) = Certificate::from_der(&record.certificate) else { return Vec::new() };
    let mut chain: Vec<&[u8]> = Vec::new();
    let mut wanted = leaf.issuer_der().to_vec();
    while chain.len() < MAX_CHAIN {
        let next = at_hand.iter().find(|candidate| {
            candidate.facts.authority
                && candidate.subject == wanted
                && candidate.subject != candidate.issuer
                && !chain.contains(&candidate.encoded.as_slice())
        });
        let Some(next) = next else { break };
        chain.push(&next.encoded);
        wanted.clone_from(&next.issuer);
    }
    chain
}

/// Files a row. What was known of it before stays: a pin, capabilities, the date.
fn insert(
    transaction: &Transaction<'_>,
    filed: &Filed,
    sealed: Option<&Vec<u8>>,
    chain: &[&[u8]],
) -> rusqlite::Result<()> {
    let Record { kind, address, certificate, facts, source, pinned, added, .. } = &filed.record;
    transaction.execute(
        "INSERT INTO certificate (fingerprint, key_id, encoded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        params![facts.fingerprint, facts.key_id, certificate],
    )?;
    for (position, encoded) in chain.iter().enumerate() {
        transaction.execute(
            "INSERT OR REPLACE INTO chain (fingerprint, position, encoded) VALUES (?, ?, ?)",
            params![facts.fingerprint, position as i64, encoded],
        )?;
    }
    match kind {
        Kind::Private => {
            transaction.execute(
                "INSERT INTO private_key (key_id, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING",
                params![facts.key_id, sealed],
            )?;
            transaction.execute(
                "INSERT INTO private_key_store (address, fingerprint, key_id, source, added) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET retired = 0",
                params![address, facts.fingerprint, facts.key_id, source.name(), *added as i64],
            )?;
        }
        Kind::Public => {
            transaction.execute(
                "INSERT INTO public_key_store (address, fingerprint, source, pinned, added) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET retired = 0, pinned = max(pinned, excluded.pinned)",
                params![address, facts.fingerprint, source.name(), pinned, *added as i64],
            )?;
        }
    }
    Ok(())
}
