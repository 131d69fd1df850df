//! `[[listener]]`: where mail comes in, and where it goes on to.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{Address, Network, NextHopProtocol};
use super::next_hop::{self, NextHop};
use super::source::Source;
use super::{ConfigurationError, raw};

/// A place where mail servers connect.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name in logs and metrics; no other listener has it.
    pub name: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Where it is.
    pub address: Address,
    /// Which way its messages cross the gateway.
    pub direction: ListenerDirection,
    /// Where mail is handed on to. SMTP and LMTP always have one; the milter
    /// needs it for what cannot be said in its protocol.
    pub next_hop: Option<NextHop>,
    /// Clients that may tell by XFORWARD whose mail they hand on.
    pub xforward: Vec<Network>,
    /// With what STARTTLS is offered, if it is.
    pub tls: Option<TlsFiles>,
    /// How long one step of the dialogue may take.
    pub timeout: Duration,
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The protocol of Sendmail's mail filters, version 6.
    Milter,
    /// RFC 5321.
    Smtp,
    /// RFC 2033.
    Lmtp,
}

impl Protocol {
    /// Its name, as in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milter => "milter",
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
        }
    }
}

/// Which way the messages of a listener cross the gateway.
#[derive(Clone, Debug)]
pub enum ListenerDirection {
    /// To local users.
    Inbound,
    /// From local users.
    Outbound,
    /// As the client is inside or outside.
    ByClient {
        /// The networks whose clients are inside.
        inside: Vec<Network>,
    },
}

impl ListenerDirection {
    /// Whether a client at `address` sends for a tenant without a login.
    pub fn is_inside(&self, address: IpAddr) -> bool {
        match self {
            Self::ByClient { inside } => inside.iter().any(|network| network.contains(address)),
            Self::Inbound | Self::Outbound => false,
        }
    }
}

