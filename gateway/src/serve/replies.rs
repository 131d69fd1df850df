//! What the gateway itself answers: a code, an enhanced status (RFC 3463) whose
//! class is the first digit of the code, and a text that tells the client no
//! more than it has to know.

use host::Reply;

/// Something failed on our side (RFC 3463, X.3.0).
pub fn fault() -> Reply {
    reply(451, 3, 0, "The mail gateway could not process the message; try again later")
}

/// The keys or authorities of the tenant cannot be opened.
pub fn not_ready() -> Reply {
    reply(451, 3, 0, "The mail gateway is not ready; try again later")
}

/// The tenant has as many messages under way as it may.
pub fn busy() -> Reply {
    reply(451, 3, 2, "Too many messages are being processed; try again later")
}

/// Too many messages could not be opened (RFC 3463, X.7.0).
pub fn throttled() -> Reply {
    reply(450, 7, 0, "Too many messages could not be opened; try again later")
}

/// No more mail can be held at a time.
pub fn no_memory() -> Reply {
    reply(452, 3, 1, "Insufficient system storage; try again later")
}

/// All connections are taken; the session ends.
pub fn no_connection() -> Reply {
    reply(421, 3, 2, "Too many connections; try again later")
}

/// The domain is no tenant's: mail is neither taken for it nor sent in its name.
pub fn not_served() -> Reply {
    reply(550, 7, 1, "The domain of the address is not served here")
}

/// Several tenants could have a user of this name.
pub fn bare_login() -> Reply {
    reply(550, 7, 1, "Log in with your whole mail address to send mail here")
}

/// The recipient's copy would have to be judged by other rules than that of the
/// recipients before: it has to come in a transaction of its own.
pub fn apart() -> Reply {
    reply(452, 5, 3, "Send to this recipient in another transaction")
}

/// The message is larger than the tenant accepts.
pub fn too_large(most: usize) -> Reply {
    reply(552, 3, 4, &format!("The message is larger than the {most} octets that are accepted here"))
}

/// The reverse-path is none (RFC 3463, X.1.7).
pub fn bad_sender() -> Reply {
    reply(553, 1, 7, "The address of the sender is not well-formed")
}

/// The forward-path is none (RFC 3463, X.1.3).
pub fn bad_recipient() -> Reply {
    reply(553, 1, 3, "The address of the recipient is not well-formed")
}

/// The gateway is not set up for what the message needs (RFC 3463, X.3.5).
pub fn not_set_up() -> Reply {
    reply(451, 3, 5, "The mail gateway is not set up for this message; try again later")
}

/// A line of the message ends with something else than CRLF (RFC 5321, section
/// 2.3.8).
pub fn bare_line_end() -> Reply {
    reply(550, 5, 2, "Lines of mail end with CRLF; a bare CR or LF is in the message")
}

/// The message goes round (RFC 5321, section 6.3).
pub fn looping() -> Reply {
    reply(554, 4, 6, "The message goes round in a loop")
}

/// The client fell silent; the session ends.
pub fn timed_out() -> Reply {
    reply(421, 4, 2, "Nothing was said for too long")
}

/// The transaction has as many recipients as it may.
pub fn too_many_recipients() -> Reply {
    reply(452, 5, 3, "Too many recipients; send to the others in another transaction")
}

fn reply(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply { code, subject, detail, text: text.to_owned() }
}
