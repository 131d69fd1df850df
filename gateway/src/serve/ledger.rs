//! What came of messages: counted for the metrics, added up for the status page,
//! and the last refusals kept with their reasons.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use host::Reply;

use super::metrics::{self, NOBODY};
use super::record::Record;
use crate::time;

/// What came of messages since the process began.
#[derive(Default)]
pub struct Ledger {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    totals: BTreeMap<(String, &'static str), Totals>,
    refusals: VecDeque<Refusal>,
    reasons: BTreeSet<String>,
}

/// What came of the messages of one tenant in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages that were delivered.
    pub delivered: u64,
    /// Messages that were refused for good.
    pub rejected: u64,
    /// Messages that were refused for now.
    pub deferred: u64,
    /// Octets of all of them, as they came.
    pub octets: u64,
}

/// A message that was refused, for good or for now.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// When, in seconds since 1970.
    pub time: u64,
    /// Whose message it was.
    pub tenant: String,
    /// The listener it came by.
    pub listener: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// What it is called in the log.
    pub id: String,
    /// What the client was told.
    pub reply: Reply,
    /// The true cause.
    pub reason: String,
}

impl Ledger {
    /// Enters a message.
    pub fn enter(&self, record: &Record<'_>) {
        let mut pages = self.pages();
        let reason = record.reason().map_or_else(String::new, |reason| pages.bounded(reason));
        metrics::message(record, &reason);
        let tenant = record.tenant.as_deref().unwrap_or(NOBODY).to_owned();
        let direction = record.direction_name().unwrap_or(NOBODY);
        let totals = pages.totals.entry((tenant.clone(), direction)).or_default();
        totals.octets = totals.octets.saturating_add(record.size as u64);
        let Some(reply) = &record.reply else {
            totals.delivered = totals.delivered.saturating_add(1);
            return;
        };
        let of_its_kind = if reply.code >= 500 { &mut totals.rejected } else { &mut totals.deferred };
        *of_its_kind = of_its_kind.saturating_add(1);
        if pages.refusals.len() == REFUSALS {
            pages.refusals.pop_back();
        }
        pages.refusals.push_front(Refusal {
            time: time::now(),
            tenant,
            listener: record.listener.to_owned(),
            direction,
            id: record.transaction.id.chars().take(ID).collect(),
            reply: reply.clone(),
            reason,
        });
    }

    /// What came of the messages of each tenant in each direction.
    pub fn totals(&self) -> BTreeMap<(String, &'static str), Totals> {
        self.pages().totals.clone()
    }

    /// The last refusals, the latest first.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.pages().refusals.iter().cloned().collect()
    }

    /// A reader of the status page must not be able to stop the mail.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// A reason is a word of the filter; one that went wrong may not make up
    /// metrics without end.
    fn bounded(&mut self, reason: &str) -> String {
        let is_word =
            reason.len() <= 40 && reason.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_word || (self.reasons.len() >= REASONS && !self.reasons.contains(reason)) {
            return "other".to_owned();
        }
        self.reasons.insert(reason.to_owned());
        reason.to_owned()
    }
}

/// Refusals that are kept.
const REFUSALS: usize = 100;
/// Different reasons that are told apart: twice those that there are.
const REASONS: usize = 200;
/// Characters of a message's name that are kept.
const ID: usize = 64;

#[cfg(test)]
mod tests {
    use host::{Direction, Event, EventField, FieldValue, Severity};

    use super::super::transaction::{Client, Transaction};
    use super::*;

    fn enter(ledger: &Ledger, reason: &str, id: &str, code: Option<u16>) {
        let client = Client { address: None, name: None, helo: None, login: None };
        let transaction = Transaction { id: id.into(), client, sender: None, recipients: Vec::new() };
        let mut record = Record::new("milter", &transaction, 10);
        record.tenant = Some("nec".into());
        record.direction = Some(Direction::Inbound);
        record.reply = code.map(|code| Reply { code, subject: 7, detail: 7, text: "The message was altered".into() });
        let cause = EventField { name: "cause".into(), value: FieldValue::Text(reason.into()) };
        record.events = vec![Event { severity: Severity::Error, name: "message-rejected".into(), fields: vec![cause] }];
        ledger.enter(&record);
    }

    #[test]
    fn what_came_of_messages_adds_up() {
        let ledger = Ledger::default();
        for code in [None, None, Some(550), Some(451), Some(451)] {
            enter(&ledger, "altered", "id", code);
        }
        let totals = Totals { delivered: 2, rejected: 1, deferred: 2, octets: 50 };
        assert_eq!(ledger.totals(), [(("nec".to_owned(), "inbound"), totals)].into());
    }

    #[test]
    fn the_latest_refusals_are_kept_and_no_more() {
        let ledger = Ledger::default();
        for number in 0..1000 {
            enter(&ledger, "altered", &format!("{number}{}", "x".repeat(1000)), Some(550));
        }
        let refusals = ledger.refusals();
        assert_eq!(refusals.len(), 100);
        assert!(refusals[0].id.starts_with("999x") && refusals[0].id.len() == 64);
    }

    #[test]
    fn a_filter_that_makes_up_reasons_makes_up_no_metrics() {
        let ledger = Ledger::default();
        for number in 0..1000 {
            enter(&ledger, &format!("reason-{number}"), "id", Some(550));
        }
        enter(&ledger, "<script>", "id", Some(550));
        assert_eq!(ledger.refusals()[0].reason, "other");
        assert_eq!(ledger.pages().reasons.len(), REASONS);
    }
}
