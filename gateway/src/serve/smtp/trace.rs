//! The trace that each message carries, and the loops that it shows.

use std::net::IpAddr;

use mail_parser::DateTime;

use super::super::transaction::Client;

/// What a `Received` field tells of one transaction.
#[derive(Debug)]
pub struct Trace<'a> {
    /// Whom the message came from.
    pub client: &'a Client,
    /// Our name.
    pub hostname: &'a str,
    /// `with`: the protocol that was spoken (RFC 3848, RFC 6531 section 4.3).
    pub protocol: &'a str,
    /// `id`: our name for the transaction.
    pub id: &'a str,
    /// `for`: the recipient, if there is only one. With several it would tell
    /// each of them of another.
    pub recipient: Option<&'a str>,
    /// When: seconds since 1970-01-01T00:00:00Z.
    pub time: u64,
}

impl Trace<'_> {
    /// The field, with its CRLF (RFC 5321, section 4.4).
    pub fn field(&self) -> String {
        let name = self.client.name.as_deref().map_or("unknown", word);
        let helo = self.client.helo.as_deref().map_or("unknown", word);
        let address = self.client.address.map(literal).unwrap_or_default();
        let date = DateTime::from_timestamp(i64::try_from(self.time).unwrap_or(i64::MAX)).to_rfc822();
        let recipient = self.recipient.map(|recipient| format!("\r\n\tfor <{recipient}>")).unwrap_or_default();
        format!(
            "Received: from {helo} ({name}{address})\r\n\tby {} ({US}) with {} id {}{recipient};\r\n\t{date}\r\n",
            word(self.hostname),
            self.protocol,
            word(self.id),
        )
    }
}

/// The word after `with`.
pub fn protocol(lmtp: bool, extended: bool, tls: bool, international: bool) -> &'static str {
    match (lmtp, international, extended, tls) {
        (true, false, _, false) => "LMTP",
        (true, false, _, true) => "LMTPS",
        (true, true, _, false) => "UTF8LMTP",
        (true, true, _, true) => "UTF8LMTPS",
        (false, true, _, false) => "UTF8SMTP",
        (false, true, _, true) => "UTF8SMTPS",
        (false, false, true, true) => "ESMTPS",
        (false, false, true, false) => "ESMTP",
        (false, false, false, _) => "SMTP",
    }
}

/// Whether a message has been around too often: more than a hundred hops
/// (RFC 5321, section 6.3), or here several times.
///
/// A message that is sent and comes back by a mailing list is here twice.
pub fn is_looping(message: &[u8], hostname: &str) -> bool {
    let ours = format!("by {} ({US})", word(hostname)).to_ascii_lowercase();
    let (mut hops, mut visits) = (0usize, 0usize);
    for field in fields(message) {
        if is_named(field, RECEIVED) {
            hops = hops.saturating_add(1);
            let text = String::from_utf8_lossy(field).to_ascii_lowercase();
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            visits = visits.saturating_add(usize::from(words.join(" ").contains(&ours)));
        }
    }
    hops > MOST_HOPS || visits >= MOST_VISITS
}

/// Whether anything tells this message from another with the same words: a
/// `Message-ID`, or at least a `Date`.
pub fn is_one_of_its_kind(message: &[u8]) -> bool {
    fields(message).any(|field| is_named(field, b"message-id:") || is_named(field, b"date:"))
}

/// A message without the trace field on its top, which some mail servers write anew
/// each time that they offer it.
pub fn below_its_top(message: &[u8]) -> &[u8] {
    let top = fields(message).next().filter(|field| is_named(field, RECEIVED));
    top.and_then(|field| message.get(field.len()..)).unwrap_or(message)
}

fn is_named(field: &[u8], name: &[u8]) -> bool {
    field.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
}

/// The fields of a message's header, folded as they are.
fn fields(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() || rest.starts_with(b"\r\n") {
            return None;
        }
        let end = memchr::memmem::find_iter(rest, b"\r\n")
            .map(|place| place.saturating_add(2))
            .find(|&next| !matches!(rest.get(next), Some(b' ' | b'\t')))
            .unwrap_or(rest.len());
        let (field, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(field)
    })
}

