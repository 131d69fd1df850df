//! Lines of a dialogue: each ends with CRLF, and is bounded.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr2, memmem};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};

/// What a dialogue runs over: TCP, a Unix socket, TLS over either.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Duplex for T {}

/// A connection, whatever it is made of.
pub type AnyStream = Box<dyn Duplex>;

/// A line without its CRLF.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its text: UTF-8 without controls.
    Text(String),
    /// It cannot be a line of SMTP: a bare CR or LF in it, another control, no
    /// UTF-8, or more octets than allowed. All of it was read, and none is kept.
    Malformed,
}

/// The beginning of a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Its octets, without CRLF.
    pub octets: Bytes,
    /// Whether that is all of it.
    pub whole: bool,
}

/// A connection read by lines. Octets that arrive early wait in a buffer.
pub struct Lines {
    stream: BufWriter<AnyStream>,
    buffer: BytesMut,
}

impl Lines {
    /// Reads `stream` from its beginning.
    pub fn new(stream: AnyStream) -> Self {
        Self { stream: BufWriter::new(stream), buffer: BytesMut::new() }
    }

    /// The connection below. Octets that have been read and not used are lost:
    /// before TLS that is meant, since nobody vouches for them (RFC 3207,
    /// section 5; CVE-2011-0411).
    pub fn into_stream(self) -> AnyStream {
        self.stream.into_inner()
    }

    /// Octets that have been read and not used: what the peer pipelined.
    pub fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops the first octets of [`Self::waiting`].
    pub fn consume(&mut self, octets: usize) {
        self.buffer.advance(octets.min(self.buffer.len()));
    }

    /// Reads some more; false at the end of the connection.
    pub async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(CHUNK);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    /// The next line of at most `limit` octets, CRLF included; none at the end
    /// of the connection.
    ///
    /// Only CRLF ends a line. A malformed line is read to its CRLF, so that no
    /// part of it is taken for a line of its own.
    pub async fn line(&mut self, limit: usize) -> io::Result<Option<Line>> {
        let head = self.head(limit).await?;
        Ok(head.map(|head| if head.whole { read_text(&head.octets) } else { Line::Malformed }))
    }

    /// The beginning of the next line: as much as `limit` allows, CRLF included.
    /// The rest of it is read and dropped.
    pub async fn head(&mut self, limit: usize) -> io::Result<Option<Head>> {
        let mut kept: Option<Bytes> = None;
        let mut read = 0usize;
        loop {
            let end = memmem::find(&self.buffer, b"\r\n");
            let length = end.unwrap_or(self.buffer.len());
            if let (Some(_), None) = (end, &kept)
                && length.saturating_add(2) <= limit
            {
                let octets = self.buffer.split_to(length).freeze();
                self.buffer.advance(2);
                return Ok(Some(Head { octets, whole: true }));
            }
            if end.is_some() || kept.is_some() || length > limit {
                let head = kept.get_or_insert_with(|| Bytes::copy_from_slice(&self.buffer[..length.min(limit)]));
                if end.is_some() {
                    self.buffer.advance(length.saturating_add(2));
                    return Ok(Some(Head { octets: head.clone(), whole: false }));
                }
                // Of what is dropped only a CR at its end matters: it may be half
                // of the line's end.
                let drop = length.saturating_sub(usize::from(self.buffer.last() == Some(&b'\r')));
                self.buffer.advance(drop);
                read = read.saturating_add(drop);
                if read > ENDLESS {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end"));
                }
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Writes `octets`; few of them wait until [`Self::flush`].
    pub async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await
    }

    /// Sends what has been written.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().await
    }

    /// Ends the connection in good order.
    pub async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Comes back once the peer has gone. What it sends meanwhile waits, up to a
    /// bound: then nobody listens any more, and this stays pending. So it does
    /// where the peer has said more before it closed its side: it may have said
    /// QUIT, and wait for the answer.
    ///
    /// Nothing is lost if this is given up.
    pub async fn gone(&mut self) {
        while self.buffer.len() < CHUNK.saturating_mul(2) {
            match self.fill().await {
                Ok(true) => {}
                Ok(false) if !self.buffer.is_empty() => break,
                Ok(false) | Err(_) => return,
            }
        }
        std::future::pending().await
    }
}

fn read_text(octets: &[u8]) -> Line {
    if memchr2(b'\r', b'\n', octets).is_some() {
        return Line::Malformed;
    }
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(|c| c.is_control() && c != '\t') => Line::Text(text.to_owned()),
        _ => Line::Malformed,
    }
}

/// Octets read at a time.
const CHUNK: usize = 16 * 1024;

/// Octets of one line after which the peer is not listened to any more.
const ENDLESS: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of at most 20 octets that `input` has, sent in pieces of `size`.
    async fn lines(input: &[u8], size: usize) -> Vec<Line> {
        let (mut peer, ours) = tokio::io::duplex(64);
        let pieces: Vec<Vec<u8>> = input.chunks(size).map(<[u8]>::to_vec).collect();
        let sender = tokio::spawn(async move {
            for piece in pieces {
                peer.write_all(&piece).await.unwrap();
            }
        });
        let mut lines = Lines::new(Box::new(ours));
        let mut read = Vec::new();
        while let Some(line) = lines.line(20).await.unwrap() {
            read.push(line);
        }
        sender.await.unwrap();
        read
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[tokio::test]
    async fn t42_only_crlf_ends_a_line_however_it_arrives() {
        let input = b"NOOP\r\nRSET\nQUIT\r\n\r\nVRFY\rQUIT\r\nHELP\r\r\nQUIT\r\nDATA\n";
        let expected = [
            text("NOOP"),
            Line::Malformed,
            text(""),
            Line::Malformed,
            Line::Malformed, // HELP CR
            text("QUIT"),
        ];
        for size in [1, 2, 3, 7, 100] {
            assert_eq!(lines(input, size).await, expected, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_long_line_is_one_line_and_the_next_is_read() {
        for (length, fits) in [(18, true), (19, false), (100, false), (1000, false)] {
            let mut input = vec![b'x'; length];
            input.extend_from_slice(b"\r\nQUIT\r\n");
            for size in [1, 5, 64] {
                let lines = lines(&input, size).await;
                assert_eq!(matches!(lines[0], Line::Text(_)), fits, "{length}");
                assert_eq!(lines[1..], [text("QUIT")], "{length} in pieces of {size}");
            }
        }
    }

    #[tokio::test]
    async fn controls_and_what_is_no_utf_8_are_no_text() {
        for input in [b"NO\0OP\r\n".as_slice(), b"NOOP \x1b[2J\r\n", b"NOOP \xff\r\n", b"NOOP \xc2\x85\r\n"] {
            assert_eq!(lines(input, 100).await, [Line::Malformed]);
        }
        assert_eq!(lines("NOOP é\r\n".as_bytes(), 100).await, [text("NOOP é")]);
    }
}
