//! A message on its way through the gateway: who brings it, to whom it goes, and
//! what becomes of it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use host::Reply;

/// Who hands a message to the mail server, as the mail server told (milter
/// macros, XFORWARD), or as it is seen on the socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address; none if it is a process of this machine.
    pub address: Option<IpAddr>,
    /// Its host name, as the mail server verified it.
    pub name: Option<String>,
    /// What it called itself in HELO or EHLO.
    pub helo: Option<String>,
    /// As whom it authenticated: a mail address or a bare login name.
    pub login: Option<String>,
}

/// The envelope of one message, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What it is called in logs: the mail server's queue id, or [`new_id`].
    pub id: String,
    /// Who brings it.
    pub client: Client,
    /// The reverse-path, without angle brackets; none is the null one.
    pub sender: Option<String>,
    /// The forward-paths, without angle brackets, as they were accepted.
    pub recipients: Vec<String>,
}

/// Recipients of one transaction; RFC 5321, section 4.5.3.1.8, demands a hundred.
pub const MOST_RECIPIENTS: usize = 1000;

/// What becomes of a message.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// It goes on, in these parts: each recipient is in exactly one.
    Deliver(Vec<Part>),
    /// It is refused as a whole, for now (4xx) or for good (5xx).
    Refuse(Reply),
}

/// The recipients who get the same octets.
#[derive(Clone, Debug)]
pub struct Part {
    /// Places in [`Transaction::recipients`], ascending; never empty.
    pub recipients: Vec<usize>,
    /// What they get.
    pub content: PartContent,
    /// Whether it is for their eyes only: what arrived, and was opened for them. A
    /// notification must not bring any of it back.
    pub confidential: bool,
    /// The same when the same message is offered again for the same recipients:
    /// SHA-256 over the listener's name, the reverse-path, these recipients and
    /// the octets as they were received, but for a trace field on top
    /// (`docs/decisions/0084`).
    pub identity: [u8; 32],
}

/// What the recipients of a part get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartContent {
    /// The message as it was received, bit for bit.
    Unchanged,
    /// Another message: header, empty line and body, with CRLF line ends.
    Rewritten(Bytes),
}

/// A name for a transaction that the mail server gave none: unique on this
/// machine as long as its clock does not go back.
pub fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    format!("{now:X}-{:X}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_transactions_have_the_same_name() {
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
