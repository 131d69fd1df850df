//! Looking into a keyring: rows by address, chains, and keys unsealed.

use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use zeroize::Zeroizing;

use super::address::normalise;
use super::binding;
use super::error::KeyringError;
use super::facts::{CertificateFacts, hex};
use super::record::{Kind, Record, Source};
use super::store::{Keyring, failure};
use crate::SoftwareKey;

/// Most private keys that are kept unsealed; a key takes some kilobytes.
const CACHED_KEYS: usize = 4096;

/// Which rows are wanted.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    /// All of a store.
    All,
    /// Those of an address, as [`normalise`] writes it.
    Of(&'a str),
    /// Those that are held for approval.
    Held,
}

impl Keyring {
    /// All rows of both stores, by address, private keys first, best first as of
    /// `now` (seconds since 1970-01-01T00:00:00Z).
    pub fn records(&self, now: u64) -> Result<Vec<Record>, KeyringError> {
        let mut records = self.select(Kind::Private, Which::All)?;
        records.extend(self.select(Kind::Public, Which::All)?);
        super::order::best_first(&mut records, now);
        records.sort_by(|a, b| domain_first(&a.address).cmp(&domain_first(&b.address)).then(a.kind.cmp(&b.kind)));
        Ok(records)
    }

    /// The rows of one store for an address, best first as of `now`. An address
    /// that is none has no rows.
    pub fn records_of(&self, kind: Kind, address: &str, now: u64) -> Result<Vec<Record>, KeyringError> {
        let Ok(address) = normalise(address) else { return Ok(Vec::new()) };
        let mut records = self.select(kind, Which::Of(&address))?;
        super::order::best_first(&mut records, now);
        Ok(records)
    }

    /// The public keys that wait for approval, by address.
    pub fn held(&self) -> Result<Vec<Record>, KeyringError> {
        self.select(Kind::Public, Which::Held)
    }

    fn select(&self, kind: Kind, which: Which<'_>) -> Result<Vec<Record>, KeyringError> {
        // Parsed, and their seal looked at, when the connection is free for others.
        let rows = read(&self.connection(), kind, which).map_err(|error| failure(self.path(), error))?;
        let mut parsed = Vec::with_capacity(rows.len());
        for (row, proof) in rows {
            let mut record = row.parse(kind).ok_or_else(|| self.damaged("a row does not make sense"))?;
            if kind == Kind::Private || record.pinned {
                let row = binding::bound(&record);
                let proof = proof.unwrap_or_default();
                let is_bound = self.unsealed(|seal| seal.is_bound(&row, &proof).then_some(()))?.is_some();
                record.altered = !is_bound;
            }
            parsed.push(record);
        }
        Ok(parsed)
    }

    /// The certificates of the issuers of one that is filed, its own issuer
    /// first, as DER.
    pub fn chain(&self, fingerprint: &[u8; 32]) -> Result<Vec<Vec<u8>>, KeyringError> {
        let connection = self.connection();
        let chain = || {
            connection
                .prepare_cached("SELECT encoded FROM chain WHERE fingerprint = ? ORDER BY position")?
                .query_map(params![fingerprint], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()
        };
        chain().map_err(|error| failure(self.path(), error))
    }

    /// The private key with this digest, unsealed once.
    pub fn key(&self, key_id: &[u8; 32]) -> Result<Arc<SoftwareKey>, KeyringError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(key_id) {
            return Ok(Arc::clone(key));
        }
        let pkcs8 = self.pkcs8(key_id)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(|_| KeyringError::Cryptography("read a private key"))?;
        let key = Arc::new(key);
        if keys.len() >= CACHED_KEYS {
            keys.clear();
        }
        keys.insert(*key_id, Arc::clone(&key));
        Ok(key)
    }

    /// The private key with this digest, in the clear.
    pub(crate) fn pkcs8(&self, key_id: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        // What was read before a rotation is sealed by the seal before it.
        let unseal = || {
            let sealed = self.sealed(key_id)?;
            self.unsealed(|seal| seal.unseal(key_id, &sealed))
        };
        match unseal()? {
            Some(pkcs8) => Ok(pkcs8),
            None => unseal()?.ok_or_else(|| KeyringError::Unsealable(hex(key_id))),
        }
    }

    fn sealed(&self, key_id: &[u8; 32]) -> Result<Vec<u8>, KeyringError> {
        self.connection()
            .query_row("SELECT sealed FROM private_key WHERE key_id = ?", params![key_id], |row| row.get(0))
            .optional()
            .map_err(|error| failure(self.path(), error))?
            .ok_or_else(|| KeyringError::NotFound("there is no such private key".to_owned()))
    }
}

/// Reads rows of a store, each with the proof that it is as it was filed.
pub(super) fn read(
    connection: &Connection,
    kind: Kind,
    which: Which<'_>,
) -> rusqlite::Result<Vec<(RawRecord, Option<Vec<u8>>)>> {
    let mut statement = connection.prepare_cached(&sql(kind, which))?;
    let read = |row: &Row<'_>| Ok((RawRecord::read(row)?, row.get("bound")?));
    match which {
        Which::Of(address) => statement.query_map(params![address], read)?.collect(),
        Which::All | Which::Held => statement.query_map(params![], read)?.collect(),
    }
}

/// The query for rows of a store.
pub(super) fn sql(kind: Kind, which: Which<'_>) -> String {
    let columns = match kind {
        Kind::Private => "0 AS pinned, 0 AS held, NULL AS capabilities",
        Kind::Public => "s.pinned, s.held, s.capabilities",
    };
    let condition = match which {
        Which::All => "",
        Which::Of(_) => "WHERE s.address = ?",
        Which::Held => "WHERE s.held ORDER BY s.address",
    };
    format!(
        "SELECT s.address, c.encoded, s.source, s.retired, s.added, s.bound, {columns} FROM {} s \
         JOIN certificate c USING (fingerprint) {condition}",
        kind.table()
    )
}

/// A row as it is read.
pub(super) struct RawRecord {
    address: String,
    certificate: Vec<u8>,
    source: String,
    pinned: bool,
    retired: bool,
    held: bool,
    capabilities: Option<Vec<u8>>,
    added: i64,
}

impl RawRecord {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            address: row.get("address")?,
            certificate: row.get("encoded")?,
            source: row.get("source")?,
            pinned: row.get("pinned")?,
            retired: row.get("retired")?,
            held: row.get("held")?,
            capabilities: row.get("capabilities")?,
            added: row.get("added")?,
        })
    }

    /// None if it does not make sense.
    pub(super) fn parse(self, kind: Kind) -> Option<Record> {
        Some(Record {
            kind,
            facts: CertificateFacts::from_der(&self.certificate).ok()?,
            source: Source::from_name(&self.source)?,
            address: self.address,
            certificate: self.certificate,
            pinned: self.pinned,
            retired: self.retired,
            held: self.held,
            altered: false,
            capabilities: self.capabilities,
            added: self.added.try_into().unwrap_or(0),
        })
    }
}

fn domain_first(address: &str) -> (&str, &str) {
    address.rsplit_once('@').map_or(("", address), |(local, domain)| (domain, local))
}
