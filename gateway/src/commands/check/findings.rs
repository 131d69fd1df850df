//! What was found with one tenant, a listener, or the gateway.

use std::fmt;

/// What was found with one of them: a line each.
pub struct Findings {
    subject: String,
    wrong: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    /// Nothing found yet.
    pub fn new(subject: &str) -> Self {
        Self { subject: subject.to_owned(), wrong: Vec::new(), notes: Vec::new() }
    }

    /// Something that keeps mail from its way, or soon will.
    pub fn wrong(&mut self, text: impl fmt::Display) {
        self.wrong.push(text.to_string());
    }

    /// Something to know.
    pub fn note(&mut self, text: impl fmt::Display) {
        self.notes.push(text.to_string());
    }

    /// Whether anything is wrong.
    pub fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for text in &self.wrong {
            writeln!(f, "{}: wrong: {text}", self.subject)?;
        }
        for text in &self.notes {
            writeln!(f, "{}: note: {text}", self.subject)?;
        }
        if self.is_wrong() { Ok(()) } else { writeln!(f, "{}: all is well", self.subject) }
    }
}
