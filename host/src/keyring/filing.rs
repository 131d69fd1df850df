//! Filing: which certificate goes under which address, with which private key.

use rusqlite::{Transaction, params};
use smime::x509::Certificate;

use super::address::normalise;
use super::binding;
use super::editing::remove_unreferenced;
use super::error::{ImportError, KeyringError};
use super::facts::CertificateFacts;
use super::import::{Bundle, BundledCertificate, BundledKey};
use super::private_key::PrivateKeyMaterial;
use super::record::{Kind, Record, Source};
use super::seal::{BoundRow, Seal};
use super::store::{Failure, Keyring, system_time};

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
    /// the bundle, or filed for the same address already. Certificates of authorities are kept as the
    /// chain of those they issued.
    ///
    /// A certificate for a key of which there was none but what the key had signed
    /// itself, or that was requested, takes the place of that: the answer of an
    /// authority to `wasmime keys request`.
    pub fn import(&self, bundle: Bundle, options: &ImportOptions) -> Result<Vec<Filed>, KeyringError> {
        self.file(bundle, options, Source::Imported)
    }

    pub(crate) fn file(
        &self,
        bundle: Bundle,
        options: &ImportOptions,
        source: Source,
    ) -> Result<Vec<Filed>, KeyringError> {
        self.change(|transaction, seal| Self::file_within(transaction, seal, bundle, options, source))
    }

    /// The same within a transaction, with the seal that is in force.
    pub(crate) fn file_within(
        transaction: &Transaction<'_>,
        seal: &Seal,
        bundle: Bundle,
        options: &ImportOptions,
        source: Source,
    ) -> Result<Vec<Filed>, Failure> {
        if bundle.is_empty() {
            return Err(KeyringError::from(ImportError::Nothing).into());
        }
        let address = options.address.as_deref().map(normalise).transpose().map_err(KeyringError::from)?;
        let keys = Keys { transaction, seal, bundled: &bundle.private_keys };
        let filed_before = keys.certificates_of_bundled()?;
        let certificates: Vec<&BundledCertificate> = bundle.certificates.iter().chain(&filed_before).collect();
        let authorities: Vec<&BundledCertificate> =
            certificates.iter().copied().filter(|certificate| certificate.facts.authority).collect();
        let mut filed = Vec::new();
        for certificate in ends(&certificates, &keys, address.as_deref())? {
            for address in addresses(certificate, address.as_deref())? {
                let has_private_key = keys.has_of(&address, &certificate.facts.key_id)?;
                filed.extend(rows(certificate, &address, has_private_key, options.pin, source));
            }
        }
        for filed in &mut filed {
            let chain = chain(&filed.record, &authorities);
            let sealed = keys.bundled(&filed.record.facts.key_id);
            let sealed = sealed.map(|key| seal.seal(&key.key_id, &key.pkcs8)).transpose()?;
            insert(transaction, seal, &filed.record, sealed.as_deref(), &chain)?;
            let Record { kind, source, .. } = filed.record;
            if (kind, source) == (Kind::Private, Source::Imported) && supersede(transaction, &filed.record)? {
                filed.remarks.push("it takes the place of what the key had signed itself".to_owned());
            }
        }
        Ok(filed)
    }
}

/// The private keys at hand: those of the bundle, and those on file.
struct Keys<'a> {
    transaction: &'a Transaction<'a>,
    seal: &'a Seal,
    bundled: &'a [BundledKey],
}

