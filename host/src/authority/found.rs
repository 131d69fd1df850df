//! The authorities themselves: made on first use, and anew when they run out.

use der::Decode as _;
use rusqlite::{Transaction, params};
use signature::Keypair as _;
use smime::x509::Certificate;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::ext::pkix::constraints::name::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::certificate::{self, Subject, authority_name};
use super::error::{AuthorityError, cryptography};
use super::genuine;
use super::issue::Authority;
use super::ledger::{self, AuthorityRow};
use crate::keyring::pair::Pair;
use crate::keyring::seal::Seal;
use crate::keyring::{CertificateFacts, Failure, KeyringError, PrivateKeyMaterial, SLACK, in_days};

/// An authority at work: what it signs with, and who it says to be.
pub(super) struct Issuer {
    pub(super) id: i64,
    pub(super) certificate: Vec<u8>,
    pub(super) name: Name,
    pub(super) facts: CertificateFacts,
    pub(super) pair: Pair,
}

impl Authority {
    /// An issuing authority for addresses of `domain` that is valid until after
    /// `until`. It is made if there is none, and with it a root where there is none.
    pub(super) fn issuer(&self, domain: &str, until: u64, now: u64) -> Result<Issuer, AuthorityError> {
        if in_days(now, self.options.issuing_days.min(self.options.root_days)) < until {
            return Err(AuthorityError::OutlivesIssuer);
        }
        let rows = self.authorities()?;
        let Some(root) = rows.iter().rfind(|row| row.issuer.is_none()) else {
            self.found(now)?;
            return self.newest_issuer();
        };
        let root_facts = facts(root)?;
        if !permits(root, domain)? {
            return Err(AuthorityError::Unconstrained(domain.to_owned()));
        }
        if root_facts.not_after < until {
            return Err(AuthorityError::RootEnds);
        }
        let issuing = rows.iter().rfind(|row| row.issuer == Some(root.id));
        match issuing.map(|row| Ok::<_, AuthorityError>((facts(row)?.not_after, permits(row, domain)?))).transpose()? {
            Some((not_after, true)) if not_after >= until => {}
            _ => self.add_issuing(&rows, root, now)?,
        }
        self.newest_issuer()
    }

