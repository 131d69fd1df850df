//! One connection to a key management server: KMIP over mutual TLS (KMIP profiles
//! 1.2, section 3.1), with an end in time for all that is done on it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use zeroize::Zeroizing;

use super::error::KmipError;
use super::message::LONGEST;
use super::ttlv::message_len;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
    /// What its certificate must name.
    name: ServerName<'static>,
}

impl Address {
    /// Reads `host`, `host:port` or `[address]:port`; the error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no server; write it as kms.example.com:5696");
        let (host, port) = match text.parse::<IpAddr>() {
            Ok(_) => (text, PORT),
            Err(_) => match text.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?),
                None => (text, PORT),
            },
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
        Ok(Self { host, port, name })
    }

    /// As it is shown.
    pub(super) fn text(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The addresses of the host. The system's resolver knows no time limit of
    /// ours, and is left behind on a thread of its own where it takes too long.
    fn resolve(&self, deadline: Instant) -> Result<Vec<SocketAddr>, KmipError> {
        let unreachable = |reason: String| KmipError::Unreachable { server: self.text(), reason };
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![(address, self.port).into()]);
        }
        let (answer, answered) = sync_channel(1);
        let asked = (self.host.clone(), self.port);
        thread::Builder::new()
            .name("wasmime-resolve".to_owned())
            .spawn(move || drop(answer.send(asked.to_socket_addrs().map(Iterator::collect))))
            .map_err(|error| unreachable(error.to_string()))?;
        match answered.recv_timeout(remaining(deadline)) {
            Ok(addresses) => addresses.map_err(|error| unreachable(error.to_string())),
            Err(_) => Err(unreachable("its name is not resolved in time".to_owned())),
        }
    }
}

/// The port that is registered for KMIP.
const PORT: u16 = 5696;

/// A connection over which one question at a time is asked.
pub(super) struct Connection {
    server: String,
    stream: StreamOwned<ClientConnection, Timed>,
}

impl Connection {
    /// Connects, and carries out the handshake.
    pub(super) fn open(address: &Address, tls: &Arc<ClientConfig>, deadline: Instant) -> Result<Self, KmipError> {
        let server = address.text();
        let mut last = io::Error::new(ErrorKind::NotFound, "its name has no address");
        for candidate in address.resolve(deadline)? {
            match TcpStream::connect_timeout(&candidate, remaining(deadline)) {
                Ok(socket) => return Self::handshake(address, tls, socket, deadline),
                Err(error) => last = error,
            }
        }
        match last.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Err(KmipError::Silent(server)),
            _ => Err(KmipError::Unreachable { server, reason: last.to_string() }),
        }
    }

    fn handshake(
        address: &Address,
        tls: &Arc<ClientConfig>,
        socket: TcpStream,
        deadline: Instant,
    ) -> Result<Self, KmipError> {
        let server = address.text();
        // Small messages back and forth.
        let _ = socket.set_nodelay(true);
        let connection = ClientConnection::new(Arc::clone(tls), address.name.clone())
            .map_err(|error| KmipError::Tls { server: server.clone(), reason: error.to_string() })?;
        let mut stream = StreamOwned::new(connection, Timed { socket, deadline });
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| failure(&server, &error))?;
        }
        Ok(Self { server, stream })
    }

    /// Sends a request and reads the answer, whatever it says.
    pub(super) fn ask(&mut self, request: &[u8], deadline: Instant) -> Result<Zeroizing<Vec<u8>>, KmipError> {
        self.stream.sock.deadline = deadline;
        self.exchange(request).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => KmipError::Garbage(self.server.clone()),
            _ => failure(&self.server, &error),
        })
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        let mut header = [0; 8];
        self.stream.read_exact(&mut header)?;
        let len = message_len(&header);
        if header[..4] != RESPONSE_MESSAGE || len > LONGEST {
            return Err(ErrorKind::InvalidInput.into());
        }
        // All of it at once: a buffer that grows would leave secrets behind.
        let mut answer = Zeroizing::new(vec![0; len]);
        let (head, body) = answer.split_at_mut(header.len());
        head.copy_from_slice(&header);
        self.stream.read_exact(body)?;
        Ok(answer)
    }
}

/// The tag and the type of a response message.
const RESPONSE_MESSAGE: [u8; 4] = [0x42, 0x00, 0x7B, 0x01];

/// What a failure on a connection means.
fn failure(server: &str, error: &io::Error) -> KmipError {
    let server = server.to_owned();
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => KmipError::Silent(server),
        // This is how rustls hands its own errors through.
        ErrorKind::InvalidData => KmipError::Tls { server, reason: error.to_string() },
        _ => KmipError::Unreachable { server, reason: error.to_string() },
    }
}

/// A socket on which nothing is waited for beyond `deadline`, however slowly
/// octets come.
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(in_time(self.deadline)?))?;
        self.socket.read(octets)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(in_time(self.deadline)?))?;
        self.socket.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn in_time(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// The time left, and a little where none is: zero would mean for ever.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_as_host_and_port() {
        for (text, shown) in [
            ("kms.nec.co.jp:5697", "kms.nec.co.jp:5697"),
            ("kms.nec.co.jp", "kms.nec.co.jp:5696"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:5696", "[::1]:5696"),
            ("::1", "[::1]:5696"),
        ] {
            assert_eq!(Address::parse(text).unwrap().text(), shown);
        }
        for wrong in ["", ":5696", "kms:0", "kms:65536", "kms:port", "k ms:5696", "https://kms"] {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