impl<'a> Keys<'a> {
    fn bundled(&self, key_id: &[u8; 32]) -> Option<&'a PrivateKeyMaterial> {
        self.bundled.iter().map(|bundled| &bundled.key).find(|key| key.key_id == *key_id)
    }

    fn has(&self, key_id: &[u8; 32]) -> rusqlite::Result<bool> {
        if self.bundled(key_id).is_some() {
            return Ok(true);
        }
        let mut filed = self.transaction.prepare_cached("SELECT 1 FROM private_key_store WHERE key_id = ? LIMIT 1")?;
        filed.exists(params![key_id])
    }

    /// Whether the private key is that of `address`: it comes with the certificate, or
    /// was filed for this address by somebody who may. A certificate that gives
    /// taro's public key to mallory is no reason to let mallory use the private one.
    fn has_of(&self, address: &str, key_id: &[u8; 32]) -> rusqlite::Result<bool> {
        if self.bundled(key_id).is_some() {
            return Ok(true);
        }
        let mut filed = self
            .transaction
            .prepare_cached("SELECT fingerprint, bound FROM private_key_store WHERE address = ? AND key_id = ?")?;
        let rows = filed.query_map(params![address, key_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<([u8; 32], Option<Vec<u8>>)> = rows.collect::<rusqlite::Result<_>>()?;
        Ok(rows.iter().any(|(fingerprint, proof)| {
            let row = BoundRow { kind: Kind::Private, address, fingerprint, key_id };
            proof.as_ref().is_some_and(|proof| self.seal.is_bound(&row, proof))
        }))
    }

    /// Certificates that are filed without their private key, which now comes.
    fn certificates_of_bundled(&self) -> Result<Vec<BundledCertificate>, Failure> {
        let mut found = Vec::new();
        for bundled in self.bundled {
            let encoded: Vec<Vec<u8>> = self
                .transaction
                .prepare_cached("SELECT encoded FROM certificate WHERE key_id = ?")?
                .query_map(params![bundled.key.key_id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for encoded in encoded {
                let certificate = Certificate::from_der(&encoded)
                    .map_err(|_| KeyringError::from(CertificateFacts::unparsable("the certificate on file")))?;
                found.push(BundledCertificate::of(&certificate));
            }
        }
        Ok(found)
    }
}

/// The certificates that are somebody's: not those of authorities.
fn ends<'c>(
    certificates: &[&'c BundledCertificate],
    keys: &Keys<'_>,
    address: Option<&str>,
) -> Result<Vec<&'c BundledCertificate>, Failure> {
    let belongs =
        |bundled: &&BundledKey| certificates.iter().any(|certificate| certificate.facts.key_id == bundled.key.key_id);
    if let Some(lonely) = keys.bundled.iter().find(|bundled| !belongs(bundled)) {
        return Err(KeyringError::from(ImportError::NoCertificate(lonely.file.clone())).into());
    }
    let mut ends = Vec::new();
    for certificate in certificates {
        if !certificate.facts.authority || keys.has(&certificate.facts.key_id)? {
            ends.push(*certificate);
        }
    }
    match (ends.as_slice(), certificates) {
        // Self-signed with a tool that makes authorities of everyone.
        ([], [only]) if address.is_some() || !only.facts.mailboxes.is_empty() => Ok(vec![*only]),
        ([], _) => Err(KeyringError::from(ImportError::OnlyAuthorities).into()),
        _ => Ok(ends),
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
) -> Vec<Filed> {
    let now = system_time();
    let record = |kind| Record {
        kind,
        address: address.to_owned(),
        certificate: certificate.encoded.clone(),
        facts: certificate.facts.clone(),
        source,
        pinned: pin && kind == Kind::Public,
        retired: false,
        held: false,
        altered: false,
        capabilities: None,
        added: now,
    };
    let kinds = match (has_private_key, source) {
        (false, _) => &[Kind::Public][..],
        (true, Source::Requested) => &[Kind::Private],
        (true, _) => &[Kind::Private, Kind::Public],
    };
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

/// The issuers of a certificate among the authorities at hand, its own issuer
/// first, the root left out: who checks the chain has that, or does not trust it.
fn chain<'a>(record: &Record, authorities: &[&'a BundledCertificate]) -> Vec<&'a [u8]> {
    let Ok(leaf) = Certificate::from_der(&record.certificate) else { return Vec::new() };
    let mut chain: Vec<&[u8]> = Vec::new();
    let mut wanted = leaf.issuer_der().to_vec();
    while chain.len() < MAX_CHAIN {
        let next = authorities.iter().find(|candidate| {
            candidate.subject == wanted
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
    seal: &Seal,
    record: &Record,
    sealed: Option<&[u8]>,
    chain: &[&[u8]],
) -> Result<(), Failure> {
    let Record { kind, address, facts, source, pinned, added, .. } = record;
    insert_certificate(transaction, record, chain)?;
    let proof = binding::proof(seal, record)?;
    match kind {
        Kind::Private => {
            if let Some(sealed) = sealed {
                transaction
                    .prepare_cached("INSERT INTO private_key (key_id, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING")?
                    .execute(params![facts.key_id, sealed])?;
            }
            transaction
                .prepare_cached(
                    "INSERT INTO private_key_store (address, fingerprint, key_id, source, added, bound) \
                     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET retired = 0, bound = excluded.bound",
                )?
                .execute(params![address, facts.fingerprint, facts.key_id, source.name(), *added as i64, proof])?;
        }
        Kind::Public => {
            transaction
                .prepare_cached(
                    "INSERT INTO public_key_store (address, fingerprint, source, pinned, added, bound) \
                     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET retired = 0, held = 0, \
                     source = excluded.source, pinned = max(pinned, excluded.pinned), \
                     bound = coalesce(excluded.bound, bound)",
                )?
                .execute(params![address, facts.fingerprint, source.name(), pinned, *added as i64, proof])?;
            transaction
                .prepare_cached("DELETE FROM removed_public_key WHERE address = ? AND fingerprint = ?")?
                .execute(params![address, facts.fingerprint])?;
        }
    }
    Ok(())
}

/// Files the certificate of a row, and its chain where there is one.
pub(super) fn insert_certificate<C: AsRef<[u8]>>(
    transaction: &Transaction<'_>,
    record: &Record,
    chain: &[C],
) -> rusqlite::Result<()> {
    let facts = &record.facts;
    transaction
        .prepare_cached(
            "INSERT INTO certificate (fingerprint, key_id, encoded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![facts.fingerprint, facts.key_id, record.certificate])?;
    if chain.is_empty() {
        return Ok(());
    }
    transaction.prepare_cached("DELETE FROM chain WHERE fingerprint = ?")?.execute(params![facts.fingerprint])?;
    for (position, encoded) in chain.iter().enumerate() {
        transaction
            .prepare_cached("INSERT INTO chain (fingerprint, position, encoded) VALUES (?, ?, ?)")?
            .execute(params![facts.fingerprint, position as i64, encoded.as_ref()])?;
    }
    Ok(())
}

/// Takes from use what the key of a row had signed itself, now that somebody else
/// has: what only stood for the key of a request goes, another is retired, for mail
/// that names it. Tells whether there was any.
fn supersede(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<bool> {
    let Record { address, facts, .. } = record;
    let mut superseded = false;
    for (source, take) in [(Source::Requested, "DELETE FROM {}"), (Source::Generated, "UPDATE {} SET retired = 1")] {
        let mut statement = transaction.prepare_cached(
            "SELECT DISTINCT c.fingerprint FROM certificate c JOIN private_key_store p USING (fingerprint) \
             WHERE c.key_id = ?1 AND c.fingerprint <> ?2 AND p.source = ?3 AND p.address = ?4",
        )?;
        let fingerprints =
            statement.query_map(params![facts.key_id, facts.fingerprint, source.name(), address], |row| row.get(0))?;
        let fingerprints: Vec<[u8; 32]> = fingerprints.collect::<rusqlite::Result<_>>()?;
        for fingerprint in &fingerprints {
            for kind in [Kind::Private, Kind::Public] {
                let sql = format!("{} WHERE address = ? AND fingerprint = ?", take.replace("{}", kind.table()));
                transaction.execute(&sql, params![address, fingerprint])?;
            }
            remove_unreferenced(transaction, fingerprint, &facts.key_id)?;
        }
        superseded |= !fingerprints.is_empty();
    }
    Ok(superseded)
}
