//! A listener at work: its settings, and what its sessions share.

use crate::config::{self, Gateway, Protocol};

/// A listener at work. A session keeps the one that it began with; a reload gives
/// new sessions a new one.
pub struct Listener {
    /// What the configuration says of it.
    pub settings: config::Listener,
    /// The gateway's name in greetings and trace fields.
    pub hostname: String,
}

impl Listener {
    /// Puts a listener to work. The error says what keeps it from that.
    pub fn new(settings: &config::Listener, gateway: &Gateway) -> Result<Self, String> {
        // The protocols come one by one; none pretends to be there.
        match settings.protocol {
            Protocol::Milter => {}
            Protocol::Smtp | Protocol::Lmtp => {
                let (name, protocol) = (&settings.name, settings.protocol.name());
                return Err(format!("the listener `{name}`: the protocol {protocol} is not served by this build"));
            }
        }
        Ok(Self { settings: settings.clone(), hostname: gateway.hostname.clone() })
    }
}
