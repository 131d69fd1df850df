//! The state of what tenants depend on: whether keyrings open, and what expires.

use std::collections::BTreeMap;

use host::Trust;
use host::keyring::{CertificateFacts, Keyring, Kind, Record, Source};

use super::Health;
use crate::serve::metrics;
use crate::serve::site::Site;
use crate::serve::tenant::Tenant;
use crate::time;
use crate::trust::RevocationEnd;
use crate::{config, key_services, tenant as services};

/// The state of what tenants depend on, at some instant.
#[derive(Debug, Default)]
pub struct Survey {
    /// The instant, in seconds since 1970; 0 is not yet.
    pub at: u64,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<Findings>,
}

/// What was found with one tenant.
#[derive(Debug)]
pub struct Findings {
    /// Its name.
    pub tenant: String,
    /// The services that its keys are in, and what is wrong with each.
    pub services: Vec<(&'static str, Result<(), String>)>,
    /// Addresses with a private key.
    pub own: Expiry,
    /// Addresses with a public key.
    pub others: Expiry,
    /// Trust anchors and intermediate authorities.
    pub authorities: Expiry,
    /// Issuers, and until when there is a revocation list of each.
    pub revocation_lists: Vec<RevocationEnd>,
}

/// When the last certificates of some addresses expire.
#[derive(Debug, Default)]
pub struct Expiry {
    /// How many are valid for [`NOTICE`] or longer.
    pub valid: usize,
    /// Those that expire sooner, or have: the owner and the instant, the first to
    /// expire first, and no more than [`LISTED`].
    pub due: Vec<(String, u64)>,
    /// How many expire soon.
    pub expiring: usize,
    /// How many have expired.
    pub expired: usize,
    /// When the first one does.
    pub earliest: Option<u64>,
}

/// How long before it expires a certificate is worth a notice: 30 days, in
/// seconds.
pub const NOTICE: u64 = 30 * time::DAY;
/// Certificates that are named.
const LISTED: usize = 50;

impl Survey {
    /// Looks at everything. Reads files: not for a thread that must not wait.
    pub fn of(site: &Site, now: u64) -> Self {
        Self { at: now, tenants: site.tenants.iter().map(|tenant| Findings::of(tenant, now)).collect() }
    }

    /// What it means for mail.
    pub fn health(&self) -> Health {
        let wrong = |findings: &Findings| -> Vec<String> {
            let told = |(service, state): &(&str, Result<(), String>)| {
                state.as_ref().err().map(|error| format!("tenant {}: {service}: {error}", findings.tenant))
            };
            findings.services.iter().filter_map(told).collect()
        };
        let reasons: Vec<String> = self.tenants.iter().flat_map(wrong).collect();
        match (self.at, reasons.is_empty()) {
            (0, _) => Health::Starting,
            (_, true) => Health::Serving,
            (_, false) if self.tenants.iter().all(Findings::is_lost) => Health::Unable(reasons),
            (_, false) => Health::Impaired(reasons),
        }
    }

    /// Tells the metrics.
    pub fn count(&self) {
        for findings in &self.tenants {
            for (service, state) in &findings.services {
                metrics::key_service(&findings.tenant, service, state.is_ok());
            }
            if let Some(first) = findings.revocation_lists.iter().map(|end| end.until).min() {
                metrics::revocation_lists(&findings.tenant, first as f64 - self.at as f64);
            }
            for (kind, expiry) in findings.expiries() {
                let counts = [("valid", expiry.valid), ("expiring", expiry.expiring), ("expired", expiry.expired)];
                let remaining = expiry.earliest.map(|at| at as f64 - self.at as f64);
                metrics::certificates(&findings.tenant, kind, counts, remaining);
            }
        }
    }
}

impl Findings {
    fn of(tenant: &Tenant, now: u64) -> Self {
        let mut services = Vec::new();
        let mut records = Vec::new();
        if tenant.settings.key_services.use_keyring() {
            let read = keyring(&tenant.settings, now).map(|found| records = found);
            services.push(("keyring", read));
        }
        services.extend(remote(&tenant.settings));
        let (ready, authorities) = match tenant.services() {
            Ok(ready) => (Ok(()), authorities(&*ready.trust)),
            Err(error) => (Err(error), Vec::new()),
        };
        services.push(("services", ready));
        let own = last(&records, Kind::Private);
        Self {
            tenant: tenant.settings.name.clone(),
            services,
            // Whether others trust the certificate of one of ours is theirs to say.
            others: Expiry::of(
                last(&records, Kind::Public).into_iter().filter(|(owner, _)| !own.contains_key(owner)),
                now,
            ),
            own: Expiry::of(own, now),
            authorities: Expiry::of(authorities.iter().map(|facts| (facts.title(), facts.not_after)), now),
            revocation_lists: tenant.revocation_ends(),
        }
    }

    /// Whether its mail is deferred for something that is this process's own, so that
    /// another might serve it: not a server that is away for all alike.
    fn is_lost(&self) -> bool {
        self.services.iter().any(|(service, state)| ["keyring", "services"].contains(service) && state.is_err())
    }

