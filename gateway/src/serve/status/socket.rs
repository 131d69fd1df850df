//! The socket of the status: few connections at a time, and none for long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::config::Address;
use crate::serve::stream::remove_deserted;

/// A socket, bound.
pub enum Socket {
    /// At an address.
    Tcp(TcpListener),
    /// In a file.
    Unix(UnixListener),
}

impl Socket {
    /// Binds a socket. A Unix socket that nobody answers on any more is replaced.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            Address::Unix(path) => {
                remove_deserted(path)?;
                Ok(Self::Unix(UnixListener::bind(path)?))
            }
        }
    }

    /// Serves `routes` until `stop`.
    pub async fn serve(self, routes: Router, stop: CancellationToken) {
        let served = match self {
            Self::Tcp(socket) => {
                stop.run_until_cancelled_owned(async { axum::serve(Bounded::new(socket), routes).await }).await
            }
            Self::Unix(socket) => {
                stop.run_until_cancelled_owned(async { axum::serve(Bounded::new(socket), routes).await }).await
            }
        };
        if let Some(Err(error)) = served {
            tracing::error!(%error, "the status socket is closed");
        }
    }
}

/// A listener that takes [`CONNECTIONS`] at a time, each for [`LIFETIME`].
struct Bounded<L> {
    inner: L,
    places: Arc<Semaphore>,
}

impl<L> Bounded<L> {
    fn new(inner: L) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

const CONNECTIONS: usize = 32;
/// Longer than any scrape takes.
const LIFETIME: Duration = Duration::from_secs(20);

impl<L: Listener> Listener for Bounded<L> {
    type Io = Brief<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok(); // the semaphore is never closed
        let (io, address) = self.inner.accept().await;
        (Brief { io, end: Box::pin(sleep(LIFETIME)), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that fails when its time is up.
struct Brief<I> {
    io: I,
    end: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<I> Brief<I> {
    fn is_over(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Brief<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_over(context)?;
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Brief<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over(context)?;
        Pin::new(&mut self.io).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_over(context)?;
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_of_a_process_that_lives_is_not_taken_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Unix(folder.path().join("status"));
        let first = Socket::bind(&address).await.unwrap();
        let second = Socket::bind(&address).await;
        assert_eq!(second.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
        drop(first);
        assert!(Socket::bind(&address).await.is_ok(), "and is when it has gone");
    }
}
