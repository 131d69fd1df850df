//! Certificates for users.

use std::sync::Arc;

use signature::Keypair as _;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::ext::pkix::KeyUsage;

use super::certificate::{self, Subject};
use super::error::{AuthorityError, cryptography};
use super::found::Issuer;
use super::ledger;
use super::options::AuthorityOptions;
use super::request::RequestedKey;
use crate::keyring::pair::Pair;
use crate::keyring::personal::Personal;
use crate::keyring::{
    Bundle, CertificateFacts, DAY, Filed, ImportOptions, KeyAlgorithm, Keyring, PrivateKeyMaterial, SLACK, Source,
    in_days, normalise,
};

/// The authority of a tenant.
pub struct Authority {
    pub(super) keyring: Arc<Keyring>,
    pub(super) options: AuthorityOptions,
}

/// What was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The rows of the keyring it is filed in.
    pub filed: Vec<Filed>,
    /// The DER of the certificate.
    pub certificate: Vec<u8>,
    /// What it says.
    pub facts: CertificateFacts,
    /// The DER of the issuing authority's certificate.
    pub issuer: Vec<u8>,
}

/// A certificate to be.
struct Order {
    address: String,
    public_key: SubjectPublicKeyInfoOwned,
    usage: KeyUsage,
    /// The private key, if it is made here.
    key: Option<PrivateKeyMaterial>,
    on_demand: Option<u32>,
}

impl Authority {
    /// The authority whose keys lie in `keyring`. It is made with the first
    /// certificate.
    pub fn new(keyring: Arc<Keyring>, options: AuthorityOptions) -> Self {
        Self { keyring, options }
    }

    /// Makes a key and a certificate for `address`, and files both, the public key
    /// pinned. `now` is in seconds since 1970-01-01T00:00:00Z.
    pub fn issue(&self, address: &str, algorithm: KeyAlgorithm, days: u32, now: u64) -> Result<Issued, AuthorityError> {
        let order = self.order(address, algorithm, None)?;
        self.grant(order, days, now)?.ok_or_else(|| AuthorityError::NotIssued(address.to_owned()))
    }

    /// Makes a certificate for `address` and the key of a certification request
    /// (PKCS #10), DER or PEM, and files it.
    pub fn certify(&self, address: &str, request: &[u8], days: u32, now: u64) -> Result<Issued, AuthorityError> {
        let address = self.own(address)?;
        let RequestedKey { public_key, usage } = RequestedKey::read(request)?;
        let order = Order { address, public_key, usage, key: None, on_demand: None };
        let issued = self.grant(order, days, now)?;
        issued.ok_or(AuthorityError::Request("is for a key that cannot be certified"))
    }

    /// Makes a key and a certificate for somebody who has none, as they send mail. At
    /// most `per_day` are made so within a day. None, if the address has a key by now.
    pub(super) fn issue_on_demand(
        &self,
        address: &str,
        per_day: u32,
        now: u64,
    ) -> Result<Option<Issued>, AuthorityError> {
        let address = self.own(address)?;
        // Before a key is made for nothing; again when it is filed.
        let judged = self.keyring.look(|connection| admit(connection, &address, per_day, now))?;
        match judged {
            Admission::Admitted => {}
            other => return other.refused(&address, per_day),
        }
        let order = self.order(&address, self.options.algorithm, Some(per_day))?;
        self.grant(order, self.options.days, now)
    }

    /// `address`, as it is filed, if it is of the tenant's domains.
    pub(super) fn own(&self, address: &str) -> Result<String, AuthorityError> {
        let address = normalise(address)?;
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if self.options.domains.iter().any(|own| own == domain) {
            return Ok(address);
        }
        Err(AuthorityError::NotOurs(address))
    }

    fn order(&self, address: &str, algorithm: KeyAlgorithm, on_demand: Option<u32>) -> Result<Order, AuthorityError> {
        let failed = || cryptography("generate a key");
        let address = self.own(address)?;
        let pair = Pair::generate(algorithm).map_err(|_| failed())?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| failed())?;
        Ok(Order {
            address,
            public_key: SubjectPublicKeyInfoOwned::from_key(&pair.verifying_key()).map_err(|_| failed())?,
            usage: pair.usage(),
            key: Some(PrivateKeyMaterial::from_pkcs8(&pkcs8).map_err(|_| failed())?),
            on_demand,
        })
    }

    /// Issues, files and notes: all of it, or nothing. None, where somebody else was
    /// quicker.
    fn grant(&self, order: Order, days: u32, now: u64) -> Result<Option<Issued>, AuthorityError> {
        let Order { address, public_key, usage, key, on_demand } = order;
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let until = in_days(now, days);
        let issuer = self.issuer(domain, until, now)?;
        let certificate = self.sign(&address, usage, public_key, until, now, &issuer)?;
        let facts = CertificateFacts::from_der(&certificate).map_err(|_| cryptography("read its own certificate"))?;
        if facts.algorithm.unusable().is_some() {
            return Err(AuthorityError::Request("is for a key that is too weak, or costs too much to use"));
        }
        let bundle = Bundle::issued(&certificate, key, &issuer.certificate)?;
        let options = ImportOptions { address: Some(address.clone()), pin: true };
        let mut admission = Admission::Admitted;
        let filed = self.keyring.change(|transaction, seal| {
            if let Some(per_day) = on_demand {
                admission = admit(transaction, &address, per_day, now)?;
            }
            if !matches!(admission, Admission::Admitted) {
                return Ok(Vec::new());
            }
            ledger::note_issued(transaction, issuer.id, &address, &facts, now, on_demand.is_some())?;
            Keyring::file_within(transaction, seal, bundle, &options, Source::Issued)
        })?;
        match admission {
            Admission::Admitted => Ok(Some(Issued { filed, certificate, facts, issuer: issuer.certificate })),
            other => other.refused(&address, on_demand.unwrap_or_default()),
        }
    }

    fn sign(
        &self,
        address: &str,
        usage: KeyUsage,
        public_key: SubjectPublicKeyInfoOwned,
        until: u64,
        now: u64,
        issuer: &Issuer,
    ) -> Result<Vec<u8>, AuthorityError> {
        let failed = || cryptography("make a certificate");
        let person = Personal::new(address, usage).map_err(|_| failed())?;
        let subject = Subject::User { person, list_url: self.options.list_url.as_deref() };
        let instants = (now.saturating_sub(SLACK).max(issuer.facts.not_before), until);
        let issued = certificate::issue(subject, public_key, instants, Some(issuer.name.clone()), &issuer.pair);
        Ok(issued.map_err(|_| failed())?)
    }
}

/// Whether somebody is issued a certificate on demand.
enum Admission {
    Admitted,
    /// There is a key by now.
    HasKey,
    Limit,
    Revoked,
}

impl Admission {
    fn refused(self, address: &str, per_day: u32) -> Result<Option<Issued>, AuthorityError> {
        match self {
            Self::Admitted | Self::HasKey => Ok(None),
            Self::Limit => Err(AuthorityError::Limit(per_day)),
            Self::Revoked => Err(AuthorityError::Revoked(address.to_owned())),
        }
    }
}

fn admit(connection: &rusqlite::Connection, address: &str, per_day: u32, now: u64) -> rusqlite::Result<Admission> {
    Ok(if ledger::has_private_key(connection, address)? {
        Admission::HasKey
    } else if ledger::was_revoked(connection, address)? {
        Admission::Revoked
    } else if ledger::on_demand_since(connection, now.saturating_sub(DAY))? >= per_day {
        Admission::Limit
    } else {
        Admission::Admitted
    })
}
