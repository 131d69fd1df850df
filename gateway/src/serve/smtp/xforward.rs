//! XFORWARD: whose mail a mail server hands on, in its own words.
//!
//! The command is Postfix's, and described in its `XFORWARD_README`.

use std::net::IpAddr;

use super::super::Client;

/// What is known of the client whose mail is handed on. None: not told, or told
/// to be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// NAME: the host name, as the mail server verified it.
    pub name: Option<String>,
    /// ADDR: the network address; `IPV6:` before one of version 6.
    pub addr: Option<String>,
    /// PORT: of the client.
    pub port: Option<String>,
    /// PROTO: SMTP or ESMTP.
    pub proto: Option<String>,
    /// HELO: what the client calls itself.
    pub helo: Option<String>,
    /// IDENT: the mail server's name for the message: its queue identifier.
    pub ident: Option<String>,
    /// SOURCE: LOCAL or REMOTE.
    pub source: Option<String>,
}

impl Forwarded {
    /// What is known of a client that hands on nobody else's mail, which spoke
    /// `proto` with the server that calls its message `ident`.
    pub fn of(client: &Client, proto: &str, ident: &str) -> Self {
        let address = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("IPV6:{address}"),
        };
        Self {
            name: client.name.clone(),
            addr: client.address.map(address),
            proto: Some(proto.to_owned()),
            helo: client.helo.clone(),
            ident: Some(ident.to_owned()),
            ..Self::default()
        }
    }

    /// Takes what XFORWARD says. Attributes that it does not name stay. False: it
    /// is malformed, and nothing was taken.
    pub fn take(&mut self, arguments: &str) -> bool {
        let mut taken = self.clone();
        let mut words = arguments.split(' ').filter(|word| !word.is_empty()).peekable();
        if words.peek().is_none() {
            return false;
        }
        for word in words {
            let Some((attribute, value)) = word.split_once('=') else { return false };
            let (Some(place), Some(value)) = (taken.place(attribute), decode(value)) else { return false };
            *place = (!UNKNOWN.contains(&value.as_str())).then_some(value);
        }
        *self = taken;
        true
    }

    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        let text = self.addr.as_deref()?;
        let tagged = text.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPV6:")).and_then(|_| text.get(5..));
        tagged.unwrap_or(text).parse().ok()
    }

    /// The commands that tell this to a next hop which offers `attributes`, each
    /// short enough for a line.
    pub fn commands(&self, attributes: &[String]) -> Vec<String> {
        let mut commands: Vec<String> = Vec::new();
        for attribute in ATTRIBUTES.iter().filter(|name| attributes.iter().any(|offered| offered == *name)) {
            let value = self.clone().place(attribute).and_then(|place| place.take());
            let word = format!(" {attribute}={}", encode(value.as_deref().unwrap_or(UNAVAILABLE)));
            match commands.last_mut().filter(|command| command.len().saturating_add(word.len()) <= LONGEST) {
                Some(command) => command.push_str(&word),
                None => commands.push(format!("XFORWARD{word}")),
            }
        }
        commands
    }

    fn place(&mut self, attribute: &str) -> Option<&mut Option<String>> {
        match attribute.to_ascii_uppercase().as_str() {
            "NAME" => Some(&mut self.name),
            "ADDR" => Some(&mut self.addr),
            "PORT" => Some(&mut self.port),
            "PROTO" => Some(&mut self.proto),
            "HELO" => Some(&mut self.helo),
            "IDENT" => Some(&mut self.ident),
            "SOURCE" => Some(&mut self.source),
            _ => None,
        }
    }
}

/// The attributes, as EHLO announces them.
pub const ATTRIBUTES: [&str; 7] = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"];

/// What a mail server says of what it does not know, or not yet.
const UNAVAILABLE: &str = "[UNAVAILABLE]";
const UNKNOWN: [&str; 2] = [UNAVAILABLE, "[TEMPUNAVAIL]"];

/// Octets of a command line (RFC 5321, section 4.5.3.1.4).
const LONGEST: usize = 510;

/// Reads xtext (RFC 3461, section 4); the digits may be small, as some write them.
fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => {
                let digit = |octet: Option<u8>| char::from(octet?).to_digit(16).and_then(|d| u8::try_from(d).ok());
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                high << 4 | low
            }
            _ => octet,
        });
    }
    let text = String::from_utf8(octets).ok()?;
    // It goes into a header field and into logs: a line, and not a long one.
    let sound = !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control);
    sound.then_some(text)
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'+' | b'=' => encoded.push_str(&format!("+{octet:02X}")),
            _ if octet.is_ascii_graphic() => encoded.push(char::from(octet)),
            _ => encoded.push_str(&format!("+{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_tells_whose_mail_it_is() {
        let mut forwarded = Forwarded::default();
        assert!(forwarded.take("NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP"));
        assert!(forwarded.take("helo=spike+20x IDENT=4ABC PORT=[UNAVAILABLE]"));
        assert_eq!(forwarded.name.as_deref(), Some("spike.porcupine.org"));
        assert_eq!(forwarded.address(), Some("168.100.189.2".parse().unwrap()));
        assert_eq!(forwarded.helo.as_deref(), Some("spike x"));
        assert_eq!((forwarded.port, forwarded.source), (None, None));
        let mut forwarded = Forwarded::default();
        assert!(forwarded.take("ADDR=IPV6:2001:db8::1"));
        assert_eq!(forwarded.address(), Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn half_of_a_malformed_command_is_not_taken() {
        for arguments in ["", "NAME", "NAME=a LOGIN=taro", "NAME=a HELO=+0D+0Ab", "NAME=a HELO=+4", "NAME=a HELO="] {
            let mut forwarded = Forwarded::default();
            assert!(!forwarded.take(arguments), "{arguments}");
            assert_eq!(forwarded, Forwarded::default());
        }
    }

    #[test]
    fn the_next_hop_is_told_what_it_asks_for() {
        let forwarded = Forwarded {
            name: Some("a b+c".into()),
            helo: Some("x".repeat(255)),
            ident: Some("y".repeat(255)),
            ..Forwarded::default()
        };
        let commands = forwarded.commands(&["NAME".into(), "ADDR".into()]);
        assert_eq!(commands, ["XFORWARD NAME=a+20b+2Bc ADDR=[UNAVAILABLE]"]);
        let commands = forwarded.commands(&ATTRIBUTES.map(String::from));
        assert_eq!(commands.len(), 2);
        let mut read = Forwarded::default();
        assert!(commands.iter().all(|command| read.take(command.strip_prefix("XFORWARD").unwrap())));
        assert_eq!(read, forwarded);
        assert!(forwarded.commands(&[]).is_empty());
    }
}
