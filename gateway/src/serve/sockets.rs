//! The sockets of the process: bound and rebound as the configuration says, and
//! the sessions that came in by them.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Gate;
use super::listener::Listener;
use super::metrics;
use super::serve_connection;
use super::stream::{Peer, Socket, Stream};
use crate::config::{Address, Protocol};

/// The sockets of the process.
pub struct Sockets {
    gate: Arc<Gate>,
    open: HashMap<Address, Open>,
    sessions: TaskTracker,
}

/// A socket that takes connections.
struct Open {
    /// What new sessions get.
    listener: Arc<ArcSwap<Listener>>,
    /// Ends the socket, and tells its sessions.
    stop: CancellationToken,
}

impl Sockets {
    /// No socket yet.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate, open: HashMap::new(), sessions: TaskTracker::new() }
    }

    /// Binds the sockets for `listeners` that are not open yet. If one cannot be
    /// bound, nothing has changed.
    pub async fn bind(&self, listeners: Vec<Listener>) -> Result<Bound, String> {
        let mut bound = Vec::with_capacity(listeners.len());
        for listener in listeners {
            let address = &listener.settings.address;
            let socket = match self.open.contains_key(address) {
                true => None,
                false => Some(Socket::bind(address).await.map_err(|error| told(&listener, &error))?),
            };
            bound.push((listener, socket));
        }
        Ok(Bound(bound))
    }

    /// Sessions under way.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    fn begin(&self, socket: Socket, listener: Listener) -> Open {
        let open = Open { listener: Arc::new(ArcSwap::from_pointee(listener)), stop: CancellationToken::new() };
        let (gate, sessions) = (Arc::clone(&self.gate), self.sessions.clone());
        let (listener, stop) = (Arc::clone(&open.listener), open.stop.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(accept(gate, &socket, &listener, &sessions, &stop)).await;
        });
        open
    }

    /// Stops taking connections, and waits until all sessions have ended, but no
    /// longer than `most`.
    pub async fn drain(&mut self, most: Duration) {
        self.open.drain().for_each(|(_, open)| open.stop.cancel());
        self.sessions.close();
        if timeout(most, self.sessions.wait()).await.is_err() {
            tracing::warn!(sessions = self.sessions.len(), "sessions were cut off, whose time to end was up");
        }
    }
}

/// Sockets that are bound, and take no connections yet.
pub struct Bound(Vec<(Listener, Option<Socket>)>);

impl Bound {
    /// Takes connections for these listeners from now on, and for no others. A
    /// socket whose address stays is not closed in between; sessions of one that
    /// goes are told to end.
    pub fn serve(self, sockets: &mut Sockets) {
        let mut before = std::mem::take(&mut sockets.open);
        for (listener, socket) in self.0 {
            let address = listener.settings.address.clone();
            let open = match (before.remove(&address), socket) {
                (Some(open), _) => {
                    open.listener.store(Arc::new(listener));
                    open
                }
                (None, Some(socket)) => sockets.begin(socket, listener),
                (None, None) => continue, // it was open when it was bound: see above
            };
            sockets.open.insert(address, open);
        }
        before.into_values().for_each(|open| open.stop.cancel());
    }
}

/// Takes connections, forever.
async fn accept(
    gate: Arc<Gate>,
    socket: &Socket,
    listener: &ArcSwap<Listener>,
    sessions: &TaskTracker,
    stop: &CancellationToken,
) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let session = session(Arc::clone(&gate), listener.load_full(), stream, peer, stop.clone());
                sessions.spawn(session);
            }
            Err(error) => {
                // Most likely all file descriptors are taken: some will be free soon.
                tracing::warn!(%error, "a connection was not taken");
                sleep(PAUSE).await;
            }
        }
    }
}

const PAUSE: Duration = Duration::from_millis(100);

async fn session(gate: Arc<Gate>, listener: Arc<Listener>, stream: Stream, peer: Peer, stop: CancellationToken) {
    match gate.connect() {
        Ok(_place) => {
            let _ongoing = metrics::connection(&listener.settings.name);
            serve_connection(Arc::clone(&gate), listener, stream, peer, stop).await;
        }
        Err(reply) => {
            let name = &listener.settings.name;
            metrics::connection_refused(name);
            tracing::warn!(listener = name, %peer, "refused: all connections are taken");
            if listener.settings.protocol != Protocol::Milter {
                let line = format!(
                    "{} {}.{}.{} {}\r\n",
                    reply.code,
                    reply.code / 100,
                    reply.subject,
                    reply.detail,
                    reply.text
                );
                refuse(stream, &line).await;
            }
        }
    }
}

/// A client that does not read this will not wait for it either.
async fn refuse(mut stream: Stream, line: &str) {
    let _ = timeout(PAUSE, stream.write_all(line.as_bytes())).await;
}

fn told(listener: &Listener, error: &io::Error) -> String {
    let config = &listener.settings;
    format!("the listener `{}` cannot be opened on {}: {error}", config.name, config.address)
}
