//! What the mail server says: one packet of the milter protocol, version 2 to 6.
//!
//! The protocol has no standard; Sendmail's `include/libmilter/mfdef.h` and
//! Postfix's `src/milter/milter8.c` are its definition. Nothing here panics, and
//! octets stay as they came: a header field in Latin-1 is not made UTF-8.

use std::fmt;
use std::net::IpAddr;

use bytes::{Buf, Bytes};

use super::options::Options;

/// What the mail server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `SMFIC_OPTNEG`: what it offers, before anything else.
    Negotiate(Options),
    /// `SMFIC_MACRO`: what it knows beside the command of this code, which follows.
    Macros(u8, Vec<(Bytes, Bytes)>),
    /// `SMFIC_CONNECT`: its client's name as the mail server sees it, and address;
    /// none for a client that came by other ways than IP.
    Connect(Bytes, Option<IpAddr>),
    /// `SMFIC_HELO`: what the client calls itself.
    Helo(Bytes),
    /// `SMFIC_MAIL`: the reverse-path in angle brackets, and ESMTP parameters.
    Mail(Bytes, Vec<Bytes>),
    /// `SMFIC_RCPT`: a forward-path in angle brackets, and ESMTP parameters.
    Rcpt(Bytes, Vec<Bytes>),
    /// `SMFIC_DATA`: the message follows.
    Data,
    /// `SMFIC_HEADER`: a field's name, and all that follows its colon but the
    /// CRLF; folds are LF. Its first space is there if [`Options`] keep it.
    Header(Bytes, Bytes),
    /// `SMFIC_EOH`: the header is complete.
    EndOfHeader,
    /// `SMFIC_BODY`: octets of the body, from where the last ones ended.
    Body(Bytes),
    /// `SMFIC_BODYEOB`: the last octets of the body, mostly none; now it waits
    /// for the verdict.
    EndOfBody(Bytes),
    /// `SMFIC_ABORT`: this message comes to nothing; another may follow.
    Abort,
    /// `SMFIC_QUIT`: the connection ends.
    Quit,
    /// `SMFIC_QUIT_NC`: the client is gone, another one follows.
    QuitNewConnection,
    /// `SMFIC_UNKNOWN`: the client gave a command that its server does not know.
    Unknown,
}

/// A packet that is not of the protocol: whoever sent it is no mail server, or a
/// broken one. The connection cannot be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer does not speak the milter protocol: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl Command {
    /// Reads a packet: its code, and the data that its length announced.
    pub fn parse(code: u8, mut data: Bytes) -> Result<Self, Malformed> {
        Ok(match code {
            b'O' => Self::Negotiate(Options::parse(data).ok_or(Malformed("options that are cut off"))?),
            b'D' => {
                let of = data.try_get_u8().map_err(|_| Malformed("macros of no command"))?;
                Self::Macros(of, pairs(data)?)
            }
            b'C' => connect(data)?,
            b'H' => Self::Helo(text(&mut data)?),
            b'M' => Self::Mail(text(&mut data)?, texts(data)?),
            b'R' => Self::Rcpt(text(&mut data)?, texts(data)?),
            b'T' => Self::Data,
            b'L' => {
                let name = text(&mut data)?;
                if name.is_empty() || !name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':') {
                    return Err(Malformed("a header field whose name is none"));
                }
                Self::Header(name, text(&mut data)?)
            }
            b'N' => Self::EndOfHeader,
            b'B' => Self::Body(data),
            b'E' => Self::EndOfBody(data),
            b'A' => Self::Abort,
            b'Q' => Self::Quit,
            b'K' => Self::QuitNewConnection,
            b'U' => Self::Unknown,
            _ => return Err(Malformed("a command that there is not")),
        })
    }
}

/// A name, the family of an address, and for all families but `U` a port and the
/// address.
fn connect(mut data: Bytes) -> Result<Command, Malformed> {
    let name = text(&mut data)?;
    let family = data.try_get_u8().map_err(|_| Malformed("a client without a family of addresses"))?;
    let address = match family {
        b'4' | b'6' => {
            let _port = data.try_get_u16().map_err(|_| Malformed("a client without a port"))?;
            let octets = text(&mut data)?;
            let address = std::str::from_utf8(&octets).unwrap_or_default();
            let address = address.strip_prefix("IPv6:").unwrap_or(address);
            Some(address.parse().map_err(|_| Malformed("a client whose address is none"))?)
        }
        b'L' | b'U' => None,
        _ => return Err(Malformed("a family of addresses that there is not")),
    };
    Ok(Command::Connect(name, address))
}

/// Takes what ends with a NUL.
fn text(data: &mut Bytes) -> Result<Bytes, Malformed> {
    let end = memchr::memchr(0, data).ok_or(Malformed("a text that does not end"))?;
    let text = data.split_to(end);
    data.advance(1);
    Ok(text)
}

