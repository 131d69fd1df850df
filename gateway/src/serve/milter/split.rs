//! The parts of a message that cannot stay in the session, since a milter makes
//! one message of one message: they go on by the listener's next hop.

use bytes::Bytes;
use host::Reply;

use crate::serve::next_hop::{HandOn, Recipient};
use crate::serve::smtp::parameters::MailParameters;
use crate::serve::smtp::trace::{Trace, is_one_of_its_kind, protocol};
use crate::serve::smtp::xforward::Forwarded;
use crate::serve::{Listener, Part, Transaction, log, replies};
use crate::time;

/// Who handed the message to the mail server, for whom, and with which parameters.
pub struct Origin {
    /// The envelope, and what it is called.
    pub transaction: Transaction,
    /// What came with the reverse-path.
    pub parameters: MailParameters,
    /// The recipients of the transaction, with what came with each.
    pub recipients: Vec<Recipient>,
    /// The reverse-path as the mail server spells it, by which it knows it.
    pub reverse_path: String,
    /// The forward-paths, likewise, in the order of the recipients.
    pub forward_paths: Vec<String>,
}

/// Hands on `parts` of the message, whose octets are `original`.
///
/// An error is for all recipients. What went before it is remembered, as is what
/// went without one: the mail server may yet fail to take what stays with it, and
/// nothing is sent twice when its client offers the message again. Unless nothing
/// tells the message from the next with the same words, which would be taken for it.
pub async fn hand_on(listener: &Listener, origin: &Origin, parts: &[Part], original: &Bytes) -> Result<(), Reply> {
    if parts.is_empty() {
        return Ok(());
    }
    let (name, id) = (&listener.settings.name, &origin.transaction.id);
    let Some(next_hop) = &listener.next_hop else {
        tracing::error!(
            listener = name,
            id,
            parts = parts.len() + 1,
            "deferred: recipients get different messages, and there is no next-hop to send the others by"
        );
        return Err(replies::not_set_up());
    };
    let (recipients, parts) = apart(&origin.recipients, parts);
    let handed = next_hop.hand_on(&envelope(listener, origin, recipients), &parts, original).await;
    let whole = handed.whole();
    if whole.is_err() || is_one_of_its_kind(original) {
        next_hop.remember(&handed).await;
    }
    whole.map_err(|reply| {
        log::not_handed_on(name, id, &reply);
        // Who has a copy must not be told of a refusal for good, nor must those be
        // who were not asked yet.
        if handed.delivered().next().is_some() { replies::fault() } else { reply }
    })
}

/// The recipients of `parts` alone, and the parts with their places among these.
fn apart(recipients: &[Recipient], parts: &[Part]) -> (Vec<Recipient>, Vec<Part>) {
    let mut left = Vec::new();
    let mut moved = Vec::with_capacity(parts.len());
    for part in parts {
        let first = left.len();
        left.extend(part.recipients.iter().filter_map(|&place| recipients.get(place)).cloned());
        moved.push(Part { recipients: (first..left.len()).collect(), ..part.clone() });
    }
    (left, moved)
}

/// The copies bear a trace of their own: the mail server's is not shown.
fn envelope(listener: &Listener, origin: &Origin, recipients: Vec<Recipient>) -> HandOn {
    let Transaction { id, client, sender, .. } = &origin.transaction;
    let trace = Trace {
        client,
        hostname: &listener.hostname,
        protocol: protocol(false, true, false, origin.parameters.international),
        id,
        // Each copy bears it, and tells nobody of another.
        recipient: None,
        time: time::now(),
    };
    HandOn {
        sender: sender.clone(),
        parameters: origin.parameters.clone(),
        recipients,
        forwarded: Forwarded::of(client, "ESMTP", id),
        trace: trace.field().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::PartContent;

    #[test]
    fn parts_find_their_recipients_again() {
        let recipients: Vec<Recipient> =
            (0..5).map(|n| Recipient { address: format!("{n}@x.example"), ..Recipient::default() }).collect();
        let part = |recipients: &[usize]| Part {
            recipients: recipients.to_vec(),
            content: PartContent::Unchanged,
            confidential: false,
            identity: [0; 32],
        };
        let (left, moved) = apart(&recipients, &[part(&[1, 4]), part(&[2])]);
        let addresses: Vec<&str> = left.iter().map(|recipient| recipient.address.as_str()).collect();
        assert_eq!(addresses, ["1@x.example", "4@x.example", "2@x.example"]);
        assert_eq!(moved.iter().map(|part| part.recipients.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
    }
}
