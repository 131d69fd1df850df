//! Protected messages that were delivered before: one that comes again is told of, and
//! delivered, since nobody can tell a thief who repeats it from a mail server that
//! missed an answer (T7).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use host::{Event, EventField, FieldValue, Severity};

use crate::time;

/// Protected messages that were delivered, the last [`MOST`] of them.
#[derive(Default)]
pub struct Repeats(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// When each came first, in seconds since 1970.
    first: HashMap<[u8; 32], u64>,
    order: VecDeque<[u8; 32]>,
}

impl Repeats {
    /// Notes a message of a tenant that was delivered; the event, if it was delivered
    /// before. Its body is what is compared: protection is there, and whoever sends it
    /// again is free to write another header and envelope.
    pub fn note(&self, tenant: &str, message: &[u8], now: u64) -> Option<Event> {
        let body = memchr::memmem::find(message, b"\r\n\r\n").and_then(|end| message.get(end..)).unwrap_or(message);
        let mut digest = Context::new(&SHA256);
        digest.update(&(tenant.len() as u64).to_be_bytes());
        digest.update(tenant.as_bytes());
        digest.update(body);
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = known.first.get(&key) {
            return Some(repeated(*first));
        }
        if known.order.len() >= MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.first.remove(&oldest);
        }
        known.first.insert(key, now);
        known.order.push_back(key);
        None
    }
}

fn repeated(first: u64) -> Event {
    let first = EventField { name: "first".to_owned(), value: FieldValue::Text(time::format(first)) };
    Event { severity: Severity::Info, name: "message-repeated".to_owned(), fields: vec![first] }
}

/// Some ten megabytes.
const MOST: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t07_what_comes_again_is_known_by_its_body() {
        let repeats = Repeats::default();
        let note = |tenant: &str, message: &[u8]| repeats.note(tenant, message, 1_795_348_800);
        assert!(note("lan", b"To: a\r\n\r\nsealed").is_none());
        let told = note("lan", b"Received: x\r\nTo: b\r\n\r\nsealed").unwrap();
        assert_eq!(crate::event::text(&told, "first"), Some("2026-11-22T12:00:00Z"));
        assert!(note("lan", b"To: a\r\n\r\nanother").is_none());
        assert!(note("peer", b"To: a\r\n\r\nsealed").is_none(), "of one tenant nothing is told another");
    }

    #[test]
    fn t07_no_number_of_messages_fills_the_memory() {
        let repeats = Repeats::default();
        for number in 0..MOST + 10 {
            assert!(repeats.note("lan", format!("\r\n\r\n{number}").as_bytes(), 0).is_none());
        }
        assert_eq!(repeats.0.lock().unwrap().first.len(), MOST);
        assert!(repeats.note("lan", b"\r\n\r\n0", 0).is_none(), "the oldest is forgotten");
    }
}
