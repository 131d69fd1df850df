//! Connections to other servers on which nothing lasts beyond a set time, and TLS
//! over them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    host: String,
    port: u16,
    /// What its certificate must name.
    name: ServerName<'static>,
}

impl HostPort {
    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Reads `host`, `host:port`, `address` or `[address]:port`; none if it is none.
    pub(crate) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.parse::<IpAddr>() {
            Ok(_) => (text, default_port),
            Err(_) => match text.rsplit_once(':') {
                Some((host, port)) if !text.ends_with(']') => (host, port.parse().ok().filter(|port| *port > 0)?),
                _ => (text, default_port),
            },
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let name = ServerName::try_from(host.clone()).ok()?;
        Some(Self { host, port, name })
    }

    /// As it is shown.
    pub(crate) fn text(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether it is this machine, reached without a network.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.parse::<IpAddr>().map_or(self.host == "localhost", |address| address.is_loopback())
    }

    /// Connects to the first of its addresses that answers.
    pub(crate) fn connect(&self, deadline: Instant) -> io::Result<Timed> {
        let mut last = io::Error::new(ErrorKind::NotFound, "its name has no address");
        for candidate in self.resolve(deadline)? {
            match TcpStream::connect_timeout(&candidate, remaining(deadline)) {
                Ok(socket) => {
                    // Small messages back and forth.
                    let _ = socket.set_nodelay(true);
                    return Ok(Timed { socket, deadline });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Carries out the handshake of TLS. What rustls finds fault with is
    /// [`ErrorKind::InvalidData`].
    pub(crate) fn secure(&self, tls: &Arc<ClientConfig>, socket: Timed) -> io::Result<Secured> {
        let connection = ClientConnection::new(Arc::clone(tls), self.name.clone())
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The addresses of the host. The system's resolver knows no time limit of
    /// ours, and is left behind on a thread of its own where it takes too long.
    fn resolve(&self, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![(address, self.port).into()]);
        }
        let (answer, answered) = sync_channel(1);
        let asked = (self.host.clone(), self.port);
        thread::Builder::new()
            .name("wasmime-resolve".to_owned())
            .spawn(move || drop(answer.send(asked.to_socket_addrs().map(Iterator::collect))))?;
        answered
            .recv_timeout(remaining(deadline))
            .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::NotFound, "its name is not resolved in time")))
    }
}

/// A connection under TLS.
pub(crate) type Secured = StreamOwned<ClientConnection, Timed>;

/// A socket on which nothing is waited for beyond `deadline`, however slowly
/// octets come.
pub(crate) struct Timed {
    socket: TcpStream,
    /// When reading and writing end; [`is_late`] tells that from other errors.
    pub(crate) deadline: Instant,
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

/// Whether an error says that the time was up.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
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
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn servers_are_written_as_host_and_port() {
        for (text, shown) in [
            ("kms.nec.co.jp:5697", "kms.nec.co.jp:5697"),
            ("kms.nec.co.jp", "kms.nec.co.jp:5696"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:5696", "[::1]:5696"),
            ("[::1]", "[::1]:5696"),
            ("::1", "[::1]:5696"),
        ] {
            assert_eq!(HostPort::parse(text, 5696).unwrap().text(), shown);
        }
        for wrong in ["", ":5696", "kms:0", "kms:65536", "kms:port", "k ms:5696", "https://kms"] {
            assert!(HostPort::parse(wrong, 5696).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn one_that_says_nothing_is_waited_for_no_longer_than_was_set() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = HostPort::parse(&silent.local_addr().unwrap().to_string(), 1).unwrap();
        let begun = Instant::now();
        let mut socket = address.connect(begun + Duration::from_millis(200)).unwrap();
        let error = socket.read(&mut [0]).unwrap_err();
        assert!(is_late(&error), "{error}");
        assert!(is_late(&socket.write(&[0]).unwrap_err()), "nor is anything begun afterwards");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
