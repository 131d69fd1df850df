//! What a next hop offers in its answer to EHLO or LHLO.

/// Extensions that change what is said to a next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870), and the most octets of a message; `u64::MAX` if there is
    /// no such limit.
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub international: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// The attributes of XFORWARD that it wants.
    pub xforward: Vec<String>,
}

impl Extensions {
    /// Reads the text of the answer: the name of the host, then a keyword a line.
    pub fn read(text: &str) -> Self {
        let mut extensions = Self::default();
        for line in text.lines().skip(1) {
            let mut words = line.split_ascii_whitespace().map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => extensions.pipelining = true,
                Some("SIZE") => {
                    let most = words.next().and_then(|size| size.parse().ok()).filter(|&size| size > 0);
                    extensions.size = Some(most.unwrap_or(u64::MAX));
                }
                Some("8BITMIME") => extensions.eight_bit = true,
                Some("SMTPUTF8") => extensions.international = true,
                Some("DSN") => extensions.dsn = true,
                Some("STARTTLS") => extensions.starttls = true,
                Some("XFORWARD") => extensions.xforward = words.collect(),
                _ => {}
            }
        }
        extensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_whatever_their_case_and_order() {
        let text = "mx.example DSN\nsize 1000\nPipelining\n8BITMIME\nXFORWARD NAME addr\nAUTH PLAIN\nX-UNKNOWN";
        let expected = Extensions {
            pipelining: true,
            size: Some(1000),
            eight_bit: true,
            xforward: vec!["NAME".into(), "ADDR".into()],
            ..Extensions::default()
        };
        assert_eq!(Extensions::read(text), expected);
        assert_eq!(Extensions::read("mx\nSIZE").size, Some(u64::MAX));
        assert_eq!(Extensions::read("mx\nSIZE 0").size, Some(u64::MAX));
        assert_eq!(Extensions::read(""), Extensions::default());
    }
}
