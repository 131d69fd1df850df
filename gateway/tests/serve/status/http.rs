//! HTTP, as far as the status socket speaks it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// An answer.
pub struct Answer {
    /// Its status code.
    pub code: u16,
    /// Its header fields, names in lower case.
    header: Vec<(String, String)>,
    /// Its body, which is text.
    pub body: String,
}

impl Answer {
    /// A header field, or "".
    pub fn header(&self, name: &str) -> &str {
        self.header.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Gets `path`, which must be answered.
#[track_caller]
pub fn get(port: u16, path: &str) -> Answer {
    try_get(port, path).expect("an answer")
}

/// Gets `path`.
pub fn try_get(port: u16, path: &str) -> io::Result<Answer> {
    call(port, "GET", path)
}

/// Opens a connection.
pub fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// Asks for `path` by `method`.
pub fn call(port: u16, method: &str, path: &str) -> io::Result<Answer> {
    let mut stream = connect(port)?;
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let header = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Ok(Answer { code, header, body: body.to_owned() })
}
