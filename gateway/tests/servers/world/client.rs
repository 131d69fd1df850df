//! A client that speaks SMTP as it is told to: what swaks has no words for.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use super::daemon::PATIENCE;
use super::dovecot::PASSWORD;

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// What a server said to a command: the code and all text, or that it said no more.
pub type Reply = Result<String, std::io::Error>;

impl Client {
    /// Connects to a port of 127.0.0.1 and says EHLO.
    pub fn connect(port: u16) -> Result<Self, std::io::Error> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Self { stream: BufReader::new(stream) };
        client.reply()?;
        client.says("EHLO client.test")?;
        Ok(client)
    }

    /// Logs in.
    pub fn login(&mut self, user: &str) -> Reply {
        let login = base64_simd::STANDARD.encode_to_string(format!("\0{user}\0{PASSWORD}"));
        self.says(&format!("AUTH PLAIN {login}"))
    }

    /// Says a command and hears the reply.
    pub fn says(&mut self, command: &str) -> Reply {
        write!(self.stream.get_mut(), "{command}\r\n")?;
        self.reply()
    }

    /// Sends a message, with the dots that SMTP adds (RFC 5321, section 4.5.2).
    pub fn data(&mut self, message: &[u8]) -> Reply {
        let reply = self.says("DATA")?;
        if !reply.starts_with("354") {
            return Ok(reply);
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
        self.reply()
    }

    fn reply(&mut self) -> Reply {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            all.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(all);
            }
        }
    }
}
