//! `wasmime serve`: the gateway between mail servers.
//!
//! Sockets take connections ([`sockets`]), each of which is a session of its own
//! task in the protocol of its listener. Whatever the protocol, a session asks
//! the one [`Gate`] who is let in and what becomes of a message, and hands on
//! what that says.

mod admission;
mod audit;
mod confine;
mod course;
mod delivered;
mod failures;
mod gate;
mod held;
mod judge;
mod ledger;
mod listener;
mod log;
mod metrics;
mod milter;
mod next_hop;
mod parts;
mod record;
mod refusal;
mod repeats;
mod replies;
mod restraint;
mod sandboxes;
mod signals;
mod site;
mod smtp;
mod sockets;
mod status;
mod stream;
mod systemd;
mod tenant;
mod transaction;

use std::sync::Arc;

use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

pub use gate::Gate;
pub use held::Held;
pub use listener::Listener;
pub use refusal::Refusal;
pub use status::ask;
pub use stream::{Peer, Stream};
pub use transaction::{Client, Judgement, MOST_RECIPIENTS, Part, PartContent, Transaction, new_id};

use crate::config::{self, Configuration, ConfigurationError, Gateway, Protocol};
use crate::exit::{Failure, Status};
use crate::{cli, tenant as services};
use confine::{Confinement, Needs};
use delivered::Delivered;
use signals::{Signal, Signals};
use site::Site;
use sockets::Sockets;
use status::Monitor;

/// Serves until it is told to stop.
pub fn run(arguments: &cli::Serve, verbose: u8) -> Result<Status, Failure> {
    let configuration = read(arguments)?;
    log::start(configuration.gateway.log, verbose);
    let failed = |error: String| Failure::new(Status::Failed, error);
    // Before there are threads: the kernel confines this one and those that it begins.
    let confinement = confine(arguments, &configuration).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("wasmime")
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| failed(format!("no threads can be had: {error}")))?;
    let done = runtime.block_on(serve(arguments, configuration, confinement)).map_err(failed);
    // What still runs in a sandbox has had its time.
    runtime.shutdown_background();
    done.map(|()| Status::Ok)
}

/// More than there are messages at a time in any sensible configuration; others
/// wait.
const MAX_BLOCKING_THREADS: usize = 1024;

/// The configuration, which has to have a listener.
fn read(arguments: &cli::Serve) -> Result<Configuration, ConfigurationError> {
    let configuration = Configuration::read(&arguments.configuration.config)?;
    match configuration.listeners.is_empty() {
        true => Err(ConfigurationError::NoListener(configuration.path)),
        false => Ok(configuration),
    }
}

/// Gives up what the configuration has no use for, unless it says not to.
fn confine(arguments: &cli::Serve, configuration: &Configuration) -> Result<Option<Confinement>, String> {
    if !configuration.gateway.landlock {
        tracing::warn!("not confined: landlock = false");
        return Ok(None);
    }
    let confinement = Confinement::begin(needs(arguments, configuration))?;
    confinement.tell();
    Ok(Some(confinement))
}

fn needs(arguments: &cli::Serve, configuration: &Configuration) -> Needs {
    let cache = arguments.sandbox.cache.clone().or_else(services::default_cache);
    Needs::of(configuration, arguments.sandbox.component.as_deref(), cache.as_deref())
}

async fn serve(
    arguments: &cli::Serve,
    configuration: Configuration,
    confinement: Option<Confinement>,
) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("signals cannot be received: {error}"))?;
    let mut process = Process::begin(arguments, configuration, confinement).await?;
    tokio::spawn(systemd::watchdog());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "serving");
    systemd::ready();
    while signals.next().await == Signal::Reload {
        systemd::reloading();
        let done = process.reload().await;
        process.monitor.reloaded(done.as_ref().err().map(String::as_str));
        match done {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(error) => tracing::error!("the configuration stays as it was: {error}"),
        }
        systemd::ready();
    }
    systemd::stopping();
    process.monitor.drain();
    let Process { gate, mut sockets, .. } = process;
    let drain = gate.site().configuration.gateway.drain;
    tracing::info!(sessions = sockets.sessions(), "stopping");
    tokio::select! {
        () = sockets.drain(drain) => tracing::info!("stopped"),
        () = signals.stop_again() => tracing::warn!(sessions = sockets.sessions(), "stopped at once"),
    }
    Ok(())
}

