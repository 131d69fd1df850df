//! Where to listen, where to hand on, and who is who on the network.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

/// Where a socket is bound.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(try_from = "String")]
pub enum Address {
    /// An address and a port, as in `127.0.0.1:8891` or `[::1]:8891`.
    Tcp(SocketAddr),
    /// A Unix socket, as in `unix:/run/wasmime/milter.sock`.
    Unix(PathBuf),
}

impl Address {
    /// With a path that is relative taken from `folder`.
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Unix(path) => Self::Unix(folder.join(path)),
            tcp @ Self::Tcp(_) => tcp,
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            format!("`{text}` is no address to listen on; write 127.0.0.1:PORT, [::1]:PORT or unix:/path/of.sock")
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The protocol that a next hop speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextHopProtocol {
    /// RFC 5321: one answer for the whole of a message.
    Smtp,
    /// RFC 2033: an answer for each recipient.
    Lmtp,
}

/// Where mail is handed on to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(try_from = "String")]
pub enum NextHopAddress {
    /// `smtp://host:port` or `lmtp://host:port`; the host is a name or an address.
    Tcp {
        /// What it speaks.
        protocol: NextHopProtocol,
        /// Its name or address, without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
    /// `lmtp+unix:/path`: LMTP over a Unix socket.
    Unix(PathBuf),
}

impl NextHopAddress {
    /// With a path that is relative taken from `folder`.
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Unix(path) => Self::Unix(folder.join(path)),
            tcp @ Self::Tcp { .. } => tcp,
        }
    }

    /// What it speaks.
    pub fn protocol(&self) -> NextHopProtocol {
        match self {
            Self::Tcp { protocol, .. } => *protocol,
            Self::Unix(_) => NextHopProtocol::Lmtp,
        }
    }
}

impl TryFrom<String> for NextHopAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("lmtp+unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let tcp = |protocol, rest: &str| {
            let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':')?;
            let port = port.parse().ok().filter(|&port| port != 0)?;
            let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(address) => address.parse::<IpAddr>().ok()?.to_string(),
                None => Some(host).filter(|host| is_host(host))?.to_owned(),
            };
            Some(Self::Tcp { protocol, host, port })
        };
        let read = match text.split_once("://") {
            Some(("smtp", rest)) => tcp(NextHopProtocol::Smtp, rest),
            Some(("lmtp", rest)) => tcp(NextHopProtocol::Lmtp, rest),
            _ => None,
        };
        read.ok_or_else(|| {
            format!("`{text}` is no next hop; write smtp://HOST:PORT, lmtp://HOST:PORT or lmtp+unix:/path/of.sock")
        })
    }
}

impl fmt::Display for NextHopAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { protocol, host, port } => {
                let scheme = match protocol {
                    NextHopProtocol::Smtp => "smtp",
                    NextHopProtocol::Lmtp => "lmtp",
                };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")
                } else {
                    write!(f, "{scheme}://{host}:{port}")
                }
            }
            Self::Unix(path) => write!(f, "lmtp+unix:{}", path.display()),
        }
    }
}

/// A host name or an IPv4 address.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// A network, as in `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` is in it. An IPv4 address counts as itself where it is
    /// written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| format!("`{text}` is no network; write it as 10.0.0.0/8 or fd00::/8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_to_listen_on_are_read_as_they_are_written() {
        for text in ["127.0.0.1:8891", "[::1]:8891", "unix:/run/wasmime/milter.sock"] {
            assert_eq!(Address::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for wrong in ["8891", "localhost:8891", "unix:", "127.0.0.1", "[::1]", ""] {
            assert!(Address::try_from(wrong.to_owned()).unwrap_err().contains("unix:/path"), "{wrong}");
        }
        let relative = Address::try_from("unix:milter.sock".to_owned()).unwrap().within(Path::new("/run/w"));
        assert_eq!(relative.to_string(), "unix:/run/w/milter.sock");
    }

    #[test]
    fn next_hops_are_read_as_they_are_written() {
        for text in ["smtp://127.0.0.1:10026", "lmtp://mail.nec.co.jp:24", "smtp://[::1]:25", "lmtp+unix:/run/lmtp"] {
            assert_eq!(NextHopAddress::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for wrong in ["127.0.0.1:25", "smtp://host", "smtp://:25", "smtp://h:0", "http://h:25", "smtp://a b:25", ""] {
            assert!(NextHopAddress::try_from(wrong.to_owned()).unwrap_err().contains("smtp://HOST"), "{wrong}");
        }
    }

    #[test]
    fn t36_an_address_is_in_a_network_however_it_is_written() {
        let network = Network::try_from("127.0.0.0/8".to_owned()).unwrap();
        assert!(network.contains("127.0.0.1".parse().unwrap()));
        assert!(network.contains("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!network.contains("128.0.0.1".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let one = Network::try_from("10.0.0.1".to_owned()).unwrap();
        assert!(one.contains("10.0.0.1".parse().unwrap()) && !one.contains("10.0.0.2".parse().unwrap()));
        assert!(Network::try_from("10.0.0.0/33".to_owned()).is_err());
    }
}
