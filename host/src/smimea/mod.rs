//! The DNS as a public key store: SMIMEA records (RFC 8162), believed only where
//! DNSSEC proves them.

mod error;
mod owner_name;
mod resolver;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use error::SmimeaError;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::remote::Caching;
use crate::remote::answers::{Answer, Answers};
use crate::remote::found::Found;
use crate::{Certificates, Clock, Entry, Refusal};
use owner_name::owner_name;
use resolver::Resolver;

/// How the DNS is asked, and how far it is believed.
#[derive(Clone, Debug)]
pub struct SmimeaOptions {
    /// Who is asked; none: the resolvers of the system.
    pub resolvers: Vec<SocketAddr>,
    /// A file with the DNSKEY records of the root that are trusted; none: those of the
    /// Internet, as of this release.
    pub anchor: Option<PathBuf>,
    /// What a record is worth beyond showing where a certificate is.
    pub trust: DaneTrust,
    /// How long one look-up may take.
    pub timeout: Duration,
    /// How long answers are remembered, whatever their own time to live.
    pub caching: Caching,
}

/// What a domain's word for a certificate is worth (RFC 8162, section 2; RFC 6698,
/// section 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DaneTrust {
    /// The record finds the certificate, whose path must lead to an anchor of the
    /// tenant.
    #[default]
    Path,
    /// A record of usage DANE-EE (3) vouches for the certificate: it is pinned.
    Dnssec,
}

/// The DNS, answering for a tenant.
pub struct Smimea {
    resolver: Resolver,
    options: SmimeaOptions,
    answers: Answers,
    clock: Arc<dyn Clock>,
}

impl Smimea {
    /// Takes the DNS into service, without asking it anything; `clock` decides which
    /// certificates are out of date.
    pub fn new(options: &SmimeaOptions, clock: Arc<dyn Clock>) -> Result<Self, SmimeaError> {
        Ok(Self {
            resolver: Resolver::new(options)?,
            answers: Answers::new(&options.caching),
            options: options.clone(),
            clock,
        })
    }

    /// Asks every resolver for the root, which the trust anchor has to prove: what is
    /// wrong with each that does not.
    pub fn probe(&self) -> Vec<SmimeaError> {
        if self.options.resolvers.is_empty() {
            return prove_root(&self.resolver).err().into_iter().collect();
        }
        let each = match Resolver::each(&self.options) {
            Ok(each) => each,
            Err(error) => return vec![error],
        };
        let probe = |(resolver, asked): (SocketAddr, Resolver)| {
            let error = Box::new(prove_root(&asked).err()?);
            Some(SmimeaError::Of { resolver, error })
        };
        each.into_iter().filter_map(probe).collect()
    }

    fn look_up(&self, owner: &str) -> Result<Answer, SmimeaError> {
        let Some(name) = owner_name(owner) else { return Ok(Answer::default()) };
        let mut found = Found::new(owner, "smimea");
        if let Some(lookup) = self.resolver.records(name, RecordType::SMIMEA)? {
            match proof(&lookup) {
                Proof::Secure => self.take(&lookup, &mut found),
                Proof::Insecure => found.pass_over("insecure"),
                Proof::Bogus | Proof::Indeterminate => return Err(SmimeaError::Bogus),
            }
        }
        Ok(found.answer(self.clock.now()))
    }

    /// Only a whole certificate (selector 0, matching type 0) of a person (usage 1 or
    /// 3) is one that can be encrypted to; the other records tell certificates apart
    /// that somebody has already.
    fn take(&self, lookup: &Lookup, found: &mut Found<'_>) {
        for record in lookup.answers() {
            let RData::SMIMEA(smimea) = &record.data else { continue };
            let whole = smimea.selector == Selector::Full && smimea.matching == Matching::Raw;
            match smimea.cert_usage {
                CertUsage::DaneEe if whole => {
                    found.take(&smimea.cert_data, self.options.trust == DaneTrust::Dnssec, None);
                }
                CertUsage::PkixEe if whole => found.take(&smimea.cert_data, false, None),
                CertUsage::PkixEe | CertUsage::DaneEe => found.pass_over("no-certificate"),
                _ => found.pass_over("usage"),
            }
        }
    }
}

impl Certificates for Smimea {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        self.answers.get_or_ask(owner, || self.look_up(owner).map_err(|error| error.to_string()))
    }
}

/// The proof of a whole answer, aliases on the way included: that of the worst of its
/// records.
fn proof(lookup: &Lookup) -> Proof {
    let signed = lookup.answers().iter().filter(|record| record.record_type() != RecordType::RRSIG);
    signed.map(|record| record.proof).min().unwrap_or(Proof::Indeterminate)
}

fn prove_root(resolver: &Resolver) -> Result<(), SmimeaError> {
    match resolver.records(Name::root(), RecordType::NS) {
        Ok(Some(lookup)) if proof(&lookup) == Proof::Secure => Ok(()),
        Ok(_) | Err(SmimeaError::Bogus) => Err(SmimeaError::Anchor),
        Err(error) => Err(error),
    }
}
