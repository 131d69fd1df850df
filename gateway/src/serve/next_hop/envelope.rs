//! What is said to a next hop before a message.

use bytes::Bytes;
use memchr::{memchr_iter, memmem};

use super::super::smtp::parameters::{MailParameters, RcptParameters};
use super::super::smtp::path::is_international;
use super::super::smtp::reply::reply;
use super::super::smtp::xforward::Forwarded;
use super::extensions::Extensions;
use super::fault::Fault;

/// An envelope that is handed on.
#[derive(Clone, Debug, Default)]
pub struct HandOn {
    /// The reverse-path; none is the null one.
    pub sender: Option<String>,
    /// What came with it.
    pub parameters: MailParameters,
    /// The forward-paths, in the order of the transaction's recipients.
    pub recipients: Vec<Recipient>,
    /// Whose mail it is, for a next hop that asks.
    pub forwarded: Forwarded,
    /// Trace fields that are put on top of what is handed on.
    pub trace: Bytes,
}

/// A recipient that is handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// The forward-path.
    pub address: String,
    /// What came with it.
    pub parameters: RcptParameters,
}

/// What a message asks of the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Octets, as far as they are known.
    pub size: Option<u64>,
    /// Octets above 127.
    pub eight_bit: bool,
    /// Octets above 127 in the header.
    pub eight_bit_header: bool,
    /// Whether the message has been seen. Before that it is not refused for what
    /// it may turn out not to be: what we make of it has seven bits.
    pub seen: bool,
}

impl Needs {
    /// What the client says of a message that is still to come.
    pub fn declared(parameters: &MailParameters) -> Self {
        Self { size: parameters.size, eight_bit: parameters.eight_bit, eight_bit_header: false, seen: false }
    }

    /// What `content`, under `trace`, asks for. None: a bare CR or LF is in it,
    /// and it is not handed on at all, since another program might take part of
    /// it for the end of the message.
    pub fn of(trace: &[u8], content: &[u8]) -> Option<Self> {
        let crlf = memmem::find_iter(content, b"\r\n").count();
        let sound = memchr_iter(b'\r', content).count() == crlf && memchr_iter(b'\n', content).count() == crlf;
        let header = if content.starts_with(b"\r\n") { Some(0) } else { memmem::find(content, b"\r\n\r\n") };
        let header = content.get(..header.unwrap_or(content.len())).unwrap_or_default();
        sound.then(|| Self {
            size: Some(trace.len().saturating_add(content.len()) as u64),
            eight_bit: !trace.is_ascii() || !content.is_ascii(),
            eight_bit_header: !trace.is_ascii() || !header.is_ascii(),
            seen: true,
        })
    }
}

impl HandOn {
    /// The MAIL command for a next hop that offers `extensions`, or why it cannot
    /// have the message: nothing is converted, since a signature would break.
    pub fn mail(&self, extensions: &Extensions, needs: Needs) -> Result<String, Fault> {
        let refuse = |code, status, text: &str| Err(Fault::Refused(reply(code, status, text)));
        let mut command = format!("MAIL FROM:<{}>", self.sender.as_deref().unwrap_or_default());
        if let Some(most) = extensions.size
            && let Some(size) = needs.size
        {
            if size > most {
                return refuse(552, (3, 4), "The message is too large for the next mail server");
            }
            command.push_str(&format!(" SIZE={size}"));
        }
        if needs.eight_bit {
            if extensions.eight_bit {
                command.push_str(" BODY=8BITMIME");
            } else if needs.seen {
                // RFC 6152, section 3: without conversion there is only refusal.
                return refuse(554, (6, 3), "The next mail server takes no 8-bit content, and it is not converted");
            }
        }
        if extensions.international {
            if self.parameters.international {
                command.push_str(" SMTPUTF8");
            }
        } else if self.sender.as_deref().is_some_and(is_international) {
            return refuse(550, (6, 7), "The next mail server takes no internationalised addresses");
        } else if self.parameters.international && needs.eight_bit_header {
            return refuse(550, (6, 9), "The next mail server takes no internationalised header fields");
        }
        if extensions.dsn {
            command.push_str(&self.parameters.dsn());
        }
        Ok(command)
    }

