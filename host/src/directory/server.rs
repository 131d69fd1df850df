//! Where a directory server is, and how the way to it is protected.

use crate::remote::socket::HostPort;

/// Where a directory server is: `ldaps://host[:port]` or `ldap://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    host: HostPort,
    protection: Protection,
}

/// How a connection to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first octet on (`ldaps`).
    Tls,
    /// TLS that the client asks for before anything else (RFC 4511, section 4.14).
    StartTls,
    /// None: everybody on the way reads the password, and can answer in its place.
    None,
}

impl ServerAddress {
    /// Reads a URL; `start_tls` says what becomes of `ldap:` ones. The error says what
    /// is wrong.
    pub fn parse(url: &str, start_tls: bool) -> Result<Self, String> {
        let wrong = || format!("`{url}` is no directory server; write it as ldaps://ldap.example.com");
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (port, protection) = match scheme {
            "ldaps" => (636, Protection::Tls),
            "ldap" if start_tls => (389, Protection::StartTls),
            "ldap" => (389, Protection::None),
            _ => return Err(wrong()),
        };
        let host = HostPort::parse(rest.strip_suffix('/').unwrap_or(rest), port).ok_or_else(wrong)?;
        Ok(Self { host, protection })
    }

    /// As it is shown.
    pub fn text(&self) -> String {
        let scheme = if self.protection == Protection::Tls { "ldaps" } else { "ldap" };
        format!("{scheme}://{}", self.host.text())
    }

    /// The TCP port it answers on.
    pub fn port(&self) -> u16 {
        self.host.port()
    }

    /// How connections to it are protected.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// Whether what is said to it crosses a network without protection.
    pub fn is_exposed(&self) -> bool {
        self.protection == Protection::None && !self.host.is_loopback()
    }

    pub(super) fn host(&self) -> &HostPort {
        &self.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_how_it_is_protected_and_which_port_is_meant() {
        for (url, start_tls, shown, protection) in [
            ("ldaps://ldap.nec.co.jp", true, "ldaps://ldap.nec.co.jp:636", Protection::Tls),
            ("ldaps://ldap.nec.co.jp:3636/", false, "ldaps://ldap.nec.co.jp:3636", Protection::Tls),
            ("ldap://[::1]", true, "ldap://[::1]:389", Protection::StartTls),
            ("ldap://127.0.0.1:3389", false, "ldap://127.0.0.1:3389", Protection::None),
        ] {
            let server = ServerAddress::parse(url, start_tls).unwrap();
            assert_eq!((server.text().as_str(), server.protection()), (shown, protection));
            assert!(!server.is_exposed());
        }
        assert!(ServerAddress::parse("ldap://ldap.nec.co.jp", false).unwrap().is_exposed());
    }

    #[test]
    fn what_is_no_directory_is_said() {
        for wrong in ["ldap.nec.co.jp", "http://ldap", "ldapi:///", "ldaps://", "ldaps://ldap/dc=nec", "ldap://l:0"] {
            assert!(ServerAddress::parse(wrong, true).unwrap_err().contains("ldaps://"), "{wrong}");
        }
    }
}
