//! Patterns with `*`: of mailboxes in rules, of files in lists.

use std::path::{Path, PathBuf};

/// A pattern of mailboxes, as `*@partner.example`. `*` stands for any characters
/// within the local part or within the domain; the domain has no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPattern {
    local: String,
    domain: String,
}

impl MailboxPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
                Ok(Self { local: local.to_owned(), domain: domain.to_lowercase() })
            }
            _ => Err(format!("{text:?} is no pattern of mailboxes; write it as *@partner.example")),
        }
    }

    /// Whether it covers a mailbox.
    pub fn covers(&self, mailbox: &str) -> bool {
        mailbox
            .rsplit_once('@')
            .is_some_and(|(local, domain)| matches(&self.local, local) && matches(&self.domain, &domain.to_lowercase()))
    }
}

/// The files that `pattern` names, in `directory` unless it is absolute, in the
/// order of their names. `*` may stand in the last part of the path; without one
/// the file must be there.
pub fn files(directory: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let path = directory.join(pattern);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if !name.contains('*') {
        return if path.is_file() { Ok(vec![path]) } else { Err(format!("there is no file {}", path.display())) };
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = folder.read_dir().map_err(|e| format!("the folder {} cannot be read: {e}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| format!("the folder {} cannot be read: {e}", folder.display()))?;
        if entry.file_name().to_str().is_some_and(|found| matches(&name, found)) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Whether `text` is `pattern` with any characters in place of each `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match text.find(piece) {
            Some(at) => text = text.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, covered) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*.crl", "a.crl", true),
            ("*.crl", "crl", false),
            ("a*b*c", "a-b-b-c", true),
            ("ab*ba", "aba", false),
            ("abc", "abd", false),
        ] {
            assert_eq!(matches(pattern, text), covered, "{pattern} {text}");
        }
    }

    #[test]
    fn t36_a_pattern_covers_whole_labels_only() {
        let pattern = MailboxPattern::parse("*@partner.example").unwrap();
        assert!(pattern.covers("a@PARTNER.example"));
        for other in ["a@evilpartner.example", "a@sub.partner.example", "a@partner.example.evil", "partner.example"] {
            assert!(!pattern.covers(other), "{other}");
        }
        assert!(!MailboxPattern::parse("Boss@partner.example").unwrap().covers("boss@partner.example"));
        assert!(MailboxPattern::parse("partner.example").is_err());
    }
}