    /// Makes a root, and an issuing authority under it. Others that there are go on
    /// to sign revocation lists, and issue nothing.
    pub fn found(&self, now: u64) -> Result<(), AuthorityError> {
        let before = self.authorities()?;
        let (roots, others): (Vec<_>, Vec<_>) = before.iter().partition(|row| row.issuer.is_none());
        let root = self.new_authority("root", roots.len() + 1, None, now, in_days(now, self.options.root_days))?;
        let root_name = name(&root.certificate)?;
        let until = in_days(now, self.options.issuing_days).min(root.facts.not_after);
        let signer = Some((&root_name, &root.pair));
        let issuing = self.new_authority("issuing authority", others.len() + 1, signer, now, until)?;
        self.keyring.change(|transaction, seal| {
            // Another process may have been quicker: its authorities are as good.
            if ledger::authorities(transaction)?.len() == before.len() {
                let id = keep(transaction, seal, &root, None)?;
                keep(transaction, seal, &issuing, Some(id))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Whether there is an authority.
    pub fn is_founded(&self) -> Result<bool, AuthorityError> {
        Ok(!self.authorities()?.is_empty())
    }

    /// The DER of the root: what others trust who are to trust what is issued.
    pub fn root(&self) -> Result<Vec<u8>, AuthorityError> {
        let rows = self.authorities()?;
        let root = rows.iter().rfind(|row| row.issuer.is_none()).ok_or(AuthorityError::None)?;
        // That its key is ours is part of its being ours.
        Ok(self.at_work(root)?.certificate)
    }

    /// Those of the tenant's domains that the root may not certify addresses of.
    pub fn unconstrained(&self) -> Result<Vec<String>, AuthorityError> {
        let rows = self.authorities()?;
        let root = rows.iter().rfind(|row| row.issuer.is_none()).ok_or(AuthorityError::None)?;
        let mut unconstrained = Vec::new();
        for domain in &self.options.domains {
            if !permits(root, domain)? {
                unconstrained.push(domain.clone());
            }
        }
        Ok(unconstrained)
    }

    /// Makes another issuing authority under a root.
    fn add_issuing(&self, before: &[AuthorityRow], root: &AuthorityRow, now: u64) -> Result<(), AuthorityError> {
        let (pair, root_name) = (self.pair(root)?, name(&root.certificate)?);
        let number = before.iter().filter(|row| row.issuer.is_some()).count() + 1;
        let until = in_days(now, self.options.issuing_days).min(facts(root)?.not_after);
        let issuing = self.new_authority("issuing authority", number, Some((&root_name, &pair)), now, until)?;
        self.keyring.change(|transaction, seal| {
            if ledger::authorities(transaction)?.len() == before.len() {
                keep(transaction, seal, &issuing, Some(root.id))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn new_authority(
        &self,
        kind: &str,
        number: usize,
        issuer: Option<(&Name, &Pair)>,
        now: u64,
        until: u64,
    ) -> Result<NewAuthority, AuthorityError> {
        let failed = || cryptography("make an authority");
        let pair = Pair::generate(self.options.authority_algorithm).map_err(|_| failed())?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| failed())?;
        let key = PrivateKeyMaterial::from_pkcs8(&pkcs8).map_err(|_| failed())?;
        let public_key = SubjectPublicKeyInfoOwned::from_key(&pair.verifying_key()).map_err(|_| failed())?;
        let subject = Subject::Authority {
            name: authority_name(&self.options.organisation, kind, number).map_err(|_| failed())?,
            path_len: u8::from(issuer.is_none()),
            domains: &self.options.domains,
        };
        let instants = (now.saturating_sub(SLACK), until);
        let signer = issuer.map_or(&pair, |(_, signer)| signer);
        let issued = certificate::issue(subject, public_key, instants, issuer.map(|(name, _)| name.clone()), signer);
        let certificate = issued.map_err(|_| failed())?;
        let facts = CertificateFacts::from_der(&certificate).map_err(|_| failed())?;
        Ok(NewAuthority { pair, key, certificate, facts })
    }

    /// The newest issuing authority under the newest root.
    fn newest_issuer(&self) -> Result<Issuer, AuthorityError> {
        let rows = self.authorities()?;
        let root = rows.iter().rfind(|row| row.issuer.is_none()).ok_or(AuthorityError::None)?;
        let issuing = rows.iter().rfind(|row| row.issuer == Some(root.id)).ok_or(AuthorityError::None)?;
        self.at_work(issuing)
    }

    /// An authority with its key unsealed.
    pub(super) fn at_work(&self, row: &AuthorityRow) -> Result<Issuer, AuthorityError> {
        Ok(Issuer {
            id: row.id,
            certificate: row.certificate.clone(),
            name: name(&row.certificate)?,
            facts: facts(row)?,
            pair: self.pair(row)?,
        })
    }

    fn pair(&self, row: &AuthorityRow) -> Result<Pair, AuthorityError> {
        let pkcs8 = self.keyring.pkcs8(&row.key_id)?;
        Pair::from_pkcs8(&pkcs8).ok_or_else(|| cryptography("read an authority's key").into())
    }

    /// All authorities there are, the oldest first.
    pub(super) fn authorities(&self) -> Result<Vec<AuthorityRow>, AuthorityError> {
        let rows = self.keyring.look(ledger::authorities)?;
        genuine::check(&rows)?;
        Ok(rows)
    }
}

/// An authority that is not kept yet.
struct NewAuthority {
    pair: Pair,
    key: PrivateKeyMaterial,
    certificate: Vec<u8>,
    facts: CertificateFacts,
}

/// Keeps a new authority's key, under no address, and its certificate. Its number.
fn keep(transaction: &Transaction<'_>, seal: &Seal, new: &NewAuthority, issuer: Option<i64>) -> Result<i64, Failure> {
    let NewAuthority { key, certificate, .. } = new;
    let sealed = seal.seal(&key.key_id, &key.pkcs8)?;
    transaction.execute("INSERT INTO private_key (key_id, sealed) VALUES (?, ?)", params![key.key_id, sealed])?;
    Ok(ledger::keep_authority(transaction, issuer, &key.key_id, certificate)?)
}

fn facts(row: &AuthorityRow) -> Result<CertificateFacts, KeyringError> {
    CertificateFacts::from_der(&row.certificate).map_err(|_| UNREADABLE)
}

/// The subject of a certificate.
fn name(certificate: &[u8]) -> Result<Name, KeyringError> {
    let certificate = Certificate::from_der(certificate).map_err(|_| UNREADABLE)?;
    Name::from_der(certificate.subject_der()).map_err(|_| UNREADABLE)
}

/// Whether an authority may certify addresses of `domain`.
fn permits(row: &AuthorityRow, domain: &str) -> Result<bool, KeyringError> {
    let certificate = Certificate::from_der(&row.certificate).map_err(|_| UNREADABLE)?;
    let constraints: Option<NameConstraints> = certificate.extension().map_err(|_| UNREADABLE)?;
    let Some(constraints) = constraints else { return Ok(true) };
    let is_domain = |name: &GeneralName| matches!(name, GeneralName::Rfc822Name(base) if base.as_str() == domain);
    Ok(constraints.permitted_subtrees.unwrap_or_default().iter().any(|subtree| is_domain(&subtree.base)))
}

const UNREADABLE: KeyringError = KeyringError::Cryptography("read an authority's certificate");
