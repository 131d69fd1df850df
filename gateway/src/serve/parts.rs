//! The parts of a message: recipients who get the same octets get them together.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use host::Direction;

use super::held::Held;
use super::smtp::trace::{below_its_top, is_one_of_its_kind};
use super::transaction::{Part, PartContent, Transaction};

/// The parts of one message.
pub struct Parts {
    parts: Vec<(Vec<usize>, PartContent)>,
    /// Of listener, reverse-path and message.
    begun: Context,
    /// The recipients by their places.
    recipients: Vec<String>,
    /// Whether what is made of the message is the recipients' alone.
    confidential: bool,
}

impl Parts {
    /// None yet, of a message that came to the listener of this name, and crosses
    /// the gateway in this direction.
    pub fn new(listener: &str, direction: Direction, transaction: &Transaction, message: &[u8]) -> Self {
        let mut begun = Context::new(&SHA256);
        // With the null reverse-path unlike any other.
        let sender = transaction.sender.as_ref().map_or(String::new(), |sender| format!("<{sender}>"));
        let message = if is_one_of_its_kind(message) { below_its_top(message) } else { message };
        for field in [listener.as_bytes(), sender.as_bytes(), message] {
            update(&mut begun, field);
        }
        let confidential = direction == Direction::Inbound;
        Self { parts: Vec::new(), begun, recipients: transaction.recipients.clone(), confidential }
    }

    /// These recipients get the message as it is.
    pub fn add_unchanged(&mut self, places: &[usize]) {
        self.add(places, PartContent::Unchanged);
    }

    /// These recipients get `octets`, whose room is given back when nobody needs
    /// them any more.
    pub fn add_rewritten(&mut self, places: &[usize], octets: Vec<u8>, held: Held) {
        let kept = Kept { octets, _held: held };
        self.add(places, PartContent::Rewritten(Bytes::from_owner(kept)));
    }

    fn add(&mut self, places: &[usize], content: PartContent) {
        if places.is_empty() {
            return;
        }
        match self.parts.iter_mut().find(|(_, known)| *known == content) {
            Some((recipients, _)) => recipients.extend(places),
            None => self.parts.push((places.to_vec(), content)),
        }
    }

    /// The parts, each with its identity.
    pub fn finish(self) -> Vec<Part> {
        let Self { parts, begun, recipients, confidential } = self;
        let part = |(mut places, content): (Vec<usize>, PartContent)| {
            places.sort_unstable();
            let mut names: Vec<&str> =
                places.iter().filter_map(|&place| recipients.get(place)).map(String::as_str).collect();
            // Whoever offers the message again may name them in another order.
            names.sort_unstable();
            let mut digest = begun.clone();
            names.iter().for_each(|name| update(&mut digest, name.as_bytes()));
            let mut identity = [0; 32];
            identity.copy_from_slice(digest.finish().as_ref());
            let confidential = confidential && matches!(content, PartContent::Rewritten(_));
            Part { recipients: places, content, confidential, identity }
        };
        parts.into_iter().map(part).collect()
    }
}

/// A rewritten message and its room.
struct Kept {
    octets: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

/// Adds a field with its length before it, so that no two sequences of fields are
/// digested alike.
fn update(digest: &mut Context, field: &[u8]) {
    digest.update(&(field.len() as u64).to_be_bytes());
    digest.update(field);
}

#[cfg(test)]
mod tests {
    use super::super::held::Quota;
    use super::super::transaction::Client;
    use super::*;

    fn transaction(recipients: &[&str]) -> Transaction {
        Transaction {
            id: "1".into(),
            client: Client::default(),
            sender: Some("taro@nec.co.jp".into()),
            recipients: recipients.iter().map(|&recipient| recipient.to_owned()).collect(),
        }
    }

    #[test]
    fn who_gets_the_same_gets_it_together() {
        let quota = Quota::new(100);
        let mut parts = Parts::new("l", Direction::Inbound, &transaction(&["a@x", "b@x", "c@x", "d@x"]), b"m");
        parts.add_unchanged(&[3]);
        parts.add_rewritten(&[2], b"sealed".to_vec(), quota.take(6).unwrap());
        parts.add_unchanged(&[0]);
        parts.add_rewritten(&[1], b"sealed".to_vec(), quota.take(6).unwrap());
        parts.add_unchanged(&[]);
        assert_eq!(quota.used(), 6, "the second copy is gone");
        let parts = parts.finish();
        let places: Vec<_> = parts.iter().map(|part| part.recipients.clone()).collect();
        assert_eq!(places, [vec![0, 3], vec![1, 2]]);
        let confidential: Vec<_> = parts.iter().map(|part| part.confidential).collect();
        assert_eq!(confidential, [false, true], "what was opened");
        drop(parts);
        assert_eq!(quota.used(), 0);
    }

    #[test]
    fn a_message_offered_again_has_the_same_identity_and_another_has_not() {
        let identity = |listener: &str, transaction: &Transaction, message: &[u8]| {
            let mut parts = Parts::new(listener, Direction::Inbound, transaction, message);
            parts.add_unchanged(&(0..transaction.recipients.len()).collect::<Vec<_>>());
            parts.finish()[0].identity
        };
        let first = transaction(&["a@x", "b@x"]);
        let known = identity("l", &first, b"m");
        assert_eq!(identity("l", &Transaction { id: "2".into(), ..first.clone() }, b"m"), known);
        assert_eq!(identity("l", &transaction(&["b@x", "a@x"]), b"m"), known);
        assert_ne!(identity("k", &first, b"m"), known);
        assert_ne!(identity("l", &transaction(&["a@x"]), b"m"), known);
        assert_ne!(identity("l", &transaction(&["a@xb@x"]), b"m"), known);
        assert_ne!(identity("l", &Transaction { sender: None, ..first.clone() }, b"m"), known);
        assert_ne!(identity("l", &first, b"n"), known);
        // A mail server before its queue writes its trace field anew.
        let offered = |second: u8, date: &str| {
            identity("l", &first, format!("Received: x; 0{second}\r\nReceived: y\r\n{date}\r\nm").as_bytes())
        };
        assert_eq!(offered(1, "Date: z\r\n"), offered(2, "Date: z\r\n"));
        assert_ne!(offered(1, ""), offered(2, ""), "nothing else tells them apart");
    }
}
