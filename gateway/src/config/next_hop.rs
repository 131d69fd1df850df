//! The `next-hop…` keys of a listener: where mail is handed on to, and how.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::address::{Address, NextHopAddress};
use super::source::Source;
use super::{ConfigurationError, raw};

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

/// The keys of a listener that are about its next hop.
pub struct Keys {
    /// `next-hop`.
    pub address: Option<Spanned<NextHopAddress>>,
    /// `next-hop-tls`.
    pub tls: Option<Spanned<raw::NextHopTls>>,
    /// `next-hop-ca`.
    pub ca: Option<Spanned<PathBuf>>,
    /// `next-hop-connections`.
    pub connections: Option<Spanned<NonZeroU32>>,
}

/// Reads where a listener at `own` hands its mail on to; paths are relative to
/// `folder`.
pub fn next_hop(
    source: &Source<'_>,
    folder: &Path,
    own: &Address,
    raw: Keys,
) -> Result<Option<NextHop>, ConfigurationError> {
    let Some(address) = raw.address else {
        let orphans = [
            raw.tls.as_ref().map(Spanned::span),
            raw.ca.as_ref().map(Spanned::span),
            raw.connections.as_ref().map(Spanned::span),
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
    let tls = match raw.tls.as_ref().map(Spanned::get_ref) {
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
        (NextHopAddress::Tcp { host, port, .. }, Address::Tcp(own)) => {
            *port == own.port() && host.parse() == Ok(own.ip())
        }
        _ => false,
    }
}

/// Enough for a busy mail server, which takes fifty from one client by itself.
const CONNECTIONS: usize = 20;
