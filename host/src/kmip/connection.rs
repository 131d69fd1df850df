//! One connection to a key management server: KMIP over mutual TLS (KMIP profiles
//! 1.2, section 3.1), with an end in time for all that is done on it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::error::KmipError;
use super::message::LONGEST;
use super::ttlv::message_len;
use crate::remote::socket::{HostPort, Secured, is_late};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(HostPort);

impl Address {
    /// Reads `host`, `host:port` or `[address]:port`; the error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no server; write it as kms.example.com:5696");
        HostPort::parse(text, PORT).map(Self).ok_or_else(wrong)
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.0.port()
    }

    /// As it is shown.
    pub(super) fn text(&self) -> String {
        self.0.text()
    }
}

/// The port that is registered for KMIP.
const PORT: u16 = 5696;

/// A connection over which one question at a time is asked.
pub(super) struct Connection {
    server: String,
    stream: Secured,
}

impl Connection {
    /// Connects, and carries out the handshake.
    pub(super) fn open(address: &Address, tls: &Arc<ClientConfig>, deadline: Instant) -> Result<Self, KmipError> {
        let server = address.text();
        let socket = address.0.connect(deadline).map_err(|error| failure(&server, &error))?;
        let stream = address.0.secure(tls, socket).map_err(|error| match failure(&server, &error) {
            // Whoever does not take our certificate may say so, or just hang up.
            KmipError::Unreachable { server, reason } => KmipError::Tls { server, reason },
            other => other,
        })?;
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
        _ if is_late(error) => KmipError::Silent(server),
        // This is how rustls hands its own errors through.
        ErrorKind::InvalidData => KmipError::Tls { server, reason: error.to_string() },
        _ => KmipError::Unreachable { server, reason: error.to_string() },
    }
}
