//! The state of one call: what the host knows while the guest works on a
//! message, and what it counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Result};

use crate::event::{Event, Events, text};
use crate::scope::Scope;
use crate::services::{Tenant, notes};
use crate::stop::Stop;
use crate::workers::{Unanswered, Workers};
use crate::{Refusal, Severity};

/// The state of one call.
pub(crate) struct Call {
    pub tenant: Tenant,
    pub scope: Scope,
    /// When the host received the message, in seconds since 1970.
    pub now: u64,
    /// What the handles of the guest stand for.
    pub table: ResourceTable,
    pub memory: Memory,
    pub events: Events,
    pub counts: Counts,
    deadline: Instant,
    workers: Arc<Workers>,
}

/// What the guest has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub host_calls: u64,
    pub private_key_operations: u64,
    pub handles: usize,
    pub entropy: u64,
    pub offers: usize,
}

impl Call {
    pub(crate) fn new(tenant: Tenant, scope: Scope, deadline: Instant, workers: Arc<Workers>, memory: usize) -> Self {
        let now = tenant.clock.now();
        Self {
            tenant,
            scope,
            now,
            table: ResourceTable::new(),
            memory: Memory::new(memory),
            events: Events::default(),
            counts: Counts::default(),
            deadline,
            workers,
        }
    }

    /// Counts one call from the guest; every import begins with this.
    pub(crate) fn called(&mut self) -> Result<(), Stop> {
        self.counts.host_calls += 1;
        if self.counts.host_calls > self.tenant.limits.host_calls {
            return Err(Stop::HostCalls);
        }
        if self.time_left().is_zero() { Err(Stop::Time) } else { Ok(()) }
    }

    /// Counts one use of a private key.
    pub(crate) fn private_key_operation(&mut self) -> Result<(), Stop> {
        if self.counts.private_key_operations >= self.tenant.limits.private_key_operations {
            return Err(Stop::PrivateKeyOperations);
        }
        self.counts.private_key_operations += 1;
        Ok(())
    }

    /// Asks a service, which may hang or panic; `waits` is what it says of that.
    pub(crate) fn ask<T: Send + 'static>(
        &mut self,
        service: &'static str,
        waits: bool,
        question: impl FnOnce(&Tenant) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let answered = if waits {
            let deadline = self.deadline.min(Instant::now() + self.tenant.limits.service_time);
            let tenant = self.tenant.clone();
            self.workers.ask(deadline, move || notes::collect(|| question(&tenant)))
        } else {
            catch_unwind(AssertUnwindSafe(|| notes::collect(|| question(&self.tenant))))
                .map_err(|_| Unanswered::Panicked)
        };
        let (answer, notes) = answered.map_err(|unanswered| match unanswered {
            Unanswered::TimedOut if self.time_left().is_zero() => Stop::Time,
            Unanswered::TimedOut => Stop::ServiceSilent(service),
            Unanswered::Panicked => Stop::ServicePanicked(service),
            Unanswered::NoWorker => Stop::NoWorker,
        })?;
        for note in notes {
            self.events.report(&self.tenant.limits, note.severity, &note.name, note.fields);
        }
        Ok(answer)
    }

    /// Asks a service that may refuse: one that does not answer in time has.
    pub(crate) fn ask_refusable<T: Send + 'static>(
        &mut self,
        service: &'static str,
        waits: bool,
        question: impl FnOnce(&Tenant) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Result<T, Refusal>, Stop> {
        match self.ask(service, waits, question) {
            Err(stop @ Stop::ServiceSilent(_)) => {
                self.events.add(Event::new(Severity::Error, stop.cause(), vec![text("service", service)]));
                Ok(Err(Refusal::Unavailable(format!("{service} did not answer in time"))))
            }
            other => other,
        }
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The memory of one guest: counted, and bounded.
#[derive(Debug)]
pub(crate) struct Memory {
    most: usize,
    used: usize,
    peak: usize,
    /// Whether the guest asked for more than it may have.
    pub refused: bool,
}

impl Memory {
    fn new(most: usize) -> Self {
        Self { most, used: 0, peak: 0, refused: false }
    }

    /// The most octets it had at a time.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

/// Entries in all tables of a guest: the functions it calls indirectly.
const TABLE_ELEMENTS: usize = 100_000;

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.most || maximum.is_some_and(|maximum| desired > maximum) {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        self.peak = self.peak.max(used);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(desired <= TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum))
    }
}
