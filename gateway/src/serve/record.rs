//! All that is told of one message: by the log, the audit file and the metrics.

use std::time::Duration;

use host::{Direction, Event, Reply, Severity};

use super::transaction::Transaction;
use crate::{event, report};

/// All that is told of one message.
#[derive(Debug)]
pub struct Record<'a> {
    /// The listener by which it came.
    pub listener: &'a str,
    /// Its envelope and client.
    pub transaction: &'a Transaction,
    /// Octets of it.
    pub size: usize,
    /// Whose it is, if anyone's.
    pub tenant: Option<String>,
    /// Which way it crosses, if it does.
    pub direction: Option<Direction>,
    /// What the client is told where it is refused.
    pub reply: Option<Reply>,
    /// The parts that it goes on in.
    pub parts: usize,
    /// What happened to it.
    pub events: Vec<Event>,
    /// How often private keys were used.
    pub private_key_operations: u64,
    /// Octets of memory the sandbox had at the most.
    pub memory_peak: usize,
    /// How long it waited for its turn.
    pub waited: Duration,
    /// How long it was in the sandbox, services included.
    pub filtered: Duration,
    /// How long it took altogether.
    pub elapsed: Duration,
}

impl<'a> Record<'a> {
    /// Of a message of which nothing is known yet but where it came from.
    pub fn new(listener: &'a str, transaction: &'a Transaction, size: usize) -> Self {
        Self {
            listener,
            transaction,
            size,
            tenant: None,
            direction: None,
            reply: None,
            parts: 0,
            events: Vec::new(),
            private_key_operations: 0,
            memory_peak: 0,
            waited: Duration::ZERO,
            filtered: Duration::ZERO,
            elapsed: Duration::ZERO,
        }
    }

    /// What became of it: `deliver`, `reject` or `defer`.
    pub fn verdict(&self) -> &'static str {
        match &self.reply {
            None => "deliver",
            Some(reply) if reply.code < 500 => "defer",
            Some(_) => "reject",
        }
    }

    /// The direction in one word, if it is known.
    pub fn direction_name(&self) -> Option<&'static str> {
        self.direction.map(|direction| match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        })
    }

    /// Code and status of the reply, as in `550 5.7.7`.
    pub fn reply_codes(&self) -> Option<String> {
        self.reply.as_ref().map(|reply| format!("{} {}", reply.code, report::status(reply)))
    }

    /// Why it was refused: the cause of the last event that is an error, one word
    /// of `docs/audit.md`.
    pub fn reason(&self) -> Option<&str> {
        self.reply.as_ref()?;
        let last = self.events.iter().rev().find(|event| event.severity == Severity::Error)?;
        Some(event::text(last, "cause").unwrap_or(&last.name))
    }

    /// What was taken off or put on, outermost first, as in `signed, encrypted`.
    pub fn layers(&self) -> Option<String> {
        let mut layers: Vec<(&str, &str)> = Vec::new();
        for event in &self.events {
            let layer = match event.name.as_str() {
                "signature-verified" | "signature-unacceptable" => "signed",
                "decrypted" => "encrypted",
                "protected" => event::text(event, "layers").unwrap_or_default(),
                "sent-clear" => "none",
                "already-encrypted" => "encrypted by the client",
                _ => continue,
            };
            // One layer is told of once for each recipient; layers apart are parts apart.
            let told = (layer, event::text(event, "part").unwrap_or_default());
            if !layers.contains(&told) {
                layers.push(told);
            }
        }
        joined(layers.into_iter().map(|(layer, _)| layer))
    }

    /// Ciphers and digests that were met or used.
    pub fn algorithms(&self) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for event in &self.events {
            for name in ["digest", "cipher"].into_iter().filter_map(|field| event::text(event, field)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        joined(names)
    }

    /// Who signed what arrived, as far as it was verified.
    pub fn signer(&self) -> Option<&str> {
        self.events
            .iter()
            .find(|event| event.name == "signature-verified")
            .and_then(|event| event::text(event, "signer"))
    }
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = words.into_iter().collect();
    if words.is_empty() { None } else { Some(words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use host::{EventField, FieldValue};

    use super::super::transaction::Client;
    use super::*;

    fn event(severity: Severity, name: &str, fields: &[(&str, &str)]) -> Event {
        let field =
            |&(name, value): &(&str, &str)| EventField { name: name.into(), value: FieldValue::Text(value.into()) };
        Event { severity, name: name.into(), fields: fields.iter().map(field).collect() }
    }

    fn transaction() -> Transaction {
        Transaction { id: "1".into(), client: Client::default(), sender: None, recipients: Vec::new() }
    }

    #[test]
    fn layers_algorithms_and_signer_are_read_from_the_events() {
        let transaction = transaction();
        let mut record = Record::new("l", &transaction, 1);
        let verified = [("signer", "alice@abc.com"), ("part", "1"), ("digest", "sha256")];
        let opened = [("recipient", "x"), ("cipher", "aes256-CBC"), ("part", "1/")];
        record.events = vec![
            event(Severity::Info, "signature-verified", &verified),
            event(Severity::Info, "decrypted", &opened),
            event(Severity::Info, "decrypted", &opened),
            event(Severity::Warning, "results-removed", &[]),
        ];
        assert_eq!(record.layers().as_deref(), Some("signed, encrypted"));
        assert_eq!(record.algorithms().as_deref(), Some("sha256, aes256-CBC"));
        assert_eq!(record.signer(), Some("alice@abc.com"));
        assert_eq!((record.verdict(), record.reason(), record.reply_codes()), ("deliver", None, None));
    }

    #[test]
    fn the_reason_of_a_refusal_is_the_cause_of_its_last_error() {
        let transaction = transaction();
        let mut record = Record::new("l", &transaction, 1);
        record.reply = Some(Reply { code: 550, subject: 7, detail: 7, text: "No".into() });
        record.events = vec![
            event(Severity::Warning, "signature-unacceptable", &[("cause", "certificate-expired")]),
            event(Severity::Error, "message-rejected", &[("cause", "altered")]),
        ];
        assert_eq!((record.verdict(), record.reason()), ("reject", Some("altered")));
        assert_eq!(record.reply_codes().as_deref(), Some("550 5.7.7"));
    }
}