    /// The same for a part that is confidential.
    pub fn discreet(&self) -> Self {
        let recipient = |recipient: &Recipient| Recipient {
            address: recipient.address.clone(),
            parameters: recipient.parameters.discreet(),
        };
        Self {
            parameters: self.parameters.discreet(),
            recipients: self.recipients.iter().map(recipient).collect(),
            ..self.clone()
        }
    }
}

impl Recipient {
    /// The RCPT command for a next hop that offers `extensions`.
    pub fn rcpt(&self, extensions: &Extensions) -> Result<String, Fault> {
        if is_international(&self.address) && !extensions.international {
            let text = "The next mail server takes no internationalised addresses";
            return Err(Fault::Refused(reply(553, (6, 7), text)));
        }
        let mut command = format!("RCPT TO:<{}>", self.address);
        if extensions.dsn {
            command.push_str(&self.parameters.dsn());
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Extensions {
        let offered = "mx\nSIZE 1000\n8BITMIME\nSMTPUTF8\nDSN\nXFORWARD NAME ADDR";
        Extensions::read(offered)
    }

    fn envelope() -> HandOn {
        HandOn {
            sender: Some("a@b.example".into()),
            parameters: MailParameters {
                size: Some(100),
                eight_bit: true,
                international: true,
                ret: Some("HDRS".into()),
                envid: Some("x+2By".into()),
            },
            ..HandOn::default()
        }
    }

    fn refusal(result: Result<String, Fault>) -> (u16, (u16, u16)) {
        let reply = result.unwrap_err().reply();
        (reply.code, (reply.subject, reply.detail))
    }

    #[test]
    fn parameters_are_kept_where_the_next_hop_knows_them() {
        let envelope = envelope();
        let needs = Needs::declared(&envelope.parameters);
        assert_eq!(
            envelope.mail(&all(), needs).unwrap(),
            "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By"
        );
        assert_eq!(envelope.mail(&Extensions::default(), needs).unwrap(), "MAIL FROM:<a@b.example>");
        let parameters = RcptParameters { notify: Some("NEVER".into()), orcpt: Some("rfc822;c@d".into()) };
        let recipient = Recipient { address: "c@d".into(), parameters };
        assert_eq!(recipient.rcpt(&all()).unwrap(), "RCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;c@d");
        assert_eq!(recipient.rcpt(&Extensions::default()).unwrap(), "RCPT TO:<c@d>");
        assert_eq!(HandOn::default().mail(&all(), Needs::of(b"", b"x").unwrap()).unwrap(), "MAIL FROM:<> SIZE=1");
    }

    #[test]
    fn what_a_next_hop_cannot_take_is_refused_and_not_converted() {
        let envelope = envelope();
        let old = Extensions::default();
        let body = Needs::of(b"", "A: b\r\n\r\né\r\n".as_bytes()).unwrap();
        let header = Needs::of(b"", "A: é\r\n\r\nb\r\n".as_bytes()).unwrap();
        assert!(body.eight_bit && !body.eight_bit_header && header.eight_bit_header);
        assert_eq!(refusal(envelope.mail(&old, body)), (554, (6, 3)));
        let eight_bit = Extensions { eight_bit: true, ..old.clone() };
        assert_eq!(refusal(envelope.mail(&eight_bit, header)), (550, (6, 9)));
        assert!(envelope.mail(&eight_bit, body).is_ok());
        let sender = HandOn { sender: Some("ё@b.example".into()), ..envelope.clone() };
        assert_eq!(refusal(sender.mail(&old, Needs::declared(&sender.parameters))), (550, (6, 7)));
        let recipient = Recipient { address: "ё@b.example".into(), ..Recipient::default() };
        assert_eq!(refusal(recipient.rcpt(&old)), (553, (6, 7)));
        let large = Needs { size: Some(1001), ..body };
        assert_eq!(refusal(envelope.mail(&all(), large)), (552, (3, 4)));
    }

    #[test]
    fn t42_what_could_be_read_in_two_ways_is_not_handed_on() {
        assert!(Needs::of(b"", b"A: b\r\n\r\nc\r\n").is_some());
        for content in [b"A: b\r\n\r\nc\n.\n".as_slice(), b"c\r.\r", b"c\r\r\n", b"\n", b"\r"] {
            assert_eq!(Needs::of(b"", content), None, "{content:?}");
        }
    }
}
