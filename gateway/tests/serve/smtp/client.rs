//! A client that says what a test tells it, octet by octet.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

/// A client of the gateway.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects, and reads the greeting.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a gateway that listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        let mut client = Self { stream: BufReader::new(stream) };
        let greeting = client.reply();
        assert!(greeting.starts_with("220 "), "{greeting}");
        client
    }

    /// The same, and says EHLO, or LHLO.
    pub fn greet(port: u16, hello: &str) -> Self {
        let mut client = Self::connect(port);
        client.expect(hello, "250");
        client
    }

    /// Sends octets as they are.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(octets.as_ref()).expect("a gateway that reads");
    }

    /// Reads a reply, all of its lines.
    pub fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line).expect("a reply");
            assert!(read == 0 || line.ends_with("\r\n"), "{line:?}");
            reply.push_str(&line);
            if read == 0 || line.get(3..4) != Some("-") {
                return reply.trim_end().to_owned();
            }
        }
    }

    /// Says a command, and reads the reply.
    pub fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        self.reply()
    }

    /// Says a command, whose reply must begin so.
    #[track_caller]
    pub fn expect(&mut self, command: &str, beginning: &str) -> String {
        let reply = self.say(command);
        assert!(reply.starts_with(beginning), "{command}: {reply}");
        reply
    }

    /// MAIL, RCPT and DATA, all of which must be accepted.
    #[track_caller]
    pub fn envelope(&mut self, from: &str, to: &[&str]) {
        self.expect(&format!("MAIL FROM:<{from}>"), "250 2.1.0");
        for to in to {
            self.expect(&format!("RCPT TO:<{to}>"), "250 2.1.5");
        }
        self.expect("DATA", "354");
    }

    /// A whole message. The reply to it.
    #[track_caller]
    pub fn mail(&mut self, from: &str, to: &[&str], message: &str) -> String {
        self.envelope(from, to);
        self.send(format!("{message}.\r\n"));
        self.reply()
    }

    /// Whether the gateway has closed the connection, and said no more.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }

    /// Leaves without a word.
    pub fn leave(self) {
        self.stream.get_ref().shutdown(Shutdown::Both).expect("a connection");
    }

    /// Says that no more will be said.
    pub fn close_side(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("a connection");
    }

    /// The connection, to go on in another way.
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}
