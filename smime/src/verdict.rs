//! What the SMTP dialogue says about a message, and what becomes of it: the
//! types of `wit/types.wit`.

/// Which way a message crosses the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To local users: decrypt and verify.
    Inbound,
    /// From local users: sign and encrypt.
    Outbound,
}

/// What the SMTP dialogue says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Which way the message crosses the gateway.
    pub direction: Direction,
    /// The identity the client authenticated, if it did.
    pub submitter: Option<String>,
    /// The reverse-path; none is the null reverse-path, `<>`.
    pub sender: Option<String>,
    /// The forward-paths, in the order given. Never empty.
    pub recipients: Vec<String>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accept the message and make these deliveries. Every recipient of the
    /// envelope is in exactly one of them.
    Deliver(Vec<Delivery>),
    /// Refuse the message for good, with a reply code 5yz.
    Reject(Reply),
    /// Refuse the message for now, with a reply code 4yz.
    Defer(Reply),
}

/// One form of the message, for some of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Indices into [`Envelope::recipients`]. Never empty.
    pub recipients: Vec<u32>,
    /// What they get.
    pub content: Content,
}

/// The bytes of a delivery.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Those received, bit for bit.
    Unchanged,
    /// These: a header, an empty line and a body, with CRLF line ends.
    Rewritten(Vec<u8>),
}

impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unchanged => f.write_str("Unchanged"),
            // Content of messages has no place in a log.
            Self::Rewritten(bytes) => write!(f, "Rewritten({} octets)", bytes.len()),
        }
    }
}

/// An SMTP reply with an enhanced status code (RFC 3463). The class of the
/// status is the first digit of `code`, so the two cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code (RFC 5321, section 4.2).
    pub code: u16,
    /// The subject of the status: the second number.
    pub subject: u16,
    /// The detail of the status: the third number.
    pub detail: u16,
    /// One printable ASCII line of at most 480 octets for whoever sent the
    /// message.
    pub text: String,
}
