//! A client that speaks SMTP as it is told to: what swaks has no words for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use super::daemon::PATIENCE;

/// What every user logs in with.
pub const PASSWORD: &str = "correct-horse";

/// A connection, by TCP or by what is given.
pub struct Client<S = TcpStream> {
    stream: BufReader<S>,
    offered: String,
}

/// What a server said to a command: the code and all text, or that it said no more.
pub type Reply = Result<String, std::io::Error>;

impl Client {
    /// Connects to a port of 127.0.0.1 and says EHLO.
    pub fn connect(port: u16) -> Result<Self, std::io::Error> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        reply(&mut stream)?;
        Self::greeted(stream)
    }
}

impl<S: Read + Write> Client<S> {
    /// Says EHLO to a server that has greeted.
    pub fn greeted(stream: BufReader<S>) -> Result<Self, std::io::Error> {
        let mut client = Self { stream, offered: String::new() };
        client.offered = client.says("EHLO client.test")?;
        Ok(client)
    }

    /// What the server said to EHLO.
    pub fn offered(&self) -> &str {
        &self.offered
    }

    /// Logs in.
    pub fn login(&mut self, user: &str) -> Reply {
        let login = base64_simd::STANDARD.encode_to_string(format!("\0{user}\0{PASSWORD}"));
        self.says(&format!("AUTH PLAIN {login}"))
    }

    /// Says a command and hears the reply.
    pub fn says(&mut self, command: &str) -> Reply {
        write!(self.stream.get_mut(), "{command}\r\n")?;
        reply(&mut self.stream)
    }

    /// Sends a message, with the dots that SMTP adds (RFC 5321, section 4.5.2).
    pub fn data(&mut self, message: &[u8]) -> Reply {
        let told = self.says("DATA")?;
        if !told.starts_with("354") {
            return Ok(told);
        }
        let mut octets = Vec::with_capacity(message.len() + 1024);
        for line in message.split_inclusive(|&b| b == b'\n') {
            if line.starts_with(b".") {
                octets.push(b'.');
            }
            octets.extend_from_slice(line);
        }
        octets.extend_from_slice(b".\r\n");
        self.stream.get_mut().write_all(&octets)?;
        reply(&mut self.stream)
    }
}

fn reply(stream: &mut impl BufRead) -> Reply {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        all.push_str(&line);
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(all);
        }
    }
}
