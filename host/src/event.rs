//! Events of the audit log: what the guest reports, made harmless, and what the
//! host adds.

use crate::limits::Limits;
use crate::{EventField, FieldValue, Severity};

/// One event about one message. The tenant, the message and the time are the
/// caller's to add.
#[derive(Clone, Debug)]
pub struct Event {
    /// How much it matters.
    pub severity: Severity,
    /// Its name, in kebab-case (`docs/audit.md`).
    pub name: String,
    /// Facts about it.
    pub fields: Vec<EventField>,
}

impl Event {
    /// An event of the host's own: its name and facts are known to be harmless.
    pub(crate) fn new(severity: Severity, name: &str, fields: Vec<EventField>) -> Self {
        Self { severity, name: name.to_owned(), fields }
    }
}

/// A fact in words.
pub(crate) fn text(name: &str, value: &str) -> EventField {
    EventField { name: name.to_owned(), value: FieldValue::Text(clean(value, 512)) }
}

/// A fact in numbers.
pub(crate) fn number(name: &str, value: u64) -> EventField {
    EventField { name: name.to_owned(), value: FieldValue::Number(value) }
}

/// The events of one message, within limits.
#[derive(Debug, Default)]
pub(crate) struct Events {
    kept: Vec<Event>,
    dropped: u64,
}

impl Events {
    /// Keeps an event of the guest, in a form that cannot forge or spoil a log:
    /// no control characters, names in kebab-case, everything of bounded size.
    pub(crate) fn report(&mut self, limits: &Limits, severity: Severity, name: &str, fields: Vec<EventField>) {
        // What the verdict shows is told last, and must not be crowded out.
        let most = limits.events + if severity == Severity::Error { ERRORS } else { 0 };
        if self.kept.len() >= most {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.dropped = self.dropped.saturating_add(fields.len().saturating_sub(limits.events) as u64);
        let fields = fields
            .into_iter()
            .take(limits.events)
            .map(|field| EventField {
                name: kebab_case(&field.name, limits.event_text),
                value: match field.value {
                    FieldValue::Text(value) => FieldValue::Text(clean(&value, limits.event_text)),
                    FieldValue::Number(value) => FieldValue::Number(value),
                    FieldValue::Octets(mut value) => {
                        value.truncate(limits.event_text);
                        value.shrink_to_fit();
                        FieldValue::Octets(value)
                    }
                },
            })
            .collect();
        self.kept.push(Event { severity, name: kebab_case(name, limits.event_text), fields });
    }

    /// Adds an event of the host, which no limit drops.
    pub(crate) fn add(&mut self, event: Event) {
        self.kept.push(event);
    }

    /// All that were kept, and a last one that counts the others.
    pub(crate) fn finish(mut self) -> Vec<Event> {
        if self.dropped > 0 {
            self.kept.push(Event::new(Severity::Warning, "audit-truncated", vec![number("dropped", self.dropped)]));
        }
        self.kept
    }
}

/// Errors that are kept beyond the limit of events.
const ERRORS: usize = 16;

/// `value` with at most `most` octets, and with `?` for each character that
/// could end a line, steer a terminal or reorder what is read.
pub(crate) fn clean(value: &str, most: usize) -> String {
    let mut cleaned = String::with_capacity(value.len().min(most));
    for c in value.chars() {
        let c = if is_harmless(c) { c } else { '?' };
        if cleaned.len() + c.len_utf8() > most {
            break;
        }
        cleaned.push(c);
    }
    cleaned
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{FEFF}' // invisible
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' // bidirectional, joiners
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}') // annotations, tags
}

fn kebab_case(name: &str, most: usize) -> String {
    let name: String = name
        .chars()
        .take(most.min(64))
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '?' })
        .collect();
    if name.is_empty() { "?".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(name: &str, fields: Vec<EventField>, limits: &Limits) -> Vec<Event> {
        let mut events = Events::default();
        events.report(limits, Severity::Info, name, fields);
        events.finish()
    }

    #[test]
    fn a_text_cannot_forge_a_line_or_steer_a_terminal() {
        let forged = "ok\r\n2026-11-22 fake\u{1b}[2J\u{202e}txt\u{2028}\0é";
        let events = reported("signature-verified", vec![text("mailbox", "x")], &Limits::default());
        assert_eq!(events[0].name, "signature-verified");
        assert_eq!(clean(forged, 512), "ok??2026-11-22 fake?[2J?txt??é");
    }

    #[test]
    fn names_are_kebab_case_and_never_empty() {
        let events = reported("Bad Name\n", vec![number("", 1)], &Limits::default());
        assert_eq!(events[0].name, "?ad??ame?");
        assert_eq!(events[0].fields[0].name, "?");
    }

    #[test]
    fn what_the_verdict_shows_is_not_crowded_out() {
        let limits = Limits { events: 2, ..Limits::default() };
        let mut events = Events::default();
        for _ in 0..5 {
            events.report(&limits, Severity::Info, "not-addressed", Vec::new());
        }
        events.report(&limits, Severity::Error, "message-rejected", Vec::new());
        assert!(events.finish().iter().any(|event| event.name == "message-rejected"));
    }

    #[test]
    fn what_exceeds_a_limit_is_cut_and_counted() {
        let limits = Limits { events: 2, event_text: 4, ..Limits::default() };
        let mut events = Events::default();
        for _ in 0..5 {
            let fields = vec![
                EventField { name: "long".into(), value: FieldValue::Text("ééé".into()) },
                EventField { name: "octets".into(), value: FieldValue::Octets(vec![7; 100]) },
                number("third", 3),
            ];
            events.report(&limits, Severity::Info, "e", fields);
        }
        let events = events.finish();
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].fields.len(), 2);
        assert!(matches!(&events[0].fields[0].value, FieldValue::Text(t) if t == "éé"));
        assert!(matches!(&events[0].fields[1].value, FieldValue::Octets(o) if o.len() == 4));
        assert_eq!(events[2].name, "audit-truncated");
        assert!(matches!(events[2].fields[0].value, FieldValue::Number(5)));
    }
}
