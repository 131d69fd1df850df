//! What became of a message that was handed on.

use host::Reply;

use super::super::delivered::Key;
use super::super::smtp::reply::reply;
use super::envelope::Recipient;
use super::fault::Fault;

/// What became of a message, recipient by recipient.
#[derive(Debug)]
pub struct Handed {
    outcomes: Vec<Outcome>,
}

#[derive(Debug)]
struct Outcome {
    recipient: String,
    /// Under which it is remembered that this recipient has the message.
    key: Option<Key>,
    result: Result<(), Fault>,
}

impl Handed {
    /// Nothing was handed on yet, and will not be unless something is said.
    pub fn new(recipients: &[Recipient]) -> Self {
        let outcome = |recipient: &Recipient| Outcome {
            recipient: recipient.address.clone(),
            key: None,
            result: Err(Fault::Lost),
        };
        Self { outcomes: recipients.iter().map(outcome).collect() }
    }

    /// Says of one recipient what became of the message.
    pub fn set(&mut self, place: usize, key: Key, result: Result<(), Fault>) {
        if let Some(outcome) = self.outcomes.get_mut(place) {
            (outcome.key, outcome.result) = (Some(key), result);
        }
    }

    /// A reply for each recipient, in the order of the transaction (RFC 2033).
    pub fn each(&self) -> impl Iterator<Item = Result<(), Reply>> {
        self.outcomes.iter().map(|outcome| outcome.result.as_ref().copied().map_err(Fault::reply))
    }

    /// The one reply for all recipients. As long as one of them may still get the
    /// message the client has to offer it again; who has it will not get it twice.
    /// A refusal for good names those who do not have it, if others have.
    pub fn whole(&self) -> Result<(), Reply> {
        let failed =
            || self.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.result.as_ref().err()?.reply())));
        if let Some((_, reply)) = failed().find(|(_, reply)| reply.code < 500) {
            return Err(reply);
        }
        let Some((_, first)) = failed().next() else { return Ok(()) };
        if self.delivered().next().is_none() {
            return Err(first);
        }
        let text: Vec<String> = failed()
            .map(|(outcome, reply)| format!("Not delivered to <{}>: {}", outcome.recipient, reply.text))
            .collect();
        Err(reply(first.code, (first.subject, first.detail), text.join("\n")))
    }

    /// The keys of those who have the message.
    pub fn delivered(&self) -> impl Iterator<Item = Key> {
        self.outcomes.iter().filter(|outcome| outcome.result.is_ok()).filter_map(|outcome| outcome.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed(results: Vec<Result<(), Fault>>) -> Handed {
        let recipients: Vec<Recipient> = (0..results.len())
            .map(|n| Recipient { address: format!("r{n}@x.example"), ..Recipient::default() })
            .collect();
        let mut handed = Handed::new(&recipients);
        for (place, result) in results.into_iter().enumerate() {
            handed.set(place, Key::new(&[0; 32], "x"), result);
        }
        handed
    }

    fn refused(code: u16) -> Result<(), Fault> {
        Err(Fault::Refused(reply(code, (1, 1), "No")))
    }

    #[test]
    fn one_reply_speaks_for_all() {
        assert_eq!(handed(vec![Ok(()), Ok(())]).whole(), Ok(()));
        assert_eq!(handed(vec![Ok(()), refused(550), refused(450)]).whole().unwrap_err().code, 450);
        let whole = handed(vec![refused(550), refused(550)]).whole().unwrap_err();
        assert_eq!((whole.code, whole.text.as_str()), (550, "No"));
        let whole = handed(vec![Ok(()), refused(550)]).whole().unwrap_err();
        assert_eq!((whole.code, whole.text.as_str()), (550, "Not delivered to <r1@x.example>: No"));
    }

    #[test]
    fn what_was_not_said_was_not_delivered() {
        let handed = Handed::new(&[Recipient::default()]);
        assert_eq!(handed.whole().unwrap_err().code, 451);
        assert_eq!(handed.delivered().count(), 0);
        assert!(handed.each().all(|reply| reply.is_err()));
    }
}
