//! The way of a message through the sandbox: a fresh instance, one call, the
//! check of its verdict, and nothing left of either.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Linker;
use wasmtime::{Engine, Store, Trap};

use crate::bindings::GatewayPre;
use crate::call::Call;
use crate::engine::{self, TICK, Ticker};
use crate::event::{Event, number, text};
use crate::permits::Permits;
use crate::scope::Scope;
use crate::services::Tenant;
use crate::stop::Stop;
use crate::workers::Workers;
use crate::{Envelope, Reply, Severity, Verdict, cache, check, imports};

/// How a [`Runtime`] is made.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// The component to run; none is the one built into this library, which has
    /// no access to private keys and lets this host digest and encrypt contents.
    pub component: Option<PathBuf>,
    /// A directory of this user's own where the compiled component is kept;
    /// none compiles it anew for each [`Runtime`], which takes a second.
    pub cache: Option<PathBuf>,
    /// Messages that may be worked on at a time; others wait.
    pub instances: u32,
    /// Octets of linear memory that any message may have.
    pub memory: usize,
    /// Octets of an instance's memory that are kept for the next message rather
    /// than given back to the system.
    pub keep_resident: usize,
    /// Services that may be busy or hang at a time.
    pub services: usize,
    /// Lets guests go on without end, to see what it costs that they can be
    /// stopped: for benches.
    pub unstoppable: bool,
    /// Counts the instructions of the guest, in [`Statistics::fuel`]. It costs
    /// speed: for tests and benches.
    pub fuel: bool,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self {
            component: None,
            cache: None,
            instances: 64,
            memory: 512 << 20,
            keep_resident: 8 << 20,
            services: 256,
            unstoppable: false,
            fuel: false,
        }
    }
}

/// The sandbox: an engine and a compiled component, from which each message gets
/// an instance of its own. One serves all threads and tenants of a process; a
/// tenant whose services may hang gets a [`Runtime::with_own_services`].
pub struct Runtime {
    sandbox: Arc<Sandbox>,
    workers: Arc<Workers>,
}

/// What is made once for a component.
struct Sandbox {
    component: GatewayPre<Call>,
    engine: Engine,
    imports: Vec<String>,
    places: Arc<Permits>,
    options: RuntimeOptions,
    _ticker: Ticker,
}

/// Why there is no [`Runtime`].
#[non_exhaustive]
#[derive(Debug)]
pub enum RuntimeError {
    /// The file of the component cannot be read.
    Read(PathBuf, std::io::Error),
    /// The engine does not start on this machine.
    Engine(wasmtime::Error),
    /// The file is no component, or one that needs what the engine lacks.
    Compile(wasmtime::Error),
    /// The component imports or exports something else than the world
    /// `wasmime:filter/gateway` has.
    World(wasmtime::Error),
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, e) => write!(f, "the component {} cannot be read: {e}", path.display()),
            Self::Engine(e) => write!(f, "the sandbox cannot be set up on this machine: {e:#}"),
            Self::Compile(e) => write!(f, "the component cannot be compiled; give a WebAssembly component: {e:#}"),
            Self::World(e) => {
                write!(f, "the component does not fit the world wasmime:filter/gateway@0.1.0 of this version: {e:#}")
            }
        }
    }
}

impl std::error::Error for RuntimeError {}

/// What came of a message.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What becomes of it. It has been checked: whoever follows it serves each
    /// recipient once and sends well-formed replies.
    pub verdict: Verdict,
    /// What the operator needs to know.
    pub events: Vec<Event>,
    /// How often private keys were used, or handed to the guest.
    pub private_key_operations: u64,
    /// What it cost.
    pub statistics: Statistics,
}

/// What a message cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Time from the call to the verdict.
    pub elapsed: Duration,
    /// The most octets of linear memory the guest had.
    pub memory_peak: usize,
    /// Calls from the guest to the host.
    pub host_calls: u64,
    /// Instructions of the guest, if [`RuntimeOptions::fuel`] is set.
    pub fuel: Option<u64>,
}

impl Runtime {
    /// Sets up the sandbox and loads the component.
    pub fn new(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let engine = engine::engine(&options).map_err(RuntimeError::Engine)?;
        let ticker = Ticker::start(&engine).map_err(|e| RuntimeError::Engine(e.into()))?;
        let given = match &options.component {
            Some(path) => Some(std::fs::read(path).map_err(|e| RuntimeError::Read(path.clone(), e))?),
            None => None,
        };
        let wasm = given.as_deref().unwrap_or(BUILT_IN);
        let component = cache::load(&engine, wasm, options.cache.as_deref()).map_err(RuntimeError::Compile)?;
        let imports = component.component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect();
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(RuntimeError::Engine)?;
        let component = linker.instantiate_pre(&component).and_then(GatewayPre::new).map_err(RuntimeError::World)?;
        let workers = Arc::new(Workers::new(options.services));
        let places = Permits::new(options.instances as usize);
        Ok(Self {
            sandbox: Arc::new(Sandbox { component, engine, imports, places, options, _ticker: ticker }),
            workers,
        })
    }

    /// The same sandbox for one tenant, of whose services `services` may be busy
    /// or hang at a time: those that hang take no thread from another tenant's.
    pub fn with_own_services(&self, services: usize) -> Self {
        Self { sandbox: Arc::clone(&self.sandbox), workers: Arc::new(Workers::new(services)) }
    }

    /// The interfaces that the component imports: what it can do at all.
    pub fn imports(&self) -> &[String] {
        &self.sandbox.imports
    }

