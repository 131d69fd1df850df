//! The private keys of a tenant in its key management servers.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Address;
use super::error::KmipError;
use super::hold::Hold;
use super::key::ServerKey;
use super::objects;
use super::servers::Servers;
use super::tls::KmipCredentials;
use crate::keyring::normalise;
use crate::pairing::{Candidate, Companions, Found};
use crate::services::{Identity, PrivateKey, PrivateKeys};
use crate::{KeyError, Refusal};

/// How key management servers are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmipOptions {
    /// The servers, each as `host:port`, in the order they are asked.
    pub servers: Vec<String>,
    /// How TLS is done with them.
    pub credentials: KmipCredentials,
    /// How long one server may take to answer for an address.
    pub timeout: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// How long a private key is held in memory.
    pub hold: Duration,
    /// Has the server sign, instead of fetching the key for it.
    pub server_side_sign: bool,
}

impl KmipOptions {
    /// What is wrong with a server's name, in words; none if it can be used.
    pub fn flaw_of_server(server: &str) -> Option<String> {
        Address::parse(server).err()
    }

    /// The TCP ports that the servers answer on.
    pub fn ports(&self) -> Vec<u16> {
        self.servers.iter().filter_map(|server| Some(Address::parse(server).ok()?.port())).collect()
    }

    /// Asks every server whether it is there: what is wrong with the client, or with
    /// each server that does not answer.
    pub fn probe(&self) -> Vec<KmipError> {
        self.client().map_or_else(|error| vec![error], |servers| servers.probe())
    }

    fn client(&self) -> Result<Servers, KmipError> {
        let addresses = self.servers.iter().map(|server| Address::parse(server)).collect::<Result<Vec<_>, _>>();
        let addresses = addresses.map_err(KmipError::Configuration)?;
        Ok(Servers::new(addresses, self.credentials.client()?, self.timeout, self.connections))
    }
}

/// The private keys of a tenant, by address: the objects of type Private Key whose
/// Name is the address, with the domain in A-labels and lower case.
///
/// A key serves as its state says (KMIP 1.2, section 3.22): Active it signs and
/// decrypts; Deactivated or Compromised it decrypts what is old; in any other
/// state it does nothing.
pub struct KmipKeys {
    lookup: Arc<Lookup>,
    /// Identities whose keys sign at the server, if that is wanted.
    signing: Option<Hold<Answer>>,
}

type Answer = Result<Vec<Identity>, Refusal>;

impl KmipKeys {
    /// Sets up the client; no server is asked yet.
    pub fn new(options: &KmipOptions, companions: Companions) -> Result<Self, KmipError> {
        let servers = Arc::new(options.client()?);
        let signing = options.server_side_sign.then(|| Hold::new(options.hold));
        Ok(Self { lookup: Arc::new(Lookup { servers, companions, held: Hold::new(options.hold) }), signing })
    }
}

impl PrivateKeys for KmipKeys {
    fn identities(&self, owner: &str) -> Answer {
        // What is no mailbox has no key, and is no business of the server.
        let Ok(name) = normalise(owner) else { return Ok(Vec::new()) };
        let Some(signing) = &self.signing else { return self.lookup.fetched(&name) };
        let keep = |answer: &Answer| answer.as_ref().is_ok_and(|identities| !identities.is_empty());
        let patience = self.lookup.servers.patience();
        signing.get(&name, patience, keep, || Lookup::signing(&self.lookup, &name)).unwrap_or_else(|| Err(busy()))
    }
}

/// How the keys of an address are found.
struct Lookup {
    servers: Arc<Servers>,
    companions: Companions,
    held: Hold<Result<Fetched, Refusal>>,
}

/// The identities of an address with keys that were fetched.
#[derive(Clone)]
struct Fetched {
    identities: Vec<Identity>,
    /// Whether all keys lie in locked memory.
    locked: bool,
}

impl Lookup {
    /// The identities of an address, with keys held or fetched.
    fn fetched(&self, name: &str) -> Answer {
        let keep = |answer: &Result<Fetched, Refusal>| {
            answer.as_ref().is_ok_and(|fetched| fetched.locked && !fetched.identities.is_empty())
        };
        let fetched = self.held.get(name, self.servers.patience(), keep, || self.fetch(name));
        fetched.unwrap_or_else(|| Err(busy())).map(|fetched| fetched.identities)
    }

    fn fetch(&self, name: &str) -> Result<Fetched, Refusal> {
        let asked = self.servers.converse(|conversation| {
            let mut fetched = Vec::new();
            for object in objects::private_keys(conversation, name)? {
                let key = objects::fetch(conversation, name, &object)?;
                fetched.extend(key.map(|(key_id, key)| (object, key_id, key)));
            }
            // Without a private key a certificate is of no use here.
            let certificates = if fetched.is_empty() { Vec::new() } else { objects::certificates(conversation, name)? };
            Ok((fetched, certificates))
        });
        let (fetched, certificates) = asked.map_err(|error| unavailable(&error))?;
        let locked = fetched.iter().all(|(_, _, key)| key.is_locked());
        let keys: Vec<Found> = fetched
            .into_iter()
            .map(|(object, key_id, key)| Found { key_id, key: Arc::new(key), retired: object.retired })
            .collect();
        Ok(Fetched { identities: self.companions.identities(name, &keys, &certificates)?, locked })
    }

    /// The identities of an address with keys that sign at the server and are
    /// fetched only to decrypt. Which of them fits a certificate shows when it
    /// has signed.
    fn signing(lookup: &Arc<Self>, name: &str) -> Answer {
        let asked = lookup.servers.converse(|conversation| {
            let keys = objects::private_keys(conversation, name)?;
            let signing: Vec<String> =
                keys.into_iter().filter(|key| !key.retired && key.usage.signs).map(|key| key.identifier).collect();
            let certificates = if signing.is_empty() { Vec::new() } else { objects::certificates(conversation, name)? };
            Ok((signing, certificates))
        });
        let (signing, certificates) = asked.map_err(|error| unavailable(&error))?;
        if signing.is_empty() {
            return lookup.fetched(name);
        }
        let candidates = lookup.companions.candidates(name, &certificates, |found| !found.is_empty())?;
        let identity = |candidate| {
            let key = Self::signing_key(lookup, name, &signing, candidate);
            lookup.companions.identity(candidate, Arc::new(key), false)
        };
        Ok(candidates.iter().map(identity).collect())
    }

    fn signing_key(lookup: &Arc<Self>, name: &str, signing: &[String], candidate: &Candidate) -> ServerKey {
        let (owner, wanted) = (name.to_owned(), candidate.certificate.encoded().to_vec());
        let fetcher = Arc::clone(lookup);
        let fetch = move || -> Result<Arc<dyn PrivateKey>, KeyError> {
            let identities = fetcher.fetched(&owner).map_err(KeyError::Refused)?;
            let own = identities.into_iter().find(|identity| identity.certificate == wanted);
            own.map(|identity| identity.key).ok_or(KeyError::Unsupported)
        };
        ServerKey {
            servers: Arc::clone(&lookup.servers),
            identifiers: signing.to_vec(),
            certificate: candidate.certificate.clone(),
            fetch: Box::new(fetch),
        }
    }
}

/// Whatever keeps a server from answering may be mended before the sender gives
/// up: mail waits, and none bounces.
fn unavailable(error: &KmipError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

fn busy() -> Refusal {
    unavailable(&KmipError::Busy)
}
