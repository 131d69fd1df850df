//! A user who reads mail by IMAP (RFC 3501).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use super::client::PASSWORD;
use super::daemon::{PATIENCE, eventually};
use crate::support::contains;

/// The mailbox of a user.
pub struct Mailbox {
    port: u16,
    user: String,
}

impl Mailbox {
    /// The INBOX of `user` on a server on 127.0.0.1.
    pub fn new(port: u16, user: &str) -> Self {
        Self { port, user: user.to_owned() }
    }

    /// Every message in it, in order of arrival.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let mut session = Session::login(self.port, &self.user);
        session.command("EXAMINE INBOX");
        if session.command("UID SEARCH ALL").iter().all(|(line, _)| line.trim_end() == "* SEARCH") {
            return Vec::new();
        }
        let fetched = session.command("UID FETCH 1:* (BODY.PEEK[])");
        fetched.into_iter().filter_map(|(_, literal)| literal).collect()
    }

    /// Waits for a message in which `word` occurs.
    #[track_caller]
    pub fn waits_for(&self, word: &str) -> Vec<u8> {
        eventually(&format!("a message with {word:?} for {}", self.user), || {
            self.messages().into_iter().find(|message| contains(message, word))
        })
    }

    /// How many messages there are in which `word` occurs.
    pub fn count(&self, word: &str) -> usize {
        self.messages().iter().filter(|message| contains(message, word)).count()
    }
}

/// A connection to the server.
struct Session {
    stream: BufReader<TcpStream>,
}

impl Session {
    fn login(port: u16, user: &str) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("an IMAP server");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let mut session = Self { stream: BufReader::new(stream) };
        session.line();
        // Not LOGIN, which would not take a name in UTF-8.
        let login = base64_simd::STANDARD.encode_to_string(format!("\0{user}\0{PASSWORD}"));
        session.command(&format!("AUTHENTICATE PLAIN {login}"));
        session
    }

    /// Sends a command, which must succeed. Its untagged responses, each with
    /// the literal in it.
    fn command(&mut self, command: &str) -> Vec<(String, Option<Vec<u8>>)> {
        write!(self.stream.get_mut(), "a {command}\r\n").expect("a server that reads");
        let mut responses = Vec::new();
        loop {
            let line = self.line();
            if let Some(result) = line.strip_prefix("a ") {
                assert!(result.starts_with("OK"), "{command}: {result}");
                return responses;
            }
            let literal = line
                .trim_end()
                .rsplit_once('{')
                .and_then(|(_, length)| length.strip_suffix('}')?.parse().ok())
                .map(|length| self.literal(length));
            responses.push((line, literal));
        }
    }

    fn literal(&mut self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.stream.read_exact(&mut octets).expect("a literal");
        self.line();
        octets
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("a response");
        assert!(!line.is_empty(), "the IMAP server closed the connection");
        String::from_utf8_lossy(&line).into_owned()
    }
}
