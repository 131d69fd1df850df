//! A configuration at work: its tenants, and how many messages there may be at a
//! time. A reload makes a new one beside the old.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::audit::Audit;
use super::refusal::Refusal;
use super::sandboxes::{Extent, Sandboxes};
use super::smtp::path::{POSTMASTER, is_postmaster};
use super::tenant::Tenant;
use crate::cli::Sandbox;
use crate::config::{self, Configuration};
use crate::tenant;

/// A configuration at work.
pub struct Site {
    /// What the file says.
    pub configuration: Configuration,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<Arc<Tenant>>,
    /// Places for messages, of all tenants together.
    pub places: Arc<Semaphore>,
    /// Where the events of messages go, besides the log.
    pub audit: Option<Arc<Audit>>,
    sandboxes: Sandboxes,
}

impl Site {
    /// Puts the first configuration of a process to work. A tenant that is not
    /// ready does not keep the others from theirs: its mail is deferred, and it is
    /// tried again. The error says what is wrong with the configuration, or that
    /// no tenant is ready.
    pub fn first(configuration: Configuration, sandbox: &Sandbox) -> Result<Self, String> {
        let site = Self::build(configuration, sandbox, None)?;
        let failed: Vec<String> = site.tenants.iter().filter_map(|tenant| tenant.failure()).collect();
        if failed.len() == site.tenants.len() {
            return Err(failed.join("; "));
        }
        failed.iter().for_each(|error| tracing::error!("{error}; its mail is deferred until it is ready"));
        Ok(site)
    }

    /// Puts a configuration to work in the place of another: wholly, or not at
    /// all. A tenant may be not ready only if it was not ready before.
    pub fn next(configuration: Configuration, sandbox: &Sandbox, before: &Self) -> Result<Self, String> {
        let site = Self::build(configuration, sandbox, Some(before))?;
        for tenant in &site.tenants {
            let known = before.tenants.iter().find(|known| known.settings.name == tenant.settings.name);
            match tenant.failure() {
                Some(error) if known.is_none_or(|known| known.failure().is_none()) => return Err(error),
                Some(_) | None => {}
            }
        }
        Ok(site)
    }

    fn build(configuration: Configuration, sandbox: &Sandbox, before: Option<&Self>) -> Result<Self, String> {
        let gateway = &configuration.gateway;
        let extent = Extent {
            cache: sandbox.cache.clone().or_else(tenant::default_cache),
            instances: gateway.messages,
            memory: configuration.tenants.iter().map(|tenant| tenant.limits.message.memory).max().unwrap_or_default(),
        };
        let mut sandboxes = Sandboxes::default();
        let none = Sandboxes::default();
        let known = before.map_or(&none, |before| &before.sandboxes);
        let mut tenants = Vec::with_capacity(configuration.tenants.len());
        for settings in &configuration.tenants {
            let component = settings.component.as_ref().or(sandbox.component.as_ref()).or(gateway.component.as_ref());
            let runtime = sandboxes
                .take(known, component.map(std::path::PathBuf::as_path), &extent)
                .map_err(|error| format!("tenant {}: {error}", settings.name))?;
            tenants.push(Arc::new(Tenant::open(settings.clone(), &runtime)));
        }
        let audit = gateway.audit.as_deref().map(|path| Audit::open(path).map(Arc::new)).transpose()?;
        let places = Arc::new(Semaphore::new(gateway.messages as usize));
        Ok(Self { configuration, tenants, places, audit, sandboxes })
    }

    /// The tenant that has the domain of `address`. The postmaster of the host, who
    /// has none, is of the tenant that the name of the host is below, or of the first.
    pub fn tenant_of(&self, address: &str) -> Option<&Arc<Tenant>> {
        if is_postmaster(address) {
            return self.of_postmaster();
        }
        self.named(tenant::by_domain(&self.configuration, address).ok()?)
    }

    fn of_postmaster(&self) -> Option<&Arc<Tenant>> {
        let host = self.configuration.gateway.hostname.as_str();
        let above = host.match_indices('.').filter_map(|(dot, _)| host.get(dot.saturating_add(1)..));
        let served = |domain: &str| self.tenant_of(&format!("{POSTMASTER}@{domain}"));
        std::iter::once(host).chain(above).find_map(served).or_else(|| self.tenants.first())
    }

    /// A recipient as the filter knows him: the postmaster of the host has the first
    /// domain of his tenant.
    pub fn mailbox(&self, recipient: &str) -> String {
        let tenant = self.tenant_of(recipient).filter(|_| is_postmaster(recipient));
        match tenant.and_then(|tenant| tenant.settings.domains.first()) {
            Some(domain) => format!("{recipient}@{domain}"),
            None => recipient.to_owned(),
        }
    }

    /// The tenant of this configuration at work.
    pub fn tenant(&self, settings: &config::Tenant) -> Result<Arc<Tenant>, Refusal> {
        let found = self.named(settings).map(Arc::clone);
        found.ok_or_else(|| Refusal::Fault(format!("the tenant {} is not at work", settings.name)))
    }

    fn named(&self, settings: &config::Tenant) -> Option<&Arc<Tenant>> {
        self.tenants.iter().find(|tenant| tenant.settings.name == settings.name)
    }
}
