//! Sockets, be they of the network or of this machine.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;

use crate::config::Address;

/// A connection from a client.
pub type Stream = Either<TcpStream, UnixStream>;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A host of the network. An IPv4 address is told as such.
    Tcp(SocketAddr),
    /// A process of this machine.
    Unix,
}

impl Peer {
    /// Its address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// A socket that takes connections.
pub enum Socket {
    /// On the network.
    Tcp(TcpListener),
    /// On this machine.
    Unix(UnixSocket),
}

/// A Unix socket, whose file goes when it does.
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Before the socket is closed: nobody else has bound there yet.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Binds to `address`. A Unix socket that nobody answers on any more is
    /// replaced; who may connect to it, the umask tells.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => {
                remove_deserted(path)?;
                let listener = UnixListener::bind(path)?;
                Ok(Self::Unix(UnixSocket { listener, path: path.clone() }))
            }
        }
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((Either::Left(stream), Peer::Tcp(peer)))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok((Either::Right(stream), Peer::Unix))
            }
        }
    }
}

/// Removes the socket of a process that is gone, and nothing else.
pub fn remove_deserted(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && BlockingUnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
