//! Patterns of mail addresses: `*@partner.example`, `*@*.partner.example`,
//! `sales-*@partner.example`.

use glob::{MatchOptions, Pattern as Glob};
use host::mailbox::normal_domain;

/// A pattern of mail addresses. Local part and domain are matched apart, so that
/// no star reaches over the `@`; the domain is matched without regard to case, and
/// A-labels match U-labels.
#[derive(Clone, Debug)]
pub struct Pattern {
    local: Glob,
    domain: Glob,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (local, domain) = text
            .rsplit_once('@')
            .filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
            .ok_or_else(|| format!("`{text}` matches no address; write it as *@{}", hint(text)))?;
        let glob = |part: &str| Glob::new(part).map_err(|error| format!("`{text}` is not a pattern: {}", error.msg));
        // Labels with a star in them have no A-label.
        let labels: Vec<String> = domain
            .split('.')
            .map(|label| if label.contains(['*', '?', '[']) { label.to_lowercase() } else { normal_domain(label) })
            .collect();
        Ok(Self { local: glob(local)?, domain: glob(&labels.join("."))? })
    }

    /// Whether `mailbox` is one of those meant.
    pub fn matches(&self, mailbox: &str) -> bool {
        // Mail addresses are no paths: neither slash nor leading dot is special.
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };
        mailbox.rsplit_once('@').is_some_and(|(local, domain)| {
            self.local.matches_with(local, options) && self.domain.matches_with(&normal_domain(domain), options)
        })
    }
}

fn hint(text: &str) -> &str {
    match text.trim_start_matches(['*', '@', '.']) {
        "" => "example.com",
        domain => domain.trim_end_matches('@'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t36_a_domain_matches_whole_labels_without_case() {
        let pattern = Pattern::parse("*@Partner.example").unwrap();
        for inside in ["a@partner.example", "A.B@PARTNER.EXAMPLE", "user+tag@partner.example"] {
            assert!(pattern.matches(inside), "{inside}");
        }
        for outside in [
            "a@partner.example.evil",
            "a@evilpartner.example",
            "a@sub.partner.example",
            "a@partner.example.",
            "a@partner-example",
            "a@partner.example@evil.com",
            "partner.example",
            "",
        ] {
            assert!(!pattern.matches(outside), "{outside}");
        }
    }

    #[test]
    fn t36_a_labels_match_u_labels() {
        for pattern in ["*@b\u{fc}cher.example", "*@xn--bcher-kva.example"] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(pattern.matches("a@B\u{dc}CHER.example") && pattern.matches("a@xn--bcher-kva.example"));
            assert!(!pattern.matches("a@bucher.example"));
        }
    }

    #[test]
    fn stars_stay_on_their_side_of_the_at() {
        let pattern = Pattern::parse("boss@*.example").unwrap();
        assert!(pattern.matches("boss@a.b.example"));
        assert!(!pattern.matches("other@x@boss@a.example"));
        assert!(!pattern.matches("Boss@a.example"), "the local part has case");
        assert!(Pattern::parse("*@*").unwrap().matches("a@b"));
    }

    #[test]
    fn what_matches_nothing_is_no_pattern() {
        for (wrong, says) in [
            ("partner.example", "*@partner.example"),
            ("@x", "matches no address"),
            ("", "example.com"),
            ("a[@x.y", "is not a pattern"),
        ] {
            let error = Pattern::parse(wrong).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
