//! Where in a configuration file something is wrong.

use std::ops::Range;
use std::path::Path;

use super::ConfigurationError;

/// A configuration file and its text.
pub struct Source<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// An error at some octets of the text.
    pub fn at(&self, span: Range<usize>, text: String) -> ConfigurationError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        ConfigurationError::Wrong { path: self.path.to_owned(), line, text }
    }

    /// What the TOML reader complains of, with a hint where a word is misspelt.
    pub fn syntax(&self, error: &toml::de::Error) -> ConfigurationError {
        let message = error.message().trim().replace('\n', "; ");
        let text = match unknown(&message) {
            Some((what, word, known)) => match nearest(word, &known) {
                Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`?"),
                None => format!("unknown {what} `{word}`; there is {}", listed(&known)),
            },
            None => message,
        };
        self.at(error.span().unwrap_or(0..0), text)
    }
}

/// Takes apart "unknown field `x`, expected one of `a`, `b`".
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let (what, rest) = match (message.strip_prefix("unknown field `"), message.strip_prefix("unknown variant `")) {
        (Some(rest), _) => ("key", rest),
        (_, Some(rest)) => ("value", rest),
        _ => return None,
    };
    let (word, expected) = rest.split_once('`')?;
    // Every second piece between backticks is a word.
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    if known.is_empty() { None } else { Some((what, word, known)) }
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = word.to_lowercase().replace('_', "-");
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, candidate), *candidate))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, candidate)| candidate)
}

fn listed(known: &[&str]) -> String {
    known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
