//! `wasmime serve`: the gateway between mail servers.
//!
//! Sockets take connections ([`sockets`]), each of which is a session of its own
//! task in the protocol of its listener. Whatever the protocol, a session asks
//! the one [`Gate`] who is let in and what becomes of a message, and hands on
//! what that says.

mod admission;
mod audit;
mod course;
mod delivered;
mod gate;
mod held;
mod judge;
mod listener;
mod log;
mod milter;
mod next_hop;
mod parts;
mod record;
mod refusal;
mod replies;
mod sandboxes;
mod signals;
mod site;
mod smtp;
mod sockets;
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
pub use stream::{Peer, Stream};
pub use transaction::{Client, Judgement, MOST_RECIPIENTS, Part, PartContent, Transaction, new_id};

use crate::cli;
use crate::config::{self, Configuration, ConfigurationError, Gateway, Protocol};
use crate::exit::{Failure, Status};
use delivered::Delivered;
use signals::{Signal, Signals};
use site::Site;
use sockets::Sockets;

/// Serves until it is told to stop.
pub fn run(arguments: &cli::Serve, verbose: u8) -> Result<Status, Failure> {
    let configuration = read(arguments)?;
    log::start(configuration.gateway.log, verbose);
    let failed = |error: String| Failure::new(Status::Failed, error);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("wasmime")
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| failed(format!("no threads can be had: {error}")))?;
    let done = runtime.block_on(serve(arguments, configuration)).map_err(failed);
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

async fn serve(arguments: &cli::Serve, configuration: Configuration) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("signals cannot be received: {error}"))?;
    let delivered = Delivered::open(configuration.gateway.state.as_deref())?;
    let listeners = listeners(&configuration, &delivered)?;
    let site = block_in_place(|| Site::first(configuration, &arguments.sandbox))?;
    let gate = Arc::new(Gate::new(site));
    let mut sockets = Sockets::new(Arc::clone(&gate));
    sockets.bind(listeners).await?.serve(&mut sockets);
    tokio::spawn(systemd::watchdog());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "serving");
    systemd::ready();
    while signals.next().await == Signal::Reload {
        systemd::reloading();
        match reload(arguments, &gate, &delivered, &mut sockets).await {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(error) => tracing::error!("the configuration stays as it was: {error}"),
        }
        systemd::ready();
    }
    systemd::stopping();
    let drain = gate.site().configuration.gateway.drain;
    tracing::info!(sessions = sockets.sessions(), "stopping");
    tokio::select! {
        () = sockets.drain(drain) => tracing::info!("stopped"),
        () = signals.stop_again() => tracing::warn!(sessions = sockets.sessions(), "stopped at once"),
    }
    Ok(())
}

/// Makes everything anew, and only then puts it in the place of the old.
async fn reload(
    arguments: &cli::Serve,
    gate: &Gate,
    delivered: &Delivered,
    sockets: &mut Sockets,
) -> Result<(), String> {
    let configuration = read(arguments).map_err(|error| error.to_string())?;
    if configuration.gateway.state != gate.site().configuration.gateway.state {
        return Err("`state` is opened once, at the start; restart the gateway to change it".to_owned());
    }
    let listeners = listeners(&configuration, delivered)?;
    let site = block_in_place(|| Site::next(configuration, &arguments.sandbox, &gate.site()))?;
    let bound = sockets.bind(listeners).await?;
    log::set(site.configuration.gateway.log);
    gate.reload(site);
    bound.serve(sockets);
    Ok(())
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
