//! What is taken of the certificates that a back end without authority of its own
//! has found for a mailbox.

use std::cmp::Reverse;

use super::answers::{Answer, Note};
use crate::Entry;
use crate::keyring::CertificateFacts;
use crate::mailbox;

/// Most certificates of one mailbox that are handed on.
const MOST: usize = 16;
/// Most that are looked at.
const MOST_LOOKED_AT: usize = 64;

/// Certificates found for one mailbox.
pub(crate) struct Found<'a> {
    owner: &'a str,
    source: &'static str,
    entries: Vec<(CertificateFacts, Entry)>,
    looked_at: usize,
    notes: Vec<Note>,
}

impl<'a> Found<'a> {
    /// Nothing yet for the mailbox `owner`; `source` is the back end, in a word.
    pub(crate) fn new(owner: &'a str, source: &'static str) -> Self {
        Self { owner, source, entries: Vec::new(), looked_at: 0, notes: Vec::new() }
    }

    /// Takes a certificate (DER) if it names the mailbox. What does not is passed
    /// over, and told; those of authorities come along with others and are not.
    pub(crate) fn take(&mut self, encoded: &[u8], pinned: bool, capabilities: Option<Vec<u8>>) {
        self.looked_at += 1;
        if self.looked_at > MOST_LOOKED_AT {
            return self.pass_over("too-many");
        }
        let Ok(facts) = CertificateFacts::from_der(encoded) else { return self.pass_over("malformed") };
        if !facts.mailboxes.iter().any(|named| mailbox::same(named, self.owner)) {
            if !facts.authority {
                self.pass_over("another-address");
            }
            return;
        }
        let known = self.entries.iter_mut().find(|(known, _)| known.fingerprint == facts.fingerprint);
        if let Some((_, known)) = known {
            known.pinned |= pinned;
            known.capabilities = known.capabilities.take().or(capabilities);
            return;
        }
        self.entries.push((facts, Entry { certificate: encoded.to_vec(), pinned, capabilities }));
    }

    /// Tells that something was found and not used, and why: a word in kebab-case.
    pub(crate) fn pass_over(&mut self, cause: &'static str) {
        let facts =
            vec![("owner", self.owner.to_owned()), ("source", self.source.to_owned()), ("cause", cause.to_owned())];
        let note = Note { name: "certificate-passed-over", facts };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The answer, best first as of `now` (seconds since 1970): those in their
    /// validity before others, the newest first.
    pub(crate) fn answer(mut self, now: u64) -> Answer {
        let rank = |facts: &CertificateFacts| (!facts.is_valid_at(now), Reverse(facts.not_before), facts.fingerprint);
        self.entries.sort_by_key(|(facts, _)| rank(facts));
        if self.entries.len() > MOST {
            self.entries.truncate(MOST);
            self.pass_over("too-many");
        }
        Answer { entries: self.entries.into_iter().map(|(_, entry)| entry).collect(), notes: self.notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::pem;

    const NOW: u64 = 1_795_000_000; // 2026-11-18

    fn certificate(name: &str) -> Vec<u8> {
        let path = format!("{}/../tests/pki/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let octets = std::fs::read(path).unwrap();
        pem::blocks(name, &octets).next().unwrap().unwrap().content.to_vec()
    }

    fn causes(answer: &Answer) -> Vec<&str> {
        answer.notes.iter().map(|note| note.facts.last().unwrap().1.as_str()).collect()
    }

    #[test]
    fn the_certificate_of_another_address_is_passed_over_and_told() {
        let mut found = Found::new("alice@peer.example", "directory");
        for name in ["mallory", "alice", "ca"] {
            found.take(&certificate(name), false, None);
        }
        found.take(b"nonsense", false, None);
        let answer = found.answer(NOW);
        assert_eq!(answer.entries.len(), 1);
        assert_eq!(answer.entries[0].certificate, certificate("alice"));
        assert!(!answer.entries[0].pinned);
        assert_eq!(causes(&answer), ["another-address", "malformed"], "and not that of the authority");
    }

    #[test]
    fn one_that_is_there_twice_is_taken_once_with_all_that_is_known_of_it() {
        let mut found = Found::new("alice@PEER.example", "directory");
        found.take(&certificate("alice"), false, None);
        found.take(&certificate("alice"), false, Some(vec![7]));
        let answer = found.answer(NOW);
        assert_eq!(answer.entries.len(), 1);
        assert_eq!(answer.entries[0].capabilities, Some(vec![7]));
    }

    #[test]
    fn those_in_their_validity_go_first() {
        let mut found = Found::new("alice@peer.example", "directory");
        for name in ["alice-expired", "alice-future", "alice"] {
            found.take(&certificate(name), false, None);
        }
        let answer = found.answer(NOW);
        assert_eq!(answer.entries.len(), 3);
        assert_eq!(answer.entries[0].certificate, certificate("alice"));
    }

    #[test]
    fn a_flood_is_cut_off_and_told_once() {
        let mut found = Found::new("alice@peer.example", "directory");
        for _ in 0..10_000 {
            found.take(&certificate("mallory")[..200], false, None);
        }
        assert_eq!(causes(&found.answer(NOW)), ["malformed", "too-many"]);
    }
}
