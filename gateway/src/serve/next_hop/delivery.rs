//! One message for some recipients on one connection: up to the final dot, which
//! is a step of its own.

use super::answer::Answer;
use super::connection::Step;
use super::envelope::{HandOn, Needs, Recipient};
use super::extensions::Extensions;
use super::fault::Fault;
use super::pool::{Lease, Places, Pool};
use crate::config::NextHopProtocol;

/// A transaction with the next hop that has its MAIL. Dropped, it is given up, and
/// nothing of it is delivered: the final dot was not sent (RFC 5321, section
/// 4.1.1.4).
pub struct Delivery {
    lease: Lease,
    accepted: usize,
}

/// The same with the whole message but its final dot.
pub struct Ready {
    lease: Lease,
    accepted: usize,
}

impl Delivery {
    /// Begins a transaction in one place. A connection that was idle may turn out
    /// to be dead: then there is another.
    pub async fn begin(pool: &Pool, mut places: Places, envelope: &HandOn, needs: Needs) -> Result<Self, Fault> {
        loop {
            let mut lease = pool.take(places).await?;
            match mail(&mut lease, envelope, needs).await {
                Ok(()) => return Ok(Self { lease, accepted: 0 }),
                Err(fault @ Fault::Refused(_)) => {
                    lease.give_back();
                    return Err(fault);
                }
                Err(Fault::Lost | Fault::Garbled | Fault::Closing(_)) if lease.reused => places = lease.into_places(),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// What the next hop speaks, and offers.
    pub fn offered(&self) -> (NextHopProtocol, &Extensions) {
        (self.lease.connection.protocol, &self.lease.connection.extensions)
    }

    /// How many recipients the next hop has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Names recipients: what the next hop says of each. An error is of the
    /// connection, which is then of no use.
    pub async fn recipients(&mut self, recipients: &[&Recipient]) -> Result<Vec<Result<(), Fault>>, Fault> {
        let connection = &mut self.lease.connection;
        let commands: Vec<_> = recipients.iter().map(|recipient| recipient.rcpt(&connection.extensions)).collect();
        let said: Vec<String> = commands.iter().flatten().cloned().collect();
        let mut answers = connection.ask_all(&said).await?.into_iter();
        let mut results = Vec::with_capacity(commands.len());
        for command in commands {
            let result = command.and_then(|_| answers.next().ok_or(Fault::Garbled)?.accepted());
            match result {
                Ok(()) => self.accepted = self.accepted.saturating_add(1),
                Err(Fault::Refused(_)) => {}
                Err(fault) => return Err(fault),
            }
            results.push(result);
        }
        Ok(results)
    }

    /// Sends `trace` and `content`, and not the final dot. If the next hop refuses
    /// before the message, the connection is in order.
    pub async fn content(self, trace: &[u8], content: &[u8]) -> Result<Ready, Fault> {
        let Self { mut lease, accepted } = self;
        let connection = &mut lease.connection;
        let answer = connection.ask("DATA", Step::Data).await?;
        if answer.code != 354 {
            let refused = answer.accepted();
            if matches!(refused, Err(Fault::Refused(_))) {
                lease.give_back();
            }
            return Err(refused.err().unwrap_or(Fault::Garbled));
        }
        for text in [trace, content] {
            for piece in stuffed(text) {
                connection.write(piece).await?;
            }
        }
        let end = if content.is_empty() || content.ends_with(b"\r\n") { "" } else { "\r\n" };
        connection.say(end.as_bytes()).await?;
        Ok(Ready { lease, accepted })
    }

    /// Gives the transaction up, and keeps the connection.
    pub fn abandon(self) {
        self.lease.give_back();
    }
}

impl Ready {
    /// Sends the final dot: what the next hop says for each accepted recipient, in
    /// the order they were named. SMTP has one answer for all of them, LMTP one
    /// for each (RFC 2033, section 4.2).
    ///
    /// After [`Fault::Lost`], [`Fault::Slow`] and [`Fault::Garbled`] nobody knows
    /// whether the message was taken.
    pub async fn end(self) -> Vec<Result<(), Fault>> {
        let Self { mut lease, accepted } = self;
        let connection = &mut lease.connection;
        if !connection.is_quiet() {
            // An answer before the question belongs to nothing.
            return vec![Err(Fault::Garbled); accepted];
        }
        let answers = match connection.protocol {
            NextHopProtocol::Smtp => 1,
            NextHopProtocol::Lmtp => accepted,
        };
        let mut results = Vec::with_capacity(accepted);
        let mut broken = connection.say(b".\r\n").await.err();
        for _ in 0..answers {
            let result = match &broken {
                Some(fault) => Err(fault.clone()),
                None => connection.answer(Step::End).await.and_then(Answer::accepted),
            };
            broken = result.as_ref().err().filter(|fault| !fault.leaves_order()).cloned();
            results.push(result);
        }
        let protocol = connection.protocol;
        if broken.is_none() {
            connection.messages = connection.messages.saturating_add(1);
            lease.give_back();
        }
        match (protocol, results.first()) {
            (NextHopProtocol::Smtp, Some(one)) => vec![one.clone(); accepted],
            _ => results,
        }
    }
}

/// RSET where something may be left of an earlier transaction, XFORWARD where the
/// next hop asks for it, and MAIL.
async fn mail(lease: &mut Lease, envelope: &HandOn, needs: Needs) -> Result<(), Fault> {
    let connection = &mut lease.connection;
    let mail = envelope.mail(&connection.extensions, needs)?;
    let mut commands = envelope.forwarded.commands(&connection.extensions.xforward);
    if lease.reused {
        commands.insert(0, "RSET".to_owned());
    }
    commands.push(mail);
    let mut answers = connection.ask_all(&commands).await?;
    let of_mail = answers.pop().ok_or(Fault::Garbled)?;
    if lease.reused && !answers.first().is_some_and(Answer::is_positive) {
        return Err(Fault::Garbled);
    }
    // XFORWARD is for logs: a next hop that does not let us say it takes the mail
    // all the same.
    of_mail.accepted()
}

/// `text` with a dot before each line that begins with one (RFC 5321, section
/// 4.5.2): as pieces, nothing is copied. It begins a line, and its lines end with
/// CRLF.
fn stuffed(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    let mut at_start = true;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if std::mem::take(&mut at_start) && rest.starts_with(b".") {
            return Some(b".".as_slice());
        }
        let end = memchr::memmem::find(rest, b"\r\n.").map_or(rest.len(), |place| place.saturating_add(2));
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        at_start = true;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_a_dot_get_another() {
        for (text, expected) in [
            ("", ""),
            ("a\r\n", "a\r\n"),
            (".\r\n", "..\r\n"),
            ("..\r\n.a\r\nb.\r\n", "...\r\n..a\r\nb.\r\n"),
            ("a\r\n.\r\n.\r\n", "a\r\n..\r\n..\r\n"),
            (".", ".."),
        ] {
            let written: Vec<u8> = stuffed(text.as_bytes()).flatten().copied().collect();
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{text:?}");
        }
    }
}
