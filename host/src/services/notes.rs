//! What a back end has to tell the operator about the message at hand.

use std::cell::RefCell;

use crate::event::text;
use crate::{Event, Severity};

thread_local! {
    /// The notes of the question that this thread answers, if it answers one.
    static NOTES: RefCell<Option<Vec<Event>>> = const { RefCell::new(None) };
}

/// Adds an event to the audit of the message for which a service is being asked:
/// its name in kebab-case and facts about it, in words. To be called on the thread
/// that the service was called on. Where no message is at hand, as in a check of the
/// configuration, it goes to the log.
pub fn note(severity: Severity, name: &str, facts: &[(&str, &str)]) {
    let event = Event::new(severity, name, facts.iter().map(|(name, value)| text(name, value)).collect());
    NOTES.with_borrow_mut(|notes| match notes {
        Some(notes) => notes.push(event),
        None => tracing::info!(fields = ?event.fields, "{name}"),
    });
}

/// What `ask` answers, and what was noted meanwhile.
pub(crate) fn collect<T>(ask: impl FnOnce() -> T) -> (T, Vec<Event>) {
    // What an earlier question left behind when it panicked is overwritten.
    NOTES.set(Some(Vec::new()));
    let answer = ask();
    (answer, NOTES.take().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_belong_to_the_question_during_which_they_are_taken() {
        note(Severity::Warning, "before", &[]);
        let (answer, notes) = collect(|| {
            note(Severity::Warning, "directory-answer", &[("owner", "a@b\r\nforged")]);
            7
        });
        assert_eq!((answer, notes.len()), (7, 1));
        assert!(matches!(&notes[0].fields[0].value, crate::FieldValue::Text(text) if text == "a@b??forged"));
        assert!(collect(|| ()).1.is_empty());
    }
}
