//! Why the gateway itself does not take a message, a sender or a recipient: what
//! the client is told, and what the operator reads.

use host::{Event, Reply};

use super::next_hop::Fault;
use super::replies;
use crate::event;

/// Why the gateway itself does not take something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The domain of this address is no tenant's; none is the null reverse-path.
    NotServed(Option<String>),
    /// Who logged in did so by this bare name, and there are several tenants that
    /// could have a user of that name.
    BareLogin(String),
    /// This recipient's copy has to be judged by other rules than that of those
    /// before it: it has to come in a transaction of its own.
    Apart(String),
    /// The message has so many octets, and `most` are accepted.
    TooLarge {
        /// Octets of the message.
        size: usize,
        /// Octets that are accepted.
        most: usize,
    },
    /// The reverse-path is none.
    BadSender,
    /// The forward-path is none.
    BadRecipient,
    /// The transaction has as many recipients as it may.
    TooManyRecipients,
    /// What the client said is unknown, malformed or out of place, and it hears this.
    Command(Reply),
    /// The next hop did not take it, or cannot be asked; the client hears this.
    NextHop(Reply),
    /// A line of the message ends with something else than CRLF.
    BareLineEnd,
    /// The message was here before, more often than by any way that has an end.
    Loop,
    /// The client fell silent in the middle.
    TimedOut,
    /// The tenant has as many messages under way as it may, or all have.
    Busy,
    /// It needs a key, and too many messages of its kind could not be opened.
    Throttled,
    /// No more mail can be held at a time.
    Memory,
    /// The keys or authorities of the tenant cannot be opened.
    NotReady(String),
    /// A fault of ours.
    Fault(String),
}

impl Refusal {
    /// What the client is told: no more than it has to know.
    pub fn reply(&self) -> Reply {
        match self {
            Self::NotServed(_) => replies::not_served(),
            Self::BareLogin(_) => replies::bare_login(),
            Self::Apart(_) => replies::apart(),
            Self::TooLarge { most, .. } => replies::too_large(*most),
            Self::BadSender => replies::bad_sender(),
            Self::BadRecipient => replies::bad_recipient(),
            Self::TooManyRecipients => replies::too_many_recipients(),
            Self::Command(reply) | Self::NextHop(reply) => reply.clone(),
            Self::BareLineEnd => replies::bare_line_end(),
            Self::Loop => replies::looping(),
            Self::TimedOut => replies::timed_out(),
            Self::Busy => replies::busy(),
            Self::Throttled => replies::throttled(),
            Self::Memory => replies::no_memory(),
            Self::NotReady(_) => replies::not_ready(),
            Self::Fault(_) => replies::fault(),
        }
    }

    /// What the operator reads: the true cause (`docs/audit.md`).
    pub fn event(&self) -> Event {
        let (cause, detail) = match self {
            Self::NotServed(address) => ("domain-not-served", address.as_deref().unwrap_or("<>").to_owned()),
            Self::BareLogin(login) => ("login-without-domain", login.clone()),
            Self::Apart(address) => ("tenants", address.clone()),
            Self::TooLarge { size, most } => ("message-too-large", format!("{size} octets, and {most} are accepted")),
            Self::BadSender => ("bad-sender", "the reverse-path is not well-formed".to_owned()),
            Self::BadRecipient => ("bad-recipient", "the forward-path is not well-formed".to_owned()),
            Self::TooManyRecipients => ("too-many-recipients", "more than a transaction may have".to_owned()),
            Self::Command(reply) => ("command", reply.text.clone()),
            Self::NextHop(reply) => ("next-hop", reply.text.clone()),
            Self::BareLineEnd => ("bare-line-end", "a CR without LF, or a LF without CR".to_owned()),
            Self::Loop => ("loop", "too many Received fields, or too many of ours".to_owned()),
            Self::TimedOut => ("timed-out", "nothing came for too long".to_owned()),
            Self::Busy => ("busy", "no place for the message in its time".to_owned()),
            Self::Throttled => {
                ("throttled", "too many messages of this client, or for this key, could not be opened".to_owned())
            }
            Self::Memory => ("memory", "more mail than may be held at a time".to_owned()),
            Self::NotReady(error) => ("not-ready", error.clone()),
            Self::Fault(error) => ("fault", error.clone()),
        };
        let name = if self.reply().code < 500 { "message-deferred" } else { "message-rejected" };
        event::refusal(name, &[("cause", cause), ("detail", &detail.escape_debug().to_string())])
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::NextHop(fault.reply())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_told_less_than_the_operator() {
        let refusal = Refusal::NotReady("secret.keyring: no such file\n".into());
        assert!(!refusal.reply().text.contains("secret"));
        let event = refusal.event();
        assert_eq!(event.name, "message-deferred");
        assert_eq!(event::text(&event, "cause"), Some("not-ready"));
        assert_eq!(event::text(&event, "detail"), Some("secret.keyring: no such file\\n"));
        assert_eq!(Refusal::NotServed(None).event().name, "message-rejected");
    }
}
