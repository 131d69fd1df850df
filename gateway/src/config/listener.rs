//! `[[listener]]`: where mail comes in, and where it goes on to.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{Address, Network, NextHopAddress, NextHopProtocol};
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

/// Where mail is handed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// Where it is, and what it speaks.
    pub address: NextHopAddress,
    /// Whether it is spoken to under TLS.
    pub tls: NextHopTls,
    /// What its certificate has to chain to; none is what the system trusts.
    pub ca: Option<PathBuf>,
    /// Connections to it at a time.
    pub connections: usize,
}

/// Whether a next hop is spoken to under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHopTls {
    /// Never: it is on this machine, or the network is trusted.
    Never,
    /// Where it offers STARTTLS; its certificate is not looked at.
    Opportunistic,
    /// Always, with a certificate that is valid for its name.
    Required,
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
    let hop = RawNextHop {
        address: raw.next_hop,
        tls: raw.next_hop_tls,
        ca: raw.next_hop_ca,
        connections: raw.next_hop_connections,
    };
    let next_hop = next_hop(source, folder, &address, hop)?;
    Ok(Listener {
        name,
        protocol,
        address,
        direction,
        next_hop,
        xforward: raw.xforward.map(toml::Spanned::into_inner).unwrap_or_default(),
        tls: raw
            .tls
            .map(toml::Spanned::into_inner)
            .map(|files| TlsFiles { certificate: folder.join(files.certificate), key: folder.join(files.key) }),
        timeout: raw.timeout.map_or(TIMEOUT, |time| time.0),
    })
}

/// RFC 5321, section 4.5.3.2.7: a server waits five minutes for a command.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);
const CONNECTIONS: usize = 20;

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/[]".contains(&b))
}

/// The keys of a listener that are about its next hop.
struct RawNextHop {
    address: Option<toml::Spanned<NextHopAddress>>,
    tls: Option<toml::Spanned<raw::NextHopTls>>,
    ca: Option<toml::Spanned<PathBuf>>,
    connections: Option<toml::Spanned<std::num::NonZeroU32>>,
}

fn next_hop(
    source: &Source<'_>,
    folder: &Path,
    own: &Address,
    raw: RawNextHop,
) -> Result<Option<NextHop>, ConfigurationError> {
    let Some(address) = raw.address else {
        let orphans = [
            raw.tls.as_ref().map(toml::Spanned::span),
            raw.ca.as_ref().map(toml::Spanned::span),
            raw.connections.as_ref().map(toml::Spanned::span),
        ];
        return match orphans.into_iter().flatten().next() {
            Some(span) => Err(source.at(span, "this says how to reach a next-hop, and there is none".to_owned())),
            None => Ok(None),
        };
    };
    let span = address.span();
    let address = address.into_inner().within(folder);
    if leads_back(&address, own) {
        return Err(source.at(span, "the next hop is the listener itself: mail would go round".to_owned()));
    }
    let tls = match raw.tls.as_ref().map(toml::Spanned::get_ref) {
        None | Some(raw::NextHopTls::Never) => NextHopTls::Never,
        Some(raw::NextHopTls::Opportunistic) => NextHopTls::Opportunistic,
        Some(raw::NextHopTls::Required) => NextHopTls::Required,
    };
    if let Some(wanted) = raw.tls.as_ref().filter(|_| tls != NextHopTls::Never)
        && matches!(address, NextHopAddress::Unix(_))
    {
        return Err(source.at(wanted.span(), "a Unix socket has no TLS; leave next-hop-tls out".to_owned()));
    }
    if let Some(ca) = raw.ca.as_ref().filter(|_| tls != NextHopTls::Required) {
        let text = "next-hop-ca says nothing unless next-hop-tls = \"required\"".to_owned();
        return Err(source.at(ca.span(), text));
    }
    Ok(Some(NextHop {
        address,
        tls,
        ca: raw.ca.map(|path| folder.join(path.into_inner())),
        connections: raw.connections.map_or(CONNECTIONS, |most| most.into_inner().get() as usize),
    }))
}

fn leads_back(next_hop: &NextHopAddress, own: &Address) -> bool {
    match (next_hop, own) {
        (NextHopAddress::Unix(hop), Address::Unix(own)) => hop == own,
        (
            NextHopAddress::Tcp { protocol: NextHopProtocol::Smtp | NextHopProtocol::Lmtp, host, port },
            Address::Tcp(own),
        ) => *port == own.port() && host.parse() == Ok(own.ip()),
        _ => false,
    }
}
