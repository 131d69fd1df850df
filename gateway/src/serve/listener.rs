//! A listener at work: its settings, and what its sessions share.

use tokio_rustls::TlsAcceptor;

use super::delivered::Delivered;
use super::next_hop::NextHop;
use super::smtp;
use crate::config::{self, Gateway};

/// A listener at work. A session keeps the one that it began with; a reload gives
/// new sessions a new one.
pub struct Listener {
    /// What the configuration says of it.
    pub settings: config::Listener,
    /// The gateway's name in greetings and trace fields.
    pub hostname: String,
    /// Where its mail goes on to, if that is set.
    pub next_hop: Option<NextHop>,
    /// With what STARTTLS is offered, if it is.
    pub tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Puts a listener to work. The error says what keeps it from that.
    pub fn new(settings: &config::Listener, gateway: &Gateway, delivered: &Delivered) -> Result<Self, String> {
        let told = |text: String| format!("the listener `{}`: {text}", settings.name);
        let hostname = gateway.hostname.clone();
        let next_hop = settings.next_hop.as_ref();
        let next_hop = next_hop.map(|hop| NextHop::new(hop, &hostname, settings.timeout, delivered.clone()));
        let next_hop = next_hop.transpose().map_err(told)?;
        let tls = settings.tls.as_ref().map(smtp::acceptor).transpose().map_err(told)?;
        Ok(Self { settings: settings.clone(), hostname, next_hop, tls })
    }
}