/// All that is at work, and what a reload makes anew.
struct Process<'a> {
    arguments: &'a cli::Serve,
    confinement: Option<Confinement>,
    gate: Arc<Gate>,
    delivered: Delivered,
    monitor: Arc<Monitor>,
    sockets: Sockets,
}

impl<'a> Process<'a> {
    /// Puts the first configuration to work.
    async fn begin(
        arguments: &'a cli::Serve,
        configuration: Configuration,
        confinement: Option<Confinement>,
    ) -> Result<Self, String> {
        let counted = metrics::start()?;
        let delivered = Delivered::open(configuration.gateway.state.as_deref())?;
        let listeners = listeners(&configuration, &delivered)?;
        let site = block_in_place(|| Site::first(configuration, &arguments.sandbox))?;
        let status = site.configuration.gateway.status.clone();
        let gate = Arc::new(Gate::new(site));
        let confined = confinement.as_ref().map_or("no: landlock = false", Confinement::force);
        let monitor = Monitor::new(Arc::clone(&gate), counted, confined);
        let mut sockets = Sockets::new(Arc::clone(&gate));
        let bound = sockets.bind(listeners).await?;
        monitor.take_over(monitor.prepare(status.as_ref()).await?);
        bound.serve(&mut sockets);
        Ok(Self { arguments, confinement, gate, delivered, monitor, sockets })
    }

    /// Makes everything anew, and only then puts it in the place of the old.
    async fn reload(&mut self) -> Result<(), String> {
        let configuration = read(self.arguments).map_err(|error| error.to_string())?;
        if configuration.gateway.state != self.gate.site().configuration.gateway.state {
            return Err("`state` is opened once, at the start; restart the gateway to change it".to_owned());
        }
        if let Some(confinement) = &self.confinement {
            confinement.covers(&needs(self.arguments, &configuration))?;
        }
        let listeners = listeners(&configuration, &self.delivered)?;
        let site = block_in_place(|| Site::next(configuration, &self.arguments.sandbox, &self.gate.site()))?;
        let bound = self.sockets.bind(listeners).await?;
        let status = self.monitor.prepare(site.configuration.gateway.status.as_ref()).await?;
        log::set(site.configuration.gateway.log);
        self.gate.reload(site);
        bound.serve(&mut self.sockets);
        self.monitor.take_over(status);
        Ok(())
    }
}

/// What keeps a listener from its work apart from its socket, if anything does:
/// for `wasmime check`.
pub fn try_listener(settings: &config::Listener, gateway: &Gateway) -> Result<(), String> {
    Listener::new(settings, gateway, &Delivered::open(None)?).map(drop)
}

fn listeners(configuration: &Configuration, delivered: &Delivered) -> Result<Vec<Listener>, String> {
    let listener = |settings| Listener::new(settings, &configuration.gateway, delivered);
    configuration.listeners.iter().map(listener).collect()
}

/// Speaks with one client, in the protocol of the listener, until it leaves or
/// `stop` tells to end: then the transaction under way is finished, and no other
/// begins.
async fn serve_connection(
    gate: Arc<Gate>,
    listener: Arc<Listener>,
    stream: Stream,
    peer: Peer,
    stop: CancellationToken,
) {
    match listener.settings.protocol {
        Protocol::Milter => milter::serve(gate, listener, stream, peer, stop).await,
        Protocol::Smtp | Protocol::Lmtp => smtp::serve(gate, listener, stream, peer, stop).await,
    }
}
