//! How the program ends: those of the codes of `sysexits.h` that a mail server's
//! pipe acts on.

use std::fmt;
use std::process::ExitCode;

/// An exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done; of a message: deliver.
    Ok,
    /// Not done, or something is wrong.
    Failed,
    /// Wrong usage.
    Usage,
    /// Try again later; of a message: defer.
    Defer,
    /// Of a message: reject.
    Reject,
    /// Wrong configuration.
    Configuration,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Ok => 0,
            Status::Failed => 1,
            Status::Usage => 64,
            Status::Defer => 75,
            Status::Reject => 77,
            Status::Configuration => 78,
        })
    }
}

/// Why a command was not carried out: one sentence that says what to do.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub status: Status,
    /// The sentence.
    pub text: String,
}

impl Failure {
    /// A failure with this status.
    pub fn new(status: Status, text: impl fmt::Display) -> Self {
        Self { status, text: text.to_string() }
    }
}