fn texts(mut data: Bytes) -> Result<Vec<Bytes>, Malformed> {
    let mut texts = Vec::new();
    while !data.is_empty() {
        texts.push(text(&mut data)?);
    }
    Ok(texts)
}

fn pairs(mut data: Bytes) -> Result<Vec<(Bytes, Bytes)>, Malformed> {
    let mut pairs = Vec::new();
    while !data.is_empty() {
        pairs.push((text(&mut data)?, text(&mut data)?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(code: u8, data: &'static [u8]) -> Result<Command, Malformed> {
        Command::parse(code, Bytes::from_static(data))
    }

    #[test]
    fn octets_stay_as_they_came() {
        let latin = Bytes::from_static(b" J\xf6rg\n\tsecond line");
        assert_eq!(parse(b'L', b"From\0 J\xf6rg\n\tsecond line\0"), Ok(Command::Header("From".into(), latin)));
        assert_eq!(parse(b'L', b"Subject\0\0"), Ok(Command::Header("Subject".into(), "".into())));
        assert_eq!(parse(b'B', b"a\0b\r\n"), Ok(Command::Body("a\0b\r\n".into())));
    }

    #[test]
    fn the_end_of_a_body_may_bring_octets() {
        assert_eq!(parse(b'E', b""), Ok(Command::EndOfBody("".into())));
        assert_eq!(parse(b'E', b"last line\r\n"), Ok(Command::EndOfBody("last line\r\n".into())));
    }

    #[test]
    fn clients_come_by_ip_or_otherwise() {
        let four = Some("192.0.2.1".parse().unwrap());
        assert_eq!(parse(b'C', b"a.test\x004\x01\xbb192.0.2.1\0"), Ok(Command::Connect("a.test".into(), four)));
        let six = Some("2001:db8::1".parse().unwrap());
        assert_eq!(
            parse(b'C', b"[2001:db8::1]\x006\0\0IPv6:2001:db8::1\0"),
            Ok(Command::Connect("[2001:db8::1]".into(), six))
        );
        assert_eq!(parse(b'C', b"localhost\0U"), Ok(Command::Connect("localhost".into(), None)));
        assert_eq!(parse(b'C', b"localhost\0L\0\0/run/x\0"), Ok(Command::Connect("localhost".into(), None)));
    }

    #[test]
    fn paths_keep_their_brackets_and_parameters() {
        let parameters = vec!["SIZE=10".into(), "BODY=8BITMIME".into()];
        assert_eq!(
            parse(b'M', b"<a@a.test>\0SIZE=10\0BODY=8BITMIME\0"),
            Ok(Command::Mail("<a@a.test>".into(), parameters))
        );
        assert_eq!(parse(b'M', b"<>\0"), Ok(Command::Mail("<>".into(), vec![])));
        let macros = vec![("i".into(), "4F".into()), ("{auth_authen}".into(), "alice".into())];
        assert_eq!(parse(b'D', b"Mi\x004F\0{auth_authen}\0alice\0"), Ok(Command::Macros(b'M', macros)));
    }

    #[test]
    fn what_is_no_packet_of_the_protocol_is_said_to_be_none() {
        let broken: [(u8, &'static [u8]); 15] = [
            (0, b""),
            (b'x', b""),
            (b'O', b"\0\0\0\x06\0\0"),
            (b'D', b""),
            (b'D', b"Mi\0"),
            (b'D', b"Mi\x004F"),
            (b'C', b"name"),
            (b'C', b"name\0"),
            (b'C', b"name\x004"),
            (b'C', b"name\x004\0\0not an address\0"),
            (b'C', b"name\0x\0\0\0"),
            (b'H', b"no end"),
            (b'M', b"<a@a.test>\0SIZE=10"),
            (b'L', b"Na me\0value\0"),
            (b'L', b"Name:\0value\0"),
        ];
        for (code, data) in broken {
            assert!(parse(code, data).is_err(), "{} {data:?}", char::from(code));
        }
        for end in 0..b"Subject\0value\0".len() {
            assert!(parse(b'L', &b"Subject\0value\0"[..end]).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_packet_is_read_or_refused(code in any::<u8>(), data in proptest::collection::vec(any::<u8>(), 0..60)) {
            match Command::parse(code, data.clone().into()) {
                Ok(Command::Body(octets) | Command::EndOfBody(octets)) => prop_assert_eq!(octets, data),
                Ok(Command::Header(name, value)) => {
                    let packet = [&name[..], b"\0", &value, b"\0"].concat();
                    prop_assert!(data.starts_with(&packet) && !name.contains(&b':') && !name.contains(&b'\n'));
                }
                Ok(Command::Negotiate(_)) => prop_assert!(data.len() >= 12),
                Ok(_) => prop_assert!(b"DCHMRTNAQKU".contains(&code)),
                Err(_) => prop_assert!(!b"TNABEQKU".contains(&code)),
            }
        }
    }
}
