//! Whose message it is, and the services that its tenant brings.

use std::path::PathBuf;
use std::sync::Arc;

use host::mailbox::normal_domain;
use host::memory::FixedClock;
use host::services::{SameMailbox, SystemClock, SystemEntropy};
use host::{Clock, Direction, Envelope, Runtime, RuntimeError, RuntimeOptions, Trust as _};

use crate::cli::Sandbox;
use crate::config::{Configuration, Tenant};
use crate::key_services::{KeyServiceError, KeyServices};
use crate::trust::FileTrust;

/// The clock of the machine, or one that stands at `at`.
pub fn clock(at: Option<u64>) -> Arc<dyn Clock> {
    match at {
        Some(instant) => Arc::new(FixedClock(instant)),
        None => Arc::new(SystemClock),
    }
}

/// Recipients of one tenant's message, by their place in the envelope.
#[derive(Debug)]
pub struct Share<'c> {
    /// Whose message it is.
    pub tenant: &'c Tenant,
    /// The recipients.
    pub recipients: Vec<usize>,
}

/// No tenant has the domain that a message would have to be of.
#[derive(Debug, PartialEq, Eq)]
pub struct NotServed {
    /// The address with that domain; none is the null reverse-path.
    pub address: Option<String>,
}

/// Whose message it is: outbound the submitter's tenant's, inbound that of each
/// recipient.
///
/// Domains are compared by whole labels and without case: a subdomain is another
/// domain, and so is anything that only looks alike (T36).
pub fn shares<'c>(configuration: &'c Configuration, envelope: &Envelope) -> Result<Vec<Share<'c>>, NotServed> {
    if envelope.direction == Direction::Outbound {
        let tenant = sending(configuration, envelope)?;
        return Ok(vec![Share { tenant, recipients: (0..envelope.recipients.len()).collect() }]);
    }
    let mut shares: Vec<Share<'c>> = Vec::new();
    for (place, recipient) in envelope.recipients.iter().enumerate() {
        let tenant = by_domain(configuration, recipient)?;
        match shares.iter_mut().find(|share| share.tenant.name == tenant.name) {
            Some(share) => share.recipients.push(place),
            None => shares.push(Share { tenant, recipients: vec![place] }),
        }
    }
    Ok(shares)
}

fn sending<'c>(configuration: &'c Configuration, envelope: &Envelope) -> Result<&'c Tenant, NotServed> {
    // A submitter may be a bare login name: then the reverse-path tells.
    let submitter = envelope.submitter.as_deref().filter(|submitter| submitter.contains('@'));
    match (submitter.or(envelope.sender.as_deref()), configuration.tenants.as_slice()) {
        (Some(address), _) => by_domain(configuration, address),
        // A bounce is of whoever runs the mail server, if there is only one.
        (None, [only]) => Ok(only),
        (None, _) => Err(NotServed { address: None }),
    }
}

/// The tenant that has the domain of an address.
pub fn by_domain<'c>(configuration: &'c Configuration, address: &str) -> Result<&'c Tenant, NotServed> {
    let domain = address.rsplit_once('@').map(|(_, domain)| normal_domain(domain));
    domain
        .and_then(|domain| configuration.tenants.iter().find(|tenant| tenant.domains.contains(&domain)))
        .ok_or_else(|| NotServed { address: Some(address.to_owned()) })
}

/// The services of a tenant.
pub fn services(tenant: &Tenant, trust: FileTrust, clock: Arc<dyn Clock>) -> Result<host::Tenant, KeyServiceError> {
    let (anchors, intermediates) = (trust.anchors().unwrap_or_default(), trust.intermediates().unwrap_or_default());
    let keys = KeyServices::open(tenant, &anchors, intermediates, &clock)?;
    Ok(host::Tenant {
        certificates: keys.certificates,
        private_keys: keys.private_keys,
        trust: Arc::new(trust),
        policies: Arc::new(tenant.clone()),
        harvest: keys.harvest,
        authorise: Arc::new(SameMailbox),
        clock,
        entropy: Arc::new(SystemEntropy),
        limits: tenant.limits.message.clone(),
    })
}

