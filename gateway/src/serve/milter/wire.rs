//! Packets over a connection: a length of four octets, a code, data. Bounded in
//! size and time.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{Command, Malformed};
use super::response::Response;

/// A connection to a mail server.
pub struct Wire<S> {
    stream: S,
    timeout: Duration,
    input: BytesMut,
    /// When the packet whose beginning is in `input` must be there.
    due: Option<Instant>,
    output: BytesMut,
    /// Whether fields have the space after their colon on this connection.
    pub leading_space: bool,
}

/// Why a connection cannot be gone on with.
#[derive(Debug)]
pub enum WireError {
    /// It broke.
    Broken(io::Error),
    /// It ended, or nothing came, in the middle of a packet; or the mail server
    /// does not take what it is told.
    CutOff,
    /// A length that no packet of a mail server has.
    TooLong(usize),
    /// A packet that is none.
    Malformed(Malformed),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "the connection to the mail server broke: {error}"),
            Self::CutOff => f.write_str("the mail server stopped in the middle of a packet"),
            Self::TooLong(length) => write!(
                f,
                "a packet of {length} octets was announced: the peer is no mail server (most are {LONGEST_PACKET})"
            ),
            Self::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

impl std::error::Error for WireError {}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Speaks over `stream`; a packet that has begun, or one that is written, may
    /// take `timeout`.
    pub fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, timeout, input: BytesMut::new(), due: None, output: BytesMut::new(), leading_space: false }
    }

    /// The next packet; none when the mail server closed the connection or said
    /// nothing for [`IDLE`]. Nothing is lost if this is given up and called again.
    pub async fn receive(&mut self) -> Result<Option<Command>, WireError> {
        loop {
            if let Some(command) = self.take()? {
                return Ok(Some(command));
            }
            let due = *self
                .due
                .get_or_insert_with(|| Instant::now() + if self.input.is_empty() { IDLE } else { self.timeout });
            let idle = self.input.is_empty();
            match timeout_at(due, self.stream.read_buf(&mut self.input)).await {
                Ok(Ok(0)) | Err(_) if idle => return Ok(None),
                Ok(Ok(0)) | Err(_) => return Err(WireError::CutOff),
                Ok(Ok(_)) if idle => self.due = Some(Instant::now() + self.timeout),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Takes a packet off the input, if it is all there.
    fn take(&mut self) -> Result<Option<Command>, WireError> {
        let Some(length) = self.input.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        // The room is made as octets come, not as they are announced.
        if length == 0 || length > LONGEST_PACKET {
            return Err(WireError::TooLong(length));
        }
        if self.input.len() < 4 + length {
            return Ok(None);
        }
        self.due = None;
        self.input.advance(4);
        let mut packet = self.input.split_to(length);
        let code = packet.get_u8();
        Command::parse(code, packet.freeze()).map(Some).map_err(WireError::Malformed)
    }

    /// Says `response` with the next [`Self::flush`], or when much has come together.
    pub async fn say(&mut self, response: Response<'_>) -> Result<(), WireError> {
        response.write(&mut self.output, self.leading_space);
        if self.output.len() < FULL {
            return Ok(());
        }
        self.flush().await
    }

    /// Sends what was said.
    pub async fn flush(&mut self) -> Result<(), WireError> {
        let sent = timeout(self.timeout, async {
            self.stream.write_all_buf(&mut self.output).await?;
            self.stream.flush().await
        });
        sent.await.map_err(|_| WireError::CutOff)??;
        Ok(())
    }
}

/// The longest packet: a field of the header can be longer than the 64 KiB of a
/// chunk of the body (Postfix `header_size_limit`, 100 KiB).
const LONGEST_PACKET: usize = 256 << 10;

/// How long a mail server may have nothing to say: its client may take its time
/// over each step, and Postfix shows the message when it has all of it. As long as
/// libmilter waits.
const IDLE: Duration = Duration::from_secs(7210);

/// Output is sent when there is this much.
const FULL: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    async fn receive(octets: &[u8]) -> Result<Option<Command>, WireError> {
        let (mut server, filter) = tokio::io::duplex(octets.len().max(1));
        server.write_all(octets).await.unwrap();
        drop(server);
        Wire::new(filter, Duration::from_millis(50)).receive().await
    }

    #[tokio::test]
    async fn packets_come_in_pieces() {
        let (mut server, filter) = tokio::io::duplex(1);
        let octets = b"\0\0\0\x03H\x61\0\0\0\0\x01Q";
        let sent = tokio::spawn(async move { server.write_all(octets).await });
        let mut wire = Wire::new(filter, Duration::from_secs(5));
        assert_eq!(wire.receive().await.unwrap(), Some(Command::Helo("a".into())));
        assert_eq!(wire.receive().await.unwrap(), Some(Command::Quit));
        sent.await.unwrap().unwrap();
        assert!(wire.receive().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_peer_that_is_no_mail_server_is_found_out() {
        assert!(matches!(receive(b"GET / HTTP/1.1\r\n\r\n").await, Err(WireError::TooLong(_))));
        assert!(matches!(receive(b"\0\0\0\0").await, Err(WireError::TooLong(0))));
        assert!(matches!(receive(b"\xff\xff\xff\xff").await, Err(WireError::TooLong(_))));
        assert!(matches!(receive(b"\0\0\0\x02Z\0").await, Err(WireError::Malformed(_))));
        assert!(matches!(receive(b"\0\0\0\x05Ha").await, Err(WireError::CutOff)));
        assert!(matches!(receive(b"").await, Ok(None)));
    }

    #[tokio::test]
    async fn a_packet_that_does_not_end_is_not_waited_for() {
        let (mut server, filter) = tokio::io::duplex(64);
        server.write_all(b"\0\0\0\x05Ha").await.unwrap();
        let mut wire = Wire::new(filter, Duration::from_millis(20));
        assert!(matches!(wire.receive().await, Err(WireError::CutOff)));
    }

    #[tokio::test]
    async fn a_mail_server_that_does_not_listen_is_not_waited_for() {
        let (_server, filter) = tokio::io::duplex(16);
        let mut wire = Wire::new(filter, Duration::from_millis(20));
        let said = wire.say(Response::ReplaceBody(&[0; FULL])).await;
        assert!(matches!(said, Err(WireError::CutOff)));
    }
}
