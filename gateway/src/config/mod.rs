//! The configuration: one TOML file, read strictly. Paths in it are relative to
//! where it lies.

mod address;
mod authority;
mod directories;
mod error;
mod gateway;
mod key_servers;
mod key_services;
mod limits;
mod listener;
mod next_hop;
mod pattern;
mod policies;
mod raw;
mod source;
mod units;

use std::path::{Path, PathBuf};

use host::mailbox::normal_domain;
use host::{InboundPolicy, OutboundPolicy};

pub use address::{Address, NextHopAddress, NextHopProtocol};
pub use authority::Authority;
pub use error::ConfigurationError;
pub use gateway::{Gateway, LogFormat};
pub use key_services::{KeyServices, PrivateKeys, PublicKeys};
pub use limits::Limits;
pub use listener::{Listener, ListenerDirection, Protocol, TlsFiles};
pub use next_hop::{NextHop, NextHopTls};
use pattern::Pattern;
use source::Source;

/// All that a configuration file says.
#[derive(Debug)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// What holds for all tenants together.
    pub gateway: Gateway,
    /// Where mail comes in; only `wasmime serve` needs one.
    pub listeners: Vec<Listener>,
    /// The tenants, by name.
    pub tenants: Vec<Tenant>,
}

/// What it says of one tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name: what stands after `tenant.`.
    pub name: String,
    /// Its mail domains, in A-labels and lower case.
    pub domains: Vec<String>,
    /// The component, if it wants another than the gateway's.
    pub component: Option<PathBuf>,
    /// What its messages may cost.
    pub limits: Limits,
    /// The file of its keyring.
    pub keyring: PathBuf,
    /// Where its keys are.
    pub key_services: KeyServices,
    /// Its own authority, which is there once it has issued something.
    pub authority: Authority,
    /// Files of trust anchors.
    pub anchors: Vec<PathBuf>,
    /// Files of intermediate authorities.
    pub intermediates: Vec<PathBuf>,
    /// Files of revocation lists; a name may have `*`.
    pub revocation_lists: Vec<PathBuf>,
    /// What is done to mail that leaves.
    pub outbound: OutboundPolicy,
    /// What is done to mail that arrives.
    pub inbound: InboundPolicy,
    /// Exceptions; the first that matches wins.
    pub rules: Vec<Rule>,
}

/// An exception for some recipients.
#[derive(Clone, Debug)]
pub struct Rule {
    recipient: Pattern,
    outbound: OutboundPolicy,
    inbound: InboundPolicy,
}

impl Configuration {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigurationError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigurationError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(path, &text)
    }

    /// Reads the text of the configuration file `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigurationError> {
        let source = Source { path, text };
        let file: raw::File = toml::from_str(text).map_err(|error| source.syntax(&error))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut tenants = Vec::with_capacity(file.tenant.len());
        let mut taken: Vec<(String, String)> = Vec::new();
        for (name, raw) in file.tenant {
            let tenant = tenant(&source, folder, name, raw, &mut taken)?;
            tenants.push(tenant);
        }
        if tenants.is_empty() {
            return Err(ConfigurationError::NoTenant(path.to_owned()));
        }
        let gateway = gateway::gateway(&source, folder, file.gateway)?;
        let listeners = listener::listeners(&source, folder, file.listener)?;
        Ok(Self { path: path.to_owned(), gateway, listeners, tenants })
    }

    /// The tenant called `name`, or the only one.
    pub fn tenant(&self, name: Option<&str>) -> Result<&Tenant, ConfigurationError> {
        let names = || self.tenants.iter().map(|tenant| tenant.name.clone()).collect();
        match (name, self.tenants.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(ConfigurationError::WhichTenant { path: self.path.clone(), names: names() }),
            (Some(name), all) => all.iter().find(|tenant| tenant.name == name).ok_or_else(|| {
                ConfigurationError::UnknownTenant { path: self.path.clone(), name: name.to_owned(), names: names() }
            }),
        }
    }
}

fn tenant(
    source: &Source<'_>,
    folder: &Path,
    name: String,
    mut raw: raw::Tenant,
    taken: &mut Vec<(String, String)>,
) -> Result<Tenant, ConfigurationError> {
    let mut domains = Vec::with_capacity(raw.domains.get_ref().len());
    for domain in raw.domains.get_ref() {
        let folded = normal_domain(domain.get_ref());
        if !is_domain(&folded) {
            let text = format!("`{}` is not a domain; write it as example.com", domain.get_ref());
            return Err(source.at(domain.span(), text));
        }
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == folded) {
            return Err(source.at(domain.span(), format!("the domain `{folded}` is that of tenant `{other}` already")));
        }
        taken.push((folded.clone(), name.clone()));
        domains.push(folded);
    }
    let Some(first) = domains.first() else {
        return Err(source.at(raw.domains.span(), "a tenant needs at least one domain".to_owned()));
    };
    let key_services = KeyServices::read(source, folder, &mut raw)?;
    let authority = Authority::read(source, folder, &domains, &key_services.private, raw.authority.take())?;
    let outbound = raw.outbound.over(policies::OUTBOUND);
    authserv_id(source, &raw.inbound)?;
    let inbound = raw.inbound.over(policies::inbound(first));
    let rules = raw
        .rule
        .into_iter()
        .map(|rule| {
            authserv_id(source, &rule.inbound)?;
            let pattern =
                Pattern::parse(rule.recipient.get_ref()).map_err(|reason| source.at(rule.recipient.span(), reason))?;
            Ok(Rule {
                recipient: pattern,
                outbound: rule.outbound.over(outbound),
                inbound: rule.inbound.over(inbound.clone()),
            })
        })
        .collect::<Result<_, ConfigurationError>>()?;
    let within = |paths: Vec<PathBuf>| paths.into_iter().map(|path| folder.join(path)).collect();
    let keyring = raw.keyring.unwrap_or_else(|| PathBuf::from(format!("{name}.keyring")));
    Ok(Tenant {
        component: raw.component.map(|path| folder.join(path)),
        limits: raw.limits.into(),
        keyring: folder.join(keyring),
        key_services,
        authority,
        anchors: within(raw.anchors),
        intermediates: within(raw.intermediates),
        revocation_lists: within(raw.revocation_lists),
        name,
        domains,
        outbound,
        inbound,
        rules,
    })
}

/// An `authserv-id` is written into a header field as it is (RFC 8601, section
/// 2.5).
fn authserv_id(source: &Source<'_>, inbound: &raw::Inbound) -> Result<(), ConfigurationError> {
    match &inbound.authserv_id {
        Some(name) if !is_domain(&name.get_ref().to_lowercase()) => {
            let text = format!("`{}` is not a host name; write it as mail.example.com", name.get_ref());
            Err(source.at(name.span(), text))
        }
        _ => Ok(()),
    }
}

/// Whether `text` is a name of whole labels (RFC 5321, section 4.1.2; RFC 6531).
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 255 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