/// The sandbox, made for one message at a time.
pub fn runtime(sandbox: &Sandbox) -> Result<Runtime, RuntimeError> {
    Runtime::new(RuntimeOptions {
        component: sandbox.component.clone(),
        cache: sandbox.cache.clone().or_else(default_cache),
        instances: 1,
        ..RuntimeOptions::default()
    })
}

/// Where compiled components are kept: what systemd or the XDG specification
/// says, if either says anything.
pub fn default_cache() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("CACHE_DIRECTORY")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("wasmime")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/wasmime")))
        .filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn configuration() -> Configuration {
        let text = "[tenant.nec]\ndomains = [\"nec.co.jp\"]\n[tenant.abc]\ndomains = [\"abc.com\", \"abc.net\"]\n";
        Configuration::parse(Path::new("w.toml"), text).unwrap()
    }

    fn envelope(direction: Direction, submitter: Option<&str>, sender: Option<&str>, to: &[&str]) -> Envelope {
        Envelope {
            direction,
            submitter: submitter.map(Into::into),
            sender: sender.map(Into::into),
            recipients: to.iter().map(|&address| address.into()).collect(),
        }
    }

    fn inbound(to: &[&str]) -> Result<Vec<(String, Vec<usize>)>, NotServed> {
        let configuration = configuration();
        let shares = shares(&configuration, &envelope(Direction::Inbound, None, None, to))?;
        Ok(shares.into_iter().map(|share| (share.tenant.name.clone(), share.recipients)).collect())
    }

    #[test]
    fn t36_a_tenant_serves_its_own_domains_and_no_lookalike() {
        for (address, tenant) in
            [("a@nec.co.jp", "nec"), ("a@NEC.CO.JP", "nec"), ("a+tag@abc.net", "abc"), ("a@evil@abc.com", "abc")]
        {
            assert_eq!(inbound(&[address]).unwrap(), [(tenant.to_owned(), vec![0])], "{address}");
        }
        for outside in [
            "a@nec.co.jp.evil",
            "a@evilnec.co.jp",
            "a@sub.nec.co.jp",
            "a@nec.co.jp.",
            "a@nec.co.jp ",
            "a@ｎec.co.jp",
            "a@",
            "nec.co.jp",
            "",
        ] {
            assert_eq!(inbound(&[outside]), Err(NotServed { address: Some(outside.to_owned()) }));
        }
    }

    #[test]
    fn each_recipient_is_of_its_own_tenant() {
        let shares = inbound(&["a@abc.com", "b@nec.co.jp", "c@abc.net"]).unwrap();
        assert_eq!(shares, [("abc".to_owned(), vec![0, 2]), ("nec".to_owned(), vec![1])]);
        assert!(inbound(&["a@abc.com", "b@elsewhere.example"]).is_err());
    }

    #[test]
    fn outbound_the_submitter_tells_and_then_the_reverse_path() {
        let configuration = configuration();
        let whose = |submitter, sender| {
            let envelope = envelope(Direction::Outbound, submitter, sender, &["x@elsewhere.example"]);
            shares(&configuration, &envelope)
                .map(|shares| shares.iter().map(|share| share.tenant.name.clone()).collect())
        };
        let nec: Result<Vec<_>, _> = Ok(vec!["nec".to_owned()]);
        assert_eq!(whose(Some("taro@nec.co.jp"), Some("x@abc.com")), nec);
        assert_eq!(whose(Some("taro"), Some("taro@nec.co.jp")), nec);
        assert_eq!(whose(None, Some("taro@nec.co.jp")), nec);
        assert!(whose(None, None).is_err(), "whose bounce?");
        assert!(whose(Some("x@elsewhere.example"), Some("taro@nec.co.jp")).is_err());
    }
}
