//! `wasmime serve`: the gateway between mail servers.
//!
//! Sockets take connections ([`sockets`]), each of which is a session of its own
//! task in the protocol of its listener. Whatever the protocol, a session asks
//! the one [`Gate`] who is let in and what becomes of a message, and hands on
//! what that says.

mod admission;
mod course;
mod gate;
mod held;
mod judge;
mod listener;
mod log;
mod milter;
mod parts;
mod replies;
mod signals;
mod site;
mod sockets;
mod stream;
mod transaction;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use gate::Gate;
pub use held::Held;
pub use listener::Listener;
pub use stream::{Peer, Stream};
pub use transaction::{Client, Judgement, Part, PartContent, Transaction, new_id};

use crate::cli;
use crate::config::{Configuration, ConfigurationError, Protocol};
use crate::exit::{Failure, Status};
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
    let listeners = listeners(&configuration)?;
    let drain = configuration.gateway.drain;
    let gate = Arc::new(Gate::new(Site::build(configuration, &arguments.sandbox)?));
    let mut sockets = Sockets::new(Arc::clone(&gate));
    sockets.rebind(listeners).await?;
    loop {
        match signals.next().await {
            Signal::Reload => match reload(arguments, &gate, &mut sockets).await {
                Ok(()) => tracing::info!("the configuration was read again"),
                Err(error) => tracing::error!(error, "the configuration was not taken over; the old one stays"),
            },
            Signal::Stop => break,
        }
    }
    tokio::select! {
        () = sockets.drain(drain) => {}
        () = signals.stop_again() => {}
    }
    Ok(())
}

/// Makes everything anew, and only then puts it in the place of the old.
async fn reload(arguments: &cli::Serve, gate: &Gate, sockets: &mut Sockets) -> Result<(), String> {
    let configuration = read(arguments).map_err(|error| error.to_string())?;
    let listeners = listeners(&configuration)?;
    let site = Site::build(configuration, &arguments.sandbox)?;
    sockets.rebind(listeners).await?;
    gate.reload(site);
    Ok(())
}

fn listeners(configuration: &Configuration) -> Result<Vec<Listener>, String> {
    let listener = |settings| Listener::new(settings, &configuration.gateway);
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
        Protocol::Smtp | Protocol::Lmtp => {}
    }
}
