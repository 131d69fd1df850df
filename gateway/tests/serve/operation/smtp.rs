//! What clients of SMTP and LMTP are told when the gateway is full, or stops.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use rustix::process::Signal;
use tempfile::TempDir;

use super::configuration;
use crate::daemon::{PATIENCE, eventually};
use crate::gateway::Gateway;
use crate::ports;

/// A client, and what it reads.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a gateway that listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// The next line; empty at the end of the session.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line
    }

    fn say(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).expect("a session");
        self.line()
    }
}

/// A gateway that relays by SMTP to a next hop that is away.
fn gateway(keys: &str) -> (Gateway, u16, TempDir) {
    let dir = TempDir::new().expect("a temporary folder");
    let (port, away) = (ports::free(), ports::free());
    let listener = format!(
        "[[listener]]\nname = \"relay\"\nprotocol = \"smtp\"\naddress = \"127.0.0.1:{port}\"\ndirection = \"outbound\"\n\
         next-hop = \"smtp://127.0.0.1:{away}\"\n"
    );
    let mut gateway = Gateway::new(dir.path(), &configuration(keys, &[], &listener), vec![port]);
    gateway.keys("lan", &["carol"], &["alice"]);
    gateway.keys("peer", &["alice"], &["carol"]);
    gateway.start();
    (gateway, port, dir)
}

/// The one connection too many is told so, and the session ends.
#[test]
fn a_client_too_many_is_told_421() {
    let (_gateway, port, _dir) = gateway("connections = 1");
    // The start of the gateway was probed by a connection, which may end late.
    let _first = eventually("a place", || {
        let mut client = Client::connect(port);
        client.line().starts_with("220 ").then_some(client)
    });
    let mut second = Client::connect(port);
    assert_eq!(second.line(), "421 4.3.2 Too many connections; try again later\r\n");
    assert_eq!(second.line(), "");
}

/// A session with nothing to do is told that the gateway stops.
#[test]
fn a_stop_tells_sessions_421() {
    let (mut gateway, port, _dir) = gateway("");
    let mut client = Client::connect(port);
    assert!(client.line().starts_with("220 "));
    assert!(client.say("HELO client.test").starts_with("250 "));
    gateway.process().signal(Signal::TERM);
    assert!(client.line().starts_with("421 4."));
    assert_eq!(client.line(), "");
    assert_eq!(gateway.ended(), Some(0));
}