/// Text that cannot leave its place in the field.
fn word(text: &str) -> &str {
    let sound = |c: char| !c.is_control() && !c.is_whitespace() && !"()<>;\\\"".contains(c);
    if !text.is_empty() && text.chars().all(sound) { text } else { "unknown" }
}

fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!(" [{address}]"),
        IpAddr::V6(address) => format!(" [IPv6:{address}]"),
    }
}

const RECEIVED: &[u8] = b"received:";

/// How we call ourselves beside the name of the host, which may be that of the
/// mail server as well.
const US: &str = "Wasmime";

const MOST_HOPS: usize = 100;

const MOST_VISITS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            address: Some("192.0.2.1".parse().unwrap()),
            name: Some("mx.a.example".into()),
            helo: Some("a.example".into()),
            login: None,
        }
    }

    fn trace<'a>(client: &'a Client, recipient: Option<&'a str>) -> Trace<'a> {
        Trace { client, hostname: "gw.b.example", protocol: "ESMTPS", id: "1a2b", recipient, time: 1_795_348_800 }
    }

    #[test]
    fn the_field_is_that_of_rfc_5321() {
        let client = client();
        assert_eq!(
            trace(&client, Some("b@b.example")).field(),
            "Received: from a.example (mx.a.example [192.0.2.1])\r\n\tby gw.b.example (Wasmime) with ESMTPS id 1a2b\r\n\t\
             for <b@b.example>;\r\n\tSun, 22 Nov 2026 12:00:00 +0000\r\n"
        );
        assert!(!trace(&client, None).field().contains("for"));
    }

    #[test]
    fn what_a_client_says_stays_in_its_place() {
        let client = Client {
            address: Some("2001:db8::1".parse().unwrap()),
            name: None,
            helo: Some("x) by evil (y".into()),
            login: None,
        };
        assert!(trace(&client, None).field().starts_with("Received: from unknown (unknown [IPv6:2001:db8::1])\r\n"));
    }

    #[test]
    fn t38_a_message_that_goes_round_is_seen() {
        let client = client();
        let field = trace(&client, None).field();
        let message = |fields: usize| format!("{}Subject: x\r\n\r\n{}", field.repeat(fields), field.repeat(200));
        assert!(!is_looping(message(4).as_bytes(), "gw.b.example"), "sent and back, twice");
        assert!(is_looping(message(5).as_bytes(), "GW.B.example"));
        assert!(!is_looping(message(100).as_bytes(), "other.example"));
        assert!(is_looping(message(101).as_bytes(), "other.example"));
        assert!(!is_looping(b"", "other.example"));
        assert!(!is_looping(b"no header at all", "other.example"));
    }

    #[test]
    fn what_tells_messages_apart_is_in_the_header() {
        assert!(is_one_of_its_kind(b"A: b\r\nmessage-ID: <1@b>\r\n\r\n"));
        assert!(is_one_of_its_kind(b"Date: Sun\r\n"));
        assert!(!is_one_of_its_kind(b"Subject: x\r\n\r\nDate: Sun\r\n"));
        assert_eq!(below_its_top(b"Received: a\r\n\tb\r\nReceived: c\r\n\r\nd"), b"Received: c\r\n\r\nd");
        assert_eq!(below_its_top(b"A: b\r\nReceived: c\r\n\r\n"), b"A: b\r\nReceived: c\r\n\r\n");
        assert_eq!(below_its_top(b"\r\nReceived: c"), b"\r\nReceived: c");
    }

    #[test]
    fn the_protocol_has_the_registered_names() {
        assert_eq!(protocol(false, false, false, false), "SMTP");
        assert_eq!(protocol(false, true, true, false), "ESMTPS");
        assert_eq!(protocol(false, true, true, true), "UTF8SMTPS");
        assert_eq!(protocol(true, true, false, false), "LMTP");
        assert_eq!(protocol(true, true, false, true), "UTF8LMTP");
    }
}
