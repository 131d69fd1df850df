//! A tenant at work: its sandbox, its places, and its services, which may take
//! some time to be ready.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use host::Runtime;
use tokio::sync::Semaphore;

use super::metrics;
use crate::config;
use crate::tenant;
use crate::trust::{FileTrust, RevocationEnd};

/// A tenant at work.
pub struct Tenant {
    /// What the configuration says of it.
    pub settings: config::Tenant,
    /// The sandbox with its component, and with threads for its services alone.
    pub runtime: Runtime,
    /// Places for its messages.
    pub places: Arc<Semaphore>,
    services: Mutex<Services>,
}

/// The services, if they are ready.
enum Services {
    Ready { services: Box<host::Tenant>, revocation_ends: Vec<RevocationEnd> },
    NotReady { error: String, again: Instant },
}

impl Tenant {
    /// Puts a tenant to work, be its services ready or not. Blocks.
    pub fn open(settings: config::Tenant, sandbox: &Runtime) -> Self {
        let messages = settings.limits.messages as usize;
        Self {
            runtime: sandbox.with_own_services(messages.saturating_mul(SERVICES)),
            places: Arc::new(Semaphore::new(messages)),
            services: Mutex::new(open(&settings)),
            settings,
        }
    }

    /// Its services. Those that were not ready are tried again, now and then. The
    /// error says what they lack. Blocks.
    pub fn services(&self) -> Result<host::Tenant, String> {
        let mut services = self.lock();
        if let Services::NotReady { again, .. } = &*services
            && *again <= Instant::now()
        {
            *services = open(&self.settings);
            if matches!(*services, Services::Ready { .. }) {
                tracing::info!(tenant = self.settings.name, "ready");
            }
        }
        match &*services {
            Services::Ready { services, .. } => Ok(host::Tenant::clone(services)),
            Services::NotReady { error, .. } => Err(error.clone()),
        }
    }

    /// What its services lacked when they were last tried, if they are not ready.
    pub fn failure(&self) -> Option<String> {
        match &*self.lock() {
            Services::Ready { .. } => None,
            Services::NotReady { error, .. } => Some(error.clone()),
        }
    }

    /// Tells the metrics how many of its messages have their place.
    pub fn count(&self) {
        let places = self.settings.limits.messages as usize;
        metrics::in_progress(&self.settings.name, places.saturating_sub(self.places.available_permits()));
    }

    /// Until when there is a revocation list of each issuer that has any; none while
    /// the services are not ready.
    pub fn revocation_ends(&self) -> Vec<RevocationEnd> {
        match &*self.lock() {
            Services::Ready { revocation_ends, .. } => revocation_ends.clone(),
            Services::NotReady { .. } => Vec::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Services> {
        // Nothing is changed by halves under it.
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads for services, as multiples of the messages at a time: a message waits
/// for one service at a time, and may have given up some that hang.
const SERVICES: usize = 4;

/// How long after a failure the services are tried again.
const AGAIN: Duration = Duration::from_secs(10);

fn open(settings: &config::Tenant) -> Services {
    let opened = FileTrust::read(settings).map_err(|errors| errors.join("; ")).and_then(|trust| {
        let revocation_ends = trust.revocation_ends();
        let services = tenant::services(settings, trust, tenant::clock(None)).map_err(|error| error.to_string())?;
        Ok(Services::Ready { services: Box::new(services), revocation_ends })
    });
    match opened {
        Ok(services) => services,
        Err(error) => {
            let error = format!("tenant {}: {error}", settings.name);
            Services::NotReady { error, again: Instant::now() + AGAIN }
        }
    }
}