    /// Each kind of certificate, by the word for it.
    pub fn expiries(&self) -> [(&'static str, &Expiry); 3] {
        [("own", &self.own), ("correspondent", &self.others), ("authority", &self.authorities)]
    }
}

/// Opens the keyring, and as a proof that its secret is there, a private key.
fn keyring(tenant: &config::Tenant, now: u64) -> Result<Vec<Record>, String> {
    let keyring = Keyring::open(&tenant.keyring).map_err(|error| error.to_string())?;
    let records = keyring.records(now).map_err(|error| error.to_string())?;
    let usable = |record: &&Record| record.kind == Kind::Private && record.facts.algorithm.unusable().is_none();
    if let Some(record) = records.iter().find(usable) {
        keyring.key(&record.facts.key_id).map_err(|error| error.to_string())?;
    }
    Ok(records)
}

/// Asks every back end that is elsewhere something that it must know.
fn remote(tenant: &config::Tenant) -> Vec<(&'static str, Result<(), String>)> {
    let clock = services::clock(None);
    let config::KeyServices { directory, smimea, kmip, .. } = &tenant.key_services;
    let mut states = Vec::new();
    if let Some(options) = directory {
        let found = key_services::directory(tenant, &clock).map_err(|error| error.to_string());
        let asked = found.and_then(|found| state(&found.map_or_else(Vec::new, |d| d.probe()), options.servers.len()));
        states.push(("directory", asked));
    }
    if let Some(options) = smimea {
        let found = key_services::smimea(tenant, &clock).map_err(|error| error.to_string());
        let asked = found.and_then(|found| state(&found.map_or_else(Vec::new, |s| s.probe()), options.resolvers.len()));
        states.push(("smimea", asked));
    }
    if let Some(options) = kmip {
        states.push(("kmip", state(&options.probe(), options.servers.len())));
    }
    // Not the token: a PIN that is wrong, offered again and again, locks it.
    states
}

/// A back end is up as long as one of its servers is.
fn state(errors: &[impl ToString], servers: usize) -> Result<(), String> {
    if errors.len() < servers.max(1) {
        return Ok(());
    }
    Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// What the certificates of the authorities that are in force say.
fn authorities(trust: &dyn Trust) -> Vec<CertificateFacts> {
    let encoded = [trust.anchors(), trust.intermediates()].into_iter().flatten().flatten();
    encoded.filter_map(|encoded| CertificateFacts::from_der(&encoded).ok()).collect()
}

/// When the last certificate of each address expires: one that has a successor is
/// nothing to act on.
fn last(records: &[Record], kind: Kind) -> BTreeMap<String, u64> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == kind && serves(record)) {
        let until = last.entry(record.address.clone()).or_default();
        *until = record.facts.not_after.max(*until);
    }
    last
}

/// Whether a key is in use.
fn serves(record: &Record) -> bool {
    !record.retired && !record.held && record.source != Source::Requested
}

impl Expiry {
    fn of(certificates: impl IntoIterator<Item = (String, u64)>, now: u64) -> Self {
        let mut expiry = Self::default();
        for (owner, until) in certificates {
            expiry.earliest = Some(expiry.earliest.map_or(until, |earliest| earliest.min(until)));
            if until >= now.saturating_add(NOTICE) {
                expiry.valid = expiry.valid.saturating_add(1);
                continue;
            }
            let count = if until < now { &mut expiry.expired } else { &mut expiry.expiring };
            *count = count.saturating_add(1);
            expiry.due.push((owner, until));
        }
        expiry.due.sort_by_key(|&(_, until)| until);
        expiry.due.truncate(LISTED);
        expiry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_348_800;

    #[test]
    fn certificates_are_told_by_when_they_expire() {
        let day = |days: i64| NOW.saturating_add_signed(days * time::DAY as i64);
        let of = [("a@abc.com", 400), ("b@abc.com", 29), ("c@abc.com", -1), ("d@abc.com", 30)];
        let expiry = Expiry::of(of.map(|(owner, days)| (owner.to_owned(), day(days))), NOW);
        assert_eq!((expiry.valid, expiry.expiring, expiry.expired), (2, 1, 1));
        assert_eq!(expiry.due, [("c@abc.com".to_owned(), day(-1)), ("b@abc.com".to_owned(), day(29))]);
        assert_eq!(expiry.earliest, Some(day(-1)));
    }

    #[test]
    fn a_process_is_unable_where_it_can_serve_nobody() {
        let findings = |tenant: &str, service, state| Findings {
            tenant: tenant.into(),
            services: vec![(service, state)],
            own: Expiry::default(),
            others: Expiry::default(),
            authorities: Expiry::default(),
            revocation_lists: Vec::new(),
        };
        let missing = || Err("its secret is missing".to_owned());
        let health = |tenants| Survey { at: NOW, tenants }.health();
        assert_eq!(health(vec![findings("abc", "keyring", Ok(()))]), Health::Serving);
        assert_eq!(Survey::default().health(), Health::Starting);
        // Others are served: no reason to go elsewhere.
        let one = health(vec![findings("abc", "keyring", Ok(())), findings("nec", "keyring", missing())]);
        assert!(one.serves());
        assert_eq!(one.to_string(), "impaired: tenant nec: keyring: its secret is missing");
        // A server that is away is so for every replica.
        assert!(health(vec![findings("nec", "directory", Err("it hangs".into()))]).serves());
        let all = health(vec![findings("abc", "services", missing()), findings("nec", "keyring", missing())]);
        assert!(!all.serves());
        assert!(all.to_string().starts_with("unable: tenant abc: services: its secret is missing\nunable: "), "{all}");
    }
}
