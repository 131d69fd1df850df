//! The parts of a message that cannot stay in the session, since a milter makes
//! one message of one message.

use bytes::Bytes;
use host::Reply;

use crate::serve::{Listener, Part, Transaction, replies};

/// Hands on `parts` of the message, whose octets are `original`. An error is for
/// all recipients, and nothing has been delivered.
pub async fn hand_on(
    listener: &Listener,
    transaction: &Transaction,
    parts: &[Part],
    _original: &Bytes,
) -> Result<(), Reply> {
    if parts.is_empty() {
        return Ok(());
    }
    tracing::error!(
        listener = listener.settings.name,
        id = transaction.id,
        parts = parts.len() + 1,
        "deferred: recipients would get different messages, and there is no next-hop to send the others by"
    );
    Err(replies::not_set_up())
}