    /// Whether the component can ask for private keys in the clear.
    pub fn exports_keys(&self) -> bool {
        self.sandbox.imports.iter().any(|name| name.starts_with("wasmime:filter/key-export@"))
    }

    /// Decides what becomes of `message`: a header, an empty line and a body, with
    /// the dots of the DATA command removed.
    ///
    /// Whatever fails on the way, the verdict is `451 4.3.0`, and the events tell
    /// the cause. May be called on many threads at once.
    pub fn run(&self, tenant: &Tenant, envelope: &Envelope, message: &[u8]) -> Outcome {
        let started = Instant::now();
        if let Some(refused) = refuse_beforehand(tenant, envelope, message) {
            return refused;
        }
        // A panic of this library or of a service must not take the mail server
        // with it. All that was touched is dropped.
        let mut outcome = catch_unwind(AssertUnwindSafe(|| self.run_in_sandbox(tenant, envelope, message, started)))
            .unwrap_or_else(|_| failed("panic", None));
        outcome.statistics.elapsed = started.elapsed();
        outcome
    }

    fn run_in_sandbox(&self, tenant: &Tenant, envelope: &Envelope, message: &[u8], started: Instant) -> Outcome {
        let Sandbox { component, engine, places, options, .. } = &*self.sandbox;
        let limits = &tenant.limits;
        let deadline = started + limits.time;
        let Some(_place) = places.take(deadline.saturating_duration_since(Instant::now())) else {
            return failed("no-instance", None);
        };
        let scope = Scope::new(envelope, Arc::clone(&tenant.authorise));
        let memory = limits.memory.min(options.memory);
        let call = Call::new(tenant.clone(), scope, deadline, Arc::clone(&self.workers), memory);
        let mut store = Store::new(engine, call);
        store.limiter(|call| &mut call.memory);
        store.set_hostcall_fuel(limits.transfer);
        store.set_max_component_handles(limits.handles.saturating_mul(2));
        if !options.unstoppable {
            store.set_epoch_deadline(ticks(deadline.saturating_duration_since(Instant::now())));
            store.epoch_deadline_trap();
        }
        if options.fuel {
            // Counted, not rationed.
            let _ = store.set_fuel(u64::MAX);
        }

        let answered = component
            .instantiate(&mut store)
            .and_then(|instance| instance.wasmime_filter_filter().call_process(&mut store, envelope, message));

        let fuel = if options.fuel { store.get_fuel().ok().map(|left| u64::MAX - left) } else { None };
        let mut call = store.into_data();
        let verdict = match answered {
            Ok(verdict) => match check::check(&verdict, envelope) {
                Ok(()) => verdict,
                Err(flaw) => {
                    let cause = vec![text("cause", flaw.cause())];
                    call.events.add(Event::new(Severity::Error, "verdict-ill-formed", cause));
                    check::replacement(&verdict)
                }
            },
            Err(error) => {
                call.events.add(guest_stopped(&error, &call));
                check::deferral()
            }
        };
        Outcome {
            verdict,
            events: call.events.finish(),
            private_key_operations: call.counts.private_key_operations,
            statistics: Statistics {
                elapsed: Duration::ZERO,
                memory_peak: call.memory.peak(),
                host_calls: call.counts.host_calls,
                fuel,
            },
        }
    }
}

/// The file of the component that is built into this library, as `build.rs` made
/// or found it.
pub const COMPONENT: &str = env!("COMPONENT");

static BUILT_IN: &[u8] = include_bytes!(env!("COMPONENT"));

fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos() / TICK.as_nanos();
    // The tick that is under way does not count.
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1)
}

/// The answer to what no guest needs to see.
fn refuse_beforehand(tenant: &Tenant, envelope: &Envelope, message: &[u8]) -> Option<Outcome> {
    if envelope.recipients.is_empty() {
        return Some(failed("no-recipients", None));
    }
    let limit = tenant.limits.message_size;
    if message.len() <= limit {
        return None;
    }
    let sizes = vec![number("size", message.len() as u64), number("limit", limit as u64)];
    let reply = Reply {
        code: 552,
        subject: 3,
        detail: 4,
        text: format!("The message is larger than the {limit} octets that are accepted here"),
    };
    Some(without_guest(Verdict::Reject(reply), Event::new(Severity::Error, "message-too-large", sizes)))
}

fn failed(cause: &str, detail: Option<&str>) -> Outcome {
    let mut fields = vec![text("cause", cause)];
    fields.extend(detail.map(|detail| text("detail", detail)));
    without_guest(check::deferral(), Event::new(Severity::Error, "guest-stopped", fields))
}

fn without_guest(verdict: Verdict, event: Event) -> Outcome {
    Outcome { verdict, events: vec![event], private_key_operations: 0, statistics: Statistics::default() }
}

/// The true cause of a guest's end.
fn guest_stopped(error: &wasmtime::Error, call: &Call) -> Event {
    let stop = error.downcast_ref::<Stop>().copied();
    let cause = match (stop, error.downcast_ref::<Trap>()) {
        (Some(stop), _) => stop.cause(),
        (None, Some(Trap::Interrupt)) => Stop::Time.cause(),
        (None, Some(Trap::StackOverflow)) => "limit-stack",
        // A guest that gets no memory gives up in its own way.
        _ if call.memory.refused => "limit-memory",
        (None, Some(_)) => "trap",
        (None, None) => "guest",
    };
    let mut fields = vec![text("cause", cause)];
    match stop {
        Some(stop) => fields.extend(stop.service().map(|service| text("service", service))),
        // Without the backtrace, which is of no use to an operator.
        None => fields.push(text("detail", &error.root_cause().to_string())),
    }
    Event::new(Severity::Error, "guest-stopped", fields)
}