/// A certificate chain and its private key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those of its issuers.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Reads every `[[listener]]`; paths are relative to `folder`.
pub fn listeners(
    source: &Source<'_>,
    folder: &Path,
    raw: Vec<toml::Spanned<raw::Listener>>,
) -> Result<Vec<Listener>, ConfigurationError> {
    let mut listeners: Vec<Listener> = Vec::with_capacity(raw.len());
    for raw in raw {
        let span = raw.span();
        let raw = raw.into_inner();
        let place = raw.address.span();
        let name_span = raw.name.as_ref().map_or(place.clone(), toml::Spanned::span);
        let listener = listener(source, folder, span, raw)?;
        if let Some(other) = listeners.iter().find(|other| other.address == listener.address) {
            let text = format!("{} is the address of listener `{}` already", listener.address, other.name);
            return Err(source.at(place, text));
        }
        if listeners.iter().any(|other| other.name == listener.name) {
            return Err(source.at(name_span, format!("there is a listener `{}` already", listener.name)));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listener(
    source: &Source<'_>,
    folder: &Path,
    span: std::ops::Range<usize>,
    raw: raw::Listener,
) -> Result<Listener, ConfigurationError> {
    let protocol = match raw.protocol {
        raw::Protocol::Milter => Protocol::Milter,
        raw::Protocol::Smtp => Protocol::Smtp,
        raw::Protocol::Lmtp => Protocol::Lmtp,
    };
    if protocol == Protocol::Milter {
        let misplaced = [
            ("tls", raw.tls.as_ref().map(toml::Spanned::span)),
            ("xforward", raw.xforward.as_ref().map(toml::Spanned::span)),
        ];
        for (key, span) in misplaced {
            if let Some(span) = span {
                return Err(source.at(span, format!("`{key}` is of smtp and lmtp; a milter has no such thing")));
            }
        }
    } else if raw.next_hop.is_none() {
        let text = format!(
            "a listener of protocol {} needs a next-hop, as in next-hop = \"smtp://127.0.0.1:10026\"",
            protocol.name()
        );
        return Err(source.at(span, text));
    }
    let place = raw.address.span();
    let address = raw.address.into_inner().within(folder);
    let name = match raw.name {
        Some(name) if is_name(name.get_ref()) => name.into_inner(),
        Some(name) => {
            let text = format!("`{}` is no name: 1 to 64 letters, digits and -_.:/[]", name.get_ref().escape_debug());
            return Err(source.at(name.span(), text));
        }
        None => format!("{} {address}", protocol.name()),
    };
    let direction = match (raw.direction, raw.inside) {
        (raw::ListenerDirection::ByClient, inside) => {
            ListenerDirection::ByClient { inside: inside.map(toml::Spanned::into_inner).unwrap_or_default() }
        }
        (_, Some(inside)) => {
            let text = "`inside` says nothing here; it belongs to direction = \"by-client\"".to_owned();
            return Err(source.at(inside.span(), text));
        }
        (raw::ListenerDirection::Inbound, None) => ListenerDirection::Inbound,
        (raw::ListenerDirection::Outbound, None) => ListenerDirection::Outbound,
    };
    let xforward: Vec<Network> = raw.xforward.map(toml::Spanned::into_inner).unwrap_or_default();
    if matches!(direction, ListenerDirection::ByClient { .. })
        && protocol != Protocol::Milter
        && let Some(remedy) = unknown_clients(&address, &xforward)
    {
        let text = format!(
            "whoever connects here is a mail server of this machine, and mail from outside would count as its own: \
             {remedy}"
        );
        return Err(source.at(place, text));
    }
    if let Some(hop) = raw.next_hop.as_ref().filter(|_| protocol == Protocol::Milter)
        && hop.get_ref().protocol() == NextHopProtocol::Lmtp
    {
        let text = "a milter hands on by SMTP: LMTP answers for each recipient, and a message that one of them cannot \
                    get would be put off for days; name the mail server itself, on a port without this filter"
            .to_owned();
        return Err(source.at(hop.span(), text));
    }
    let hop = next_hop::Keys {
        address: raw.next_hop,
        tls: raw.next_hop_tls,
        ca: raw.next_hop_ca,
        connections: raw.next_hop_connections,
    };
    let next_hop = next_hop::next_hop(source, folder, &address, hop)?;
    Ok(Listener {
        name,
        protocol,
        address,
        direction,
        next_hop,
        xforward,
        tls: raw
            .tls
            .map(toml::Spanned::into_inner)
            .map(|files| TlsFiles { certificate: folder.join(files.certificate), key: folder.join(files.key) }),
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
    })
}

/// What to do where a relay would never learn who its clients are: only mail
/// servers of this machine reach it, and they may not say whose mail they bring.
fn unknown_clients(address: &Address, xforward: &[Network]) -> Option<&'static str> {
    match address {
        Address::Unix(_) => Some("make a listener for each direction"),
        Address::Tcp(address) if address.ip().to_canonical().is_loopback() && xforward.is_empty() => Some(
            "let it say whose mail it brings (xforward = [\"127.0.0.1\"], and XFORWARD in the mail server), or make a \
             listener for each direction",
        ),
        Address::Tcp(_) => None,
    }
}

/// RFC 5321, section 4.5.3.2.7: a server waits five minutes for a command.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::{Configuration, NextHopTls};
    use super::*;

    fn read(listeners: &str) -> Result<Vec<Listener>, String> {
        let text = format!("{listeners}\n[tenant.a]\ndomains = [\"a.b\"]\n");
        let read = Configuration::parse(Path::new("/etc/wasmime/wasmime.toml"), &text);
        read.map(|configuration| configuration.listeners).map_err(|error| error.to_string())
    }

    const MILTER: &str = "[[listener]]\nprotocol = \"milter\"\naddress = \"127.0.0.1:8891\"\n";
    const SMTP: &str = "[[listener]]\nprotocol = \"smtp\"\naddress = \"[::1]:10025\"\ndirection = \"outbound\"\n";

    #[test]
    fn every_key_is_read() {
        let listeners = read(&format!(
            "{SMTP}name = \"submission\"\nnext-hop = \"smtp://mail.nec.co.jp:10026\"\nnext-hop-tls = \"required\"\n\
             next-hop-ca = \"ca.pem\"\nnext-hop-connections = 5\nxforward = [\"127.0.0.1\"]\n\
             tls = {{ certificate = \"gw.pem\", key = \"gw.key\" }}\ntimeout = \"1m\"\n\
             {MILTER}direction = \"by-client\"\ninside = [\"10.0.0.0/8\"]\n"
        ))
        .unwrap();
        let [smtp, milter] = &listeners[..] else { panic!("{listeners:?}") };
        assert_eq!((smtp.name.as_str(), smtp.protocol), ("submission", Protocol::Smtp));
        let next_hop = smtp.next_hop.as_ref().unwrap();
        assert_eq!(next_hop.address.to_string(), "smtp://mail.nec.co.jp:10026");
        assert_eq!((next_hop.tls, next_hop.connections), (NextHopTls::Required, 5));
        assert_eq!(next_hop.ca.as_deref(), Some(Path::new("/etc/wasmime/ca.pem")));
        assert!(smtp.xforward[0].contains("127.0.0.1".parse().unwrap()));
        assert_eq!(smtp.tls.as_ref().unwrap().key, Path::new("/etc/wasmime/gw.key"));
        assert_eq!(smtp.timeout, Duration::from_secs(60));
        assert_eq!((milter.name.as_str(), milter.timeout), ("milter 127.0.0.1:8891", Duration::from_secs(300)));
        assert!(milter.direction.is_inside("10.9.9.9".parse().unwrap()));
        assert!(!smtp.direction.is_inside("10.9.9.9".parse().unwrap()));
    }

    /// The mail server beside us brings the mail of everybody: that it is inside says
    /// nothing of whose mail it is.
    #[test]
    fn t36_who_the_client_is_has_to_be_known() {
        for (address, known_by_xforward) in [("[::1]:10025", true), ("127.0.0.9:1", true), ("unix:/run/smtp", false)] {
            let relay = SMTP.replace("[::1]:10025", address).replace("outbound", "by-client");
            let relay = format!("{relay}next-hop = \"smtp://hop:10026\"\n");
            let complaint = read(&relay).unwrap_err();
            assert!(complaint.contains(":3: whoever connects here is a mail server of this machine"), "{complaint}");
            assert_eq!(read(&format!("{relay}xforward = [\"127.0.0.1\"]\n")).is_ok(), known_by_xforward);
            assert!(read(&relay.replace(address, "192.0.2.1:25")).is_ok(), "clients themselves");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_a_hint() {
        let milter = format!("{MILTER}direction = \"inbound\"\n");
        for (wrong, says) in [
            (SMTP.to_owned(), ":1: a listener of protocol smtp needs a next-hop"),
            (MILTER.to_owned(), "missing field `direction`"),
            (format!("{milter}inside = [\"10.0.0.0/8\"]\n"), ":5: `inside` says nothing here"),
            (format!("{milter}xforward = [\"10.0.0.0/8\"]\n"), ":5: `xforward` is of smtp and lmtp"),
            (format!("{milter}next-hop-tls = \"required\"\n"), ":5: this says how to reach a next-hop"),
            (format!("{milter}next-hop = \"smtp://127.0.0.1:8891\"\n"), ":5: the next hop is the listener itself"),
            (format!("{milter}next-hop = \"127.0.0.1:25\"\n"), ":5: `127.0.0.1:25` is no next hop"),
            (
                format!("{SMTP}next-hop = \"lmtp+unix:/run/lmtp\"\nnext-hop-tls = \"required\"\n"),
                ":6: a Unix socket has no TLS",
            ),
            (format!("{milter}next-hop = \"lmtp://h:24\"\n"), ":5: a milter hands on by SMTP"),
            (format!("{milter}next-hop = \"lmtp+unix:/run/lmtp\"\n"), ":5: a milter hands on by SMTP"),
            (
                format!("{milter}next-hop = \"smtp://h:25\"\nnext-hop-ca = \"ca.pem\"\n"),
                ":6: next-hop-ca says nothing unless next-hop-tls = \"required\"",
            ),
            (format!("{milter}{milter}"), ":7: 127.0.0.1:8891 is the address of listener `milter 127.0.0.1:8891`"),
            (
                format!("{milter}name = \"a\"\n{}name = \"a\"\n", milter.replace("8891", "8892")),
                ":10: there is a listener `a` already",
            ),
            (format!("{milter}name = \"a\\nb\"\n"), ":5: `a\\nb` is no name"),
            (format!("{milter}adress = \"x\"\n"), "did you mean `address`?"),
        ] {
            let complaint = read(&wrong).unwrap_err();
            assert!(complaint.contains(says), "{complaint}\n does not say {says}");
        }
    }
}
