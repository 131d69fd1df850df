//! Whether mail can be served: what `/healthz` says, and how it is asked.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::Address;

/// Whether mail can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Serving,
    /// Nothing was looked at yet.
    Starting,
    /// The process is about to end.
    Draining,
    /// Mail of some tenant is deferred: why, for each.
    Impaired(Vec<String>),
    /// Mail of every tenant is deferred, by this process alone: why, for each.
    Unable(Vec<String>),
}

impl Health {
    /// Whether mail should come here rather than to another process.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Serving | Self::Impaired(_))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving => f.write_str("serving"),
            Self::Starting => f.write_str("starting"),
            Self::Draining => f.write_str("draining: no more connections are taken"),
            Self::Impaired(reasons) => write!(f, "impaired: {}", reasons.join("\nimpaired: ")),
            Self::Unable(reasons) => write!(f, "unable: {}", reasons.join("\nunable: ")),
        }
    }
}

/// Asks the process whose status socket is at `address`: whether it serves, and
/// what it says.
pub fn ask(address: &Address) -> io::Result<(bool, String)> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
    }
}

/// HTTP/1.0 (RFC 1945): the answer ends with the connection.
fn exchange(mut stream: impl Read + Write) -> io::Result<(bool, String)> {
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.trim_end().to_owned());
    match (status, body) {
        (Some(status @ ("200" | "503")), Some(body)) => Ok((status == "200", body)),
        _ => Err(io::Error::other("something else than wasmime answers there")),
    }
}

const PATIENCE: Duration = Duration::from_secs(4);
const MOST: u64 = 64 << 10;
