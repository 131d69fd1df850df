//! How an organisation is set up.

use super::places::Ports;
use super::ports;
use super::server::{Hook, Kind};

/// How an organisation is set up.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its mail server.
    pub kind: Kind,
    /// Where its gateway stands in the way of what users send.
    pub outbound: Hook,
    /// Where its gateway stands in the way of what arrives.
    pub inbound: Hook,
    /// Whether the gateway there is its own; otherwise somebody else runs it.
    pub own_gateway: bool,
    /// The tables of its tenant, as TOML; `NAME` stands for the name of the tenant.
    pub policy: &'static str,
    /// The port of what stands for its mailboxes, if they are not those of Dovecot.
    pub boxes: Option<u16>,
    /// Further lines of `main.cf`.
    pub main: String,
    /// Further lines of `master.cf`.
    pub master: String,
}

/// All protection is wanted, and mail without it is let through, marked.
pub const POLICY: &str = r#"
[tenant.NAME.outbound]
sign = "required"
encrypt = "required"
[tenant.NAME.inbound]
verify = "opportunistic"
decrypt = "opportunistic"
"#;

impl Side {
    /// Without a gateway.
    pub fn clear() -> Self {
        let (main, master) = (String::new(), String::new());
        Self {
            kind: Kind::Postfix,
            outbound: Hook::Open,
            inbound: Hook::Open,
            own_gateway: true,
            policy: POLICY,
            boxes: None,
            main,
            master,
        }
    }

    /// With a gateway that is a milter both ways.
    pub fn milter() -> Self {
        Self::hooked(Hook::Milter(ports::free()), Hook::Milter(ports::free()))
    }

    /// With a gateway in these places.
    pub fn hooked(outbound: Hook, inbound: Hook) -> Self {
        Self { outbound, inbound, ..Self::clear() }
    }

    /// With a gateway that somebody else runs.
    pub fn elsewhere(self) -> Self {
        Self { own_gateway: false, ..self }
    }

    /// With another mail server than Postfix.
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// With another policy.
    pub fn policy(self, policy: &'static str) -> Self {
        Self { policy, ..self }
    }

    /// With something else for its mailboxes, on this port.
    pub fn boxes(self, port: u16) -> Self {
        Self { boxes: Some(port), ..self }
    }

    /// With further lines of `main.cf`.
    pub fn main(self, lines: &str) -> Self {
        Self { main: format!("{}{lines}\n", self.main), ..self }
    }
}

impl Side {
    /// Whether there is a gateway at all.
    pub fn filters(&self) -> bool {
        self.own_gateway && [self.outbound, self.inbound].iter().any(|hook| *hook != Hook::Open)
    }

    /// Where the gateway listens.
    pub fn ports(&self) -> Vec<u16> {
        [self.outbound, self.inbound].into_iter().filter_map(Hook::port).collect()
    }

    /// Where mail from the Internet goes to.
    pub fn entrance(&self, ports: Ports) -> u16 {
        match self.inbound {
            Hook::Front(port) => port,
            _ => ports.mx,
        }
    }
}
