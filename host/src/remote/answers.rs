//! Answers that are remembered for a while: those that say who has which
//! certificates, and those that say that there are none. Failures are not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

use crate::services::note;
use crate::{Entry, Refusal, Severity, mailbox};

/// How long answers are remembered, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caching {
    /// How long certificates are.
    pub positive: Duration,
    /// How long it is that there are none.
    pub negative: Duration,
    /// How many answers of up to 4 KiB; a larger one counts for several. 0
    /// remembers none.
    pub entries: u64,
}

impl Default for Caching {
    fn default() -> Self {
        Self { positive: Duration::from_secs(300), negative: Duration::from_secs(60), entries: 10_000 }
    }
}

/// What a back end answers: certificates, and what to tell the operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub entries: Vec<Entry>,
    pub notes: Vec<Note>,
}

/// An event about an answer, told whenever it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub name: &'static str,
    pub facts: Vec<(&'static str, String)>,
}

/// The answers of one back end for one tenant; none where nothing is remembered.
pub(crate) struct Answers(Option<Cache<String, Arc<Answer>>>);

impl Answers {
    pub(crate) fn new(caching: &Caching) -> Self {
        let cache = Cache::builder()
            .max_capacity(caching.entries)
            .weigher(|owner: &String, answer: &Arc<Answer>| weight(owner, answer))
            .expire_after(Lifetime { positive: caching.positive, negative: caching.negative })
            .build();
        Self((caching.entries > 0).then_some(cache))
    }

    /// The certificates of `owner`: remembered, or what `ask` answers now. Several
    /// that want the same at a time ask once.
    pub(crate) fn get_or_ask(
        &self,
        owner: &str,
        ask: impl FnOnce() -> Result<Answer, String>,
    ) -> Result<Vec<Entry>, Refusal> {
        let answer = match &self.0 {
            Some(cache) => {
                let answer = cache.try_get_with(mailbox::normal(owner), || ask().map(Arc::new));
                answer.map_err(|error| Refusal::Unavailable(error.as_ref().clone()))?
            }
            None => ask().map(Arc::new).map_err(Refusal::Unavailable)?,
        };
        for Note { name, facts } in &answer.notes {
            let facts: Vec<(&str, &str)> = facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
            note(Severity::Warning, name, &facts);
        }
        Ok(answer.entries.clone())
    }
}

/// Certificates and their absence are believed for different times.
struct Lifetime {
    positive: Duration,
    negative: Duration,
}

impl Expiry<String, Arc<Answer>> for Lifetime {
    fn expire_after_create(&self, _: &String, answer: &Arc<Answer>, _: Instant) -> Option<Duration> {
        Some(if answer.entries.is_empty() { self.negative } else { self.positive })
    }
}

/// How many answers of 4 KiB one counts for.
fn weight(owner: &str, answer: &Answer) -> u32 {
    let capabilities = |entry: &Entry| entry.capabilities.as_ref().map_or(0, Vec::len);
    let entries: usize = answer.entries.iter().map(|entry| entry.certificate.len() + capabilities(entry)).sum();
    u32::try_from((owner.len() + entries) / 4096 + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn caching(positive: u64, negative: u64, entries: u64) -> Caching {
        Caching { positive: Duration::from_millis(positive), negative: Duration::from_millis(negative), entries }
    }

    fn one(certificate: u8) -> Answer {
        let entry = Entry { certificate: vec![certificate], pinned: false, capabilities: None };
        Answer { entries: vec![entry], notes: Vec::new() }
    }

    fn asked(answers: &Answers, owner: &str, answer: Answer) -> Vec<u8> {
        answers.get_or_ask(owner, || Ok(answer)).unwrap().iter().map(|entry| entry.certificate[0]).collect()
    }

    #[test]
    fn an_answer_is_remembered_under_any_case_of_the_domain_until_its_time_is_up() {
        let answers = Answers::new(&caching(600_000, 1, 10));
        assert_eq!(asked(&answers, "a@b.test", one(1)), [1]);
        assert_eq!(asked(&answers, "a@B.TEST", one(2)), [1]);
        assert_eq!(asked(&answers, "A@b.test", one(3)), [3], "another mailbox");
        let brief = Answers::new(&caching(1, 600_000, 10));
        assert_eq!(asked(&brief, "a@b.test", one(1)), [1]);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(asked(&brief, "a@b.test", one(4)), [4]);
    }

    #[test]
    fn that_there_is_none_is_remembered_for_a_time_of_its_own() {
        let answers = Answers::new(&caching(1, 600_000, 10));
        assert_eq!(asked(&answers, "a@b.test", Answer::default()), [0u8; 0]);
        assert_eq!(asked(&answers, "a@b.test", one(1)), [0u8; 0]);
        let brief = Answers::new(&caching(600_000, 1, 10));
        assert_eq!(asked(&brief, "a@b.test", Answer::default()), [0u8; 0]);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(asked(&brief, "a@b.test", one(1)), [1]);
    }

    #[test]
    fn t35_a_failure_is_not_remembered() {
        let answers = Answers::new(&Caching::default());
        let failed = answers.get_or_ask("a@b.test", || Err("down".to_owned()));
        assert!(matches!(failed, Err(Refusal::Unavailable(reason)) if reason == "down"));
        assert_eq!(asked(&answers, "a@b.test", one(1)), [1]);
    }

    #[test]
    fn what_there_is_to_tell_is_told_with_every_answer() {
        let answers = Answers::new(&Caching::default());
        let noted = Note { name: "certificate-passed-over", facts: vec![("owner", "a@b.test".to_owned())] };
        for _ in 0..2 {
            let answer = Answer { notes: vec![noted.clone()], ..one(1) };
            let (_, notes) = crate::services::notes::collect(|| asked(&answers, "a@b.test", answer));
            assert_eq!(notes.len(), 1);
        }
    }

    #[test]
    fn nothing_is_remembered_where_there_is_no_room() {
        let answers = Answers::new(&caching(60_000, 60_000, 0));
        assert_eq!(asked(&answers, "a@b.test", one(1)), [1]);
        assert_eq!(asked(&answers, "a@b.test", one(2)), [2]);
        let large = Answer {
            entries: vec![Entry { certificate: vec![0; 100_000], pinned: false, capabilities: None }],
            notes: Vec::new(),
        };
        assert_eq!(weight("a@b.test", &large), 25);
    }
}
