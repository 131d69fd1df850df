//! What becomes of a message, all tenants and all that can fail taken together.

use std::io;

use host::{Delivery, Event, Outcome, Reply, Verdict};

use crate::event;
use crate::exit::Status;
use crate::tenant::NotServed;

/// What becomes of a message.
pub struct Answer {
    /// The verdict; recipients are places in the envelope.
    pub verdict: Verdict,
    /// The events of all tenants.
    pub events: Vec<Event>,
    /// How often private keys were used.
    pub private_key_operations: u64,
}

impl Default for Answer {
    /// Nothing to deliver yet.
    fn default() -> Self {
        Self { verdict: Verdict::Deliver(Vec::new()), events: Vec::new(), private_key_operations: 0 }
    }
}

impl Answer {
    /// Refuses a message that is not this gateway's to pass on.
    pub fn not_served(NotServed { address }: &NotServed) -> Self {
        let text = "The domain of the address is not served here".to_owned();
        let shown = address.as_deref().map_or("<>".to_owned(), |address| address.escape_debug().to_string());
        Self {
            verdict: Verdict::Reject(Reply { code: 550, subject: 7, detail: 1, text }),
            events: vec![event::refusal("message-rejected", &[("cause", "domain-not-served"), ("detail", &shown)])],
            private_key_operations: 0,
        }
    }

    /// Adds what came of the message for one tenant, whose recipients stand at
    /// these places. It is one message and gets one answer: a rejection goes
    /// before a deferral, and that before deliveries.
    pub fn add(&mut self, outcome: Outcome, places: &[usize]) {
        self.events.extend(outcome.events);
        self.private_key_operations = self.private_key_operations.saturating_add(outcome.private_key_operations);
        match (&mut self.verdict, outcome.verdict) {
            (Verdict::Deliver(all), Verdict::Deliver(deliveries)) => {
                all.extend(deliveries.into_iter().map(|delivery| at_places(delivery, places)));
            }
            (Verdict::Reject(_), _) | (_, Verdict::Deliver(_)) | (Verdict::Defer(_), Verdict::Defer(_)) => {}
            (verdict, refusal) => *verdict = refusal,
        }
    }

    /// Defers a message after all.
    pub fn fail(&mut self, fault: Fault) {
        let Self { verdict, events, .. } = Self::from(fault);
        self.verdict = verdict;
        self.events.extend(events);
    }

    /// How the program ends.
    pub fn status(&self) -> Status {
        match self.verdict {
            Verdict::Deliver(_) => Status::Ok,
            Verdict::Reject(_) => Status::Reject,
            Verdict::Defer(_) => Status::Defer,
        }
    }
}

/// Why a message waits although the filter said nothing of the kind.
#[derive(Debug)]
pub enum Fault {
    /// Something about the set-up: which, and what exactly.
    SetUp(&'static str, String),
    /// One message was asked for, and there are so many.
    SeveralForms(usize),
    /// The deliveries cannot be written: which, and why.
    Write(String, io::Error),
}

impl From<Fault> for Answer {
    /// The deferral that a fault comes to.
    fn from(fault: Fault) -> Self {
        let not_ready = (451, 0, "The mail gateway is not ready; try again later");
        let (cause, told, (code, detail, text)) = match fault {
            Fault::SetUp(cause, told) => (cause, told, not_ready),
            Fault::SeveralForms(forms) => {
                let told = format!("{forms} different messages are one too many to print: use --output");
                ("format", told, (451, 0, "The recipients need different forms of the message: call once for each"))
            }
            Fault::Write(file, error) if error.kind() == io::ErrorKind::StorageFull => {
                ("output", format!("{file}: {error}"), (452, 1, "Insufficient system storage; try again later"))
            }
            Fault::Write(file, error) => ("output", format!("{file}: {error}"), not_ready),
        };
        Self {
            verdict: Verdict::Defer(Reply { code, subject: 3, detail, text: text.to_owned() }),
            events: vec![event::refusal("message-deferred", &[("cause", cause), ("detail", &told)])],
            private_key_operations: 0,
        }
    }
}

fn at_places(mut delivery: Delivery, places: &[usize]) -> Delivery {
    for recipient in &mut delivery.recipients {
        // The host has checked the verdict: each index is that of a place.
        let place = usize::try_from(*recipient).ok().and_then(|index| places.get(index));
        *recipient = place.and_then(|&place| u32::try_from(place).ok()).unwrap_or(u32::MAX);
    }
    delivery
}

#[cfg(test)]
mod tests {
    use host::Content;

    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome { verdict, events: Vec::new(), private_key_operations: 1, statistics: Default::default() }
    }

    fn deliver(recipients: &[u32]) -> Outcome {
        outcome(Verdict::Deliver(vec![Delivery { recipients: recipients.to_vec(), content: Content::Unchanged }]))
    }

    fn reply(code: u16) -> Reply {
        Reply { code, subject: 7, detail: 5, text: "No".into() }
    }

    #[test]
    fn deliveries_of_several_tenants_are_told_by_their_place_in_the_envelope() {
        let mut answer = Answer::default();
        answer.add(deliver(&[0, 1]), &[0, 2]);
        answer.add(deliver(&[0]), &[1]);
        let Verdict::Deliver(deliveries) = &answer.verdict else { panic!("no delivery") };
        let recipients: Vec<_> = deliveries.iter().map(|delivery| delivery.recipients.clone()).collect();
        assert_eq!((recipients, answer.private_key_operations), (vec![vec![0, 2], vec![1]], 2));
    }

    #[test]
    fn a_rejection_goes_before_a_deferral_and_that_before_deliveries() {
        let (reject, defer) = (|| outcome(Verdict::Reject(reply(550))), || outcome(Verdict::Defer(reply(451))));
        for (outcomes, status) in [
            ([deliver(&[0]), defer()], Status::Defer),
            ([defer(), deliver(&[0])], Status::Defer),
            ([defer(), reject()], Status::Reject),
            ([reject(), defer()], Status::Reject),
            ([reject(), deliver(&[0])], Status::Reject),
        ] {
            let mut answer = Answer::default();
            outcomes.into_iter().for_each(|outcome| answer.add(outcome, &[0]));
            assert_eq!(answer.status(), status);
        }
    }

    #[test]
    fn t35_a_fault_after_the_verdict_defers_it() {
        let mut answer = Answer::default();
        answer.add(deliver(&[0]), &[0]);
        answer.fail(Fault::Write("0.eml".into(), io::ErrorKind::StorageFull.into()));
        let Verdict::Defer(reply) = &answer.verdict else { panic!("not deferred") };
        assert_eq!((reply.code, reply.subject, reply.detail), (452, 3, 1));
        assert_eq!(answer.events.len(), 1);
    }
}
