//! A configuration at work: the tenants with their services, the sandboxes, and
//! how many messages there may be at a time. A reload makes a new one.

use std::path::PathBuf;
use std::sync::Arc;

use host::{Runtime, RuntimeOptions};
use tokio::sync::Semaphore;

use crate::cli::Sandbox;
use crate::config::{self, Configuration};
use crate::tenant;
use crate::trust::FileTrust;

/// A configuration at work.
pub struct Site {
    /// What the file says.
    pub configuration: Configuration,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<Arc<Tenant>>,
    /// Places for messages, of all tenants together.
    pub places: Arc<Semaphore>,
}

/// A tenant at work.
pub struct Tenant {
    /// What the configuration says of it.
    pub settings: config::Tenant,
    /// Its services and limits.
    pub services: host::Tenant,
    /// The sandbox with its component.
    pub runtime: Arc<Runtime>,
    /// Places for its messages.
    pub places: Arc<Semaphore>,
}

impl Site {
    /// Puts a configuration to work. The error says what keeps it from that.
    pub fn build(configuration: Configuration, sandbox: &Sandbox) -> Result<Self, String> {
        let mut runtimes: Vec<(Option<PathBuf>, Arc<Runtime>)> = Vec::new();
        let mut tenants = Vec::with_capacity(configuration.tenants.len());
        for settings in &configuration.tenants {
            let said = |text: String| format!("tenant {}: {text}", settings.name);
            let component =
                settings.component.as_ref().or(sandbox.component.as_ref()).or(configuration.gateway.component.as_ref());
            let runtime = match runtimes.iter().find(|(of, _)| of.as_ref() == component) {
                Some((_, runtime)) => Arc::clone(runtime),
                None => {
                    let runtime = runtime(&configuration, sandbox, component.cloned()).map_err(said)?;
                    runtimes.push((component.cloned(), Arc::clone(&runtime)));
                    runtime
                }
            };
            let trust = FileTrust::read(settings).map_err(|errors| said(errors.join("; ")))?;
            let services =
                tenant::services(settings, trust, tenant::clock(None)).map_err(|error| said(error.to_string()))?;
            let places = Arc::new(Semaphore::new(settings.limits.messages as usize));
            tenants.push(Arc::new(Tenant { settings: settings.clone(), services, runtime, places }));
        }
        let places = Arc::new(Semaphore::new(configuration.gateway.messages as usize));
        Ok(Self { configuration, tenants, places })
    }

    /// The tenant that has the domain of `address`.
    pub fn tenant_of(&self, address: &str) -> Option<&Arc<Tenant>> {
        let found = tenant::by_domain(&self.configuration, address).ok()?;
        self.tenants.iter().find(|tenant| tenant.settings.name == found.name)
    }
}

fn runtime(
    configuration: &Configuration,
    sandbox: &Sandbox,
    component: Option<PathBuf>,
) -> Result<Arc<Runtime>, String> {
    let options = RuntimeOptions {
        component,
        cache: sandbox.cache.clone().or_else(tenant::default_cache),
        instances: configuration.gateway.messages,
        memory: configuration.tenants.iter().map(|tenant| tenant.limits.message.memory).max().unwrap_or_default(),
        ..RuntimeOptions::default()
    };
    Runtime::new(options).map(Arc::new).map_err(|error| error.to_string())
}
