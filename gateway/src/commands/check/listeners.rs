//! `[[listener]]`: whether it can be opened, and whether its next hop is there.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::findings::Findings;
use crate::config::{Address, Gateway, Listener, ListenerDirection, NextHopAddress, Protocol};
use crate::serve;

/// Checks one listener.
pub fn check(listener: &Listener, gateway: &Gateway, findings: &mut Findings) {
    if let Err(error) = serve::try_listener(listener, gateway) {
        findings.wrong(error);
    }
    address(&listener.address, findings);
    match &listener.next_hop {
        Some(next_hop) => {
            if let Err(error) = reach(&next_hop.address) {
                findings.wrong(format!("the next hop {} cannot be reached: {error}", next_hop.address));
            }
        }
        None if listener.protocol == Protocol::Milter => findings.note(
            "there is no next-hop: a message whose recipients get different forms is deferred, for a milter can \
             give it only one",
        ),
        None => {}
    }
    if let ListenerDirection::ByClient { inside } = &listener.direction
        && inside.is_empty()
    {
        findings.note("nobody is `inside`: only clients that logged in send in the name of a tenant");
    }
}

fn address(address: &Address, findings: &mut Findings) {
    let bound = match address {
        Address::Tcp(tcp) => TcpListener::bind(tcp).map(drop),
        Address::Unix(path) => match path.parent() {
            Some(folder) if folder.is_dir() => Ok(()),
            _ => Err(ErrorKind::NotFound.into()),
        },
    };
    match bound {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            findings.note(format!("{address} is in use: by the running gateway, or it cannot be opened"));
        }
        Err(error) => findings.wrong(format!("{address} cannot be opened: {error}")),
    }
    if let Address::Tcp(tcp) = address
        && !tcp.ip().to_canonical().is_loopback()
    {
        findings.note(format!(
            "{address} is open to the network, and whom a client there names as sender is believed; let a firewall \
             see to it that only mail servers reach it"
        ));
    }
}

fn reach(next_hop: &NextHopAddress) -> io::Result<()> {
    match next_hop {
        NextHopAddress::Unix(path) => UnixStream::connect(path).map(drop),
        NextHopAddress::Tcp { host, port, .. } => {
            let mut failed = io::Error::new(ErrorKind::NotFound, "the name has no address");
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, PATIENCE) {
                    Ok(_) => return Ok(()),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
