//! Commands, from the lines of a client.

use host::Reply;
use smtp_proto::{Error, Request};

use super::parameters::{MailParameters, ParameterError, RcptParameters};
use super::path::Path;
use super::reply::reply;

/// A command that this server knows.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// EHLO, with what the client calls itself.
    Ehlo(String),
    /// HELO, likewise.
    Helo(String),
    /// LHLO, likewise (RFC 2033, section 4.1).
    Lhlo(String),
    /// MAIL: the reverse-path as written, none for the null one.
    Mail(Option<String>, MailParameters),
    /// RCPT: the forward-path as written.
    Rcpt(String, RcptParameters),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// XFORWARD, with its attributes.
    Xforward(String),
    /// What only a client of another protocol says, or one that sends a message
    /// where commands belong: nothing more of it may be listened to.
    Hostile,
}

impl Command {
    /// Reads a line. The error is what the client is told: unknown 500,
    /// malformed 501, not offered 502, an unknown parameter 555.
    pub fn read(line: &str) -> Result<Self, Reply> {
        let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "MAIL" => return mail(arguments),
            "RCPT" => return rcpt(arguments),
            "XFORWARD" => return Ok(Self::Xforward(arguments.to_owned())),
            // BDAT's message would follow at once, to be taken for commands.
            "BDAT" | "CONNECT" | "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "PRI" => return Ok(Self::Hostile),
            "DATA" | "RSET" | "QUIT" | "STARTTLS" if !arguments.trim().is_empty() => {
                return Err(reply(501, (5, 4), format!("{verb} takes no argument")));
            }
            _ => {}
        }
        let terminated = format!("{line}\r\n");
        match Request::parse(&mut terminated.as_bytes().iter()) {
            Ok(Request::Ehlo { host }) => named(&host).map(Self::Ehlo),
            Ok(Request::Helo { host }) => named(&host).map(Self::Helo),
            Ok(Request::Lhlo { host }) => named(&host).map(Self::Lhlo),
            Ok(Request::Data) => Ok(Self::Data),
            Ok(Request::Rset) => Ok(Self::Rset),
            Ok(Request::Noop { .. }) => Ok(Self::Noop),
            Ok(Request::Vrfy { .. }) => Ok(Self::Vrfy),
            Ok(Request::Help { .. }) => Ok(Self::Help),
            Ok(Request::Quit) => Ok(Self::Quit),
            Ok(Request::StartTls) => Ok(Self::StartTls),
            Ok(known) => Err(reply(502, (5, 1), format!("{} is not offered here", known.name()))),
            Err(Error::SyntaxError { syntax }) => Err(reply(501, (5, 4), format!("Write {syntax}"))),
            Err(_) => Err(reply(500, (5, 1), "Unknown command")),
        }
    }
}

fn mail(arguments: &str) -> Result<Command, Reply> {
    let path = path_after(arguments, "FROM:", Path::read)
        .ok_or_else(|| reply(501, (1, 7), "Write MAIL FROM:<reverse-path>"))?;
    let parameters = MailParameters::read(path.rest).map_err(refuse)?;
    let sender = (!path.mailbox.is_empty()).then(|| path.mailbox.to_owned());
    Ok(Command::Mail(sender, parameters))
}

fn rcpt(arguments: &str) -> Result<Command, Reply> {
    let path = path_after(arguments, "TO:", Path::read_forward).filter(|path| !path.mailbox.is_empty());
    let path = path.ok_or_else(|| reply(501, (1, 3), "Write RCPT TO:<forward-path>, with a domain"))?;
    let parameters = RcptParameters::read(path.rest).map_err(refuse)?;
    Ok(Command::Rcpt(path.mailbox.to_owned(), parameters))
}

/// Some clients put spaces around the colon's right side, which does no harm.
fn path_after<'a>(arguments: &'a str, keyword: &str, read: fn(&'a str) -> Option<Path<'a>>) -> Option<Path<'a>> {
    let arguments = arguments.trim_start_matches(' ');
    let (given, rest) = arguments.split_at_checked(keyword.len())?;
    given.eq_ignore_ascii_case(keyword).then(|| read(rest.trim_start_matches(' '))).flatten()
}

/// What the client calls itself goes into header fields: no more than a domain
/// or an address literal may have.
fn named(host: &str) -> Result<String, Reply> {
    let sound = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let sound = !host.is_empty() && host.chars().all(sound);
    if sound { Ok(host.to_owned()) } else { Err(reply(501, (5, 4), "Say the name of your host")) }
}

fn refuse(error: ParameterError) -> Reply {
    match error {
        ParameterError::Unknown(keyword) => reply(555, (5, 4), format!("{keyword} is not offered here")),
        ParameterError::Value(what) => reply(501, (5, 4), format!("Malformed: {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_whatever_their_case() {
        for (line, command) in [
            ("EHLO mx.a.example", Command::Ehlo("mx.a.example".into())),
            ("helo [127.0.0.1]", Command::Helo("[127.0.0.1]".into())),
            ("LHLO x", Command::Lhlo("x".into())),
            ("MAIL FROM:<>", Command::Mail(None, MailParameters::default())),
            ("mail from: <a@b.example>", Command::Mail(Some("a@b.example".into()), MailParameters::default())),
            ("RCPT TO:<a@b.example>", Command::Rcpt("a@b.example".into(), RcptParameters::default())),
            ("data", Command::Data),
            ("DATA ", Command::Data),
            ("RSET", Command::Rset),
            ("NOOP", Command::Noop),
            ("NOOP x", Command::Noop),
            ("VRFY a", Command::Vrfy),
            ("HELP", Command::Help),
            ("QUIT", Command::Quit),
            ("STARTTLS", Command::StartTls),
            ("XFORWARD NAME=a", Command::Xforward("NAME=a".into())),
            ("BDAT 10 LAST", Command::Hostile),
            ("GET / HTTP/1.1", Command::Hostile),
        ] {
            assert_eq!(Command::read(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn each_kind_of_mistake_has_its_code() {
        for (line, code) in [
            ("", 500),
            ("FOO", 500),
            ("DATAX", 500),
            ("DATA now", 501),
            ("STARTTLS x", 501),
            ("EHLO", 501),
            ("EHLO (evil)", 501),
            ("MAIL", 501),
            ("MAIL FROM", 501),
            ("MAIL FROM:", 501),
            ("MAIL FROM:a@b.example", 501),
            ("MAIL TO:<a@b.example>", 501),
            ("MAIL FROM:<a@b.example>SIZE=1", 501),
            ("MAIL FROM:<a@b.example> BODY=BINARYMIME", 501),
            ("RCPT TO:<>", 501),
            ("RCPT TO:<abuse>", 501),
            ("MAIL FROM:<postmaster>", 501),
            ("MAIL FROM:<a@b.example> MT-PRIORITY=3", 555),
            ("RCPT TO:<a@b.example> RRVS=x", 555),
            ("AUTH PLAIN AGEAYg==", 502),
            ("EXPN list", 502),
            ("ETRN x", 502),
        ] {
            assert_eq!(Command::read(line).unwrap_err().code, code, "{line}");
        }
    }
}
