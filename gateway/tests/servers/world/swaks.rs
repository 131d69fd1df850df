//! A user who sends mail, with swaks.

use std::process::Command;

use super::client::PASSWORD;
use crate::support::run;

/// What a message is sent with.
#[derive(Clone, Copy, Debug)]
pub struct Swaks<'a> {
    /// The server, on 127.0.0.1.
    pub port: u16,
    /// The reverse-path; `<>` is the null one.
    pub from: &'a str,
    /// The recipients.
    pub to: &'a [&'a str],
    /// Who logs in, if anybody does.
    pub login: Option<&'a str>,
    /// Further options.
    pub options: &'a [&'a str],
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    /// Whether it took the message for every recipient.
    pub accepted: bool,
    /// The dialogue, as swaks prints it.
    pub dialogue: String,
}

impl Swaks<'_> {
    /// Sends a message.
    pub fn send(&self, message: &[u8]) -> Answer {
        let mut command = Command::new("swaks");
        command.args([
            "--server",
            "127.0.0.1",
            "--port",
            &self.port.to_string(),
            "--suppress-data",
            "--timeout",
            "120",
        ]);
        command.args(["--helo", "client.test", "--from", self.from, "--to", &self.to.join(","), "--data", "-"]);
        if let Some(login) = self.login {
            command.args(["--auth", "PLAIN", "--auth-user", login, "--auth-password", PASSWORD]);
        }
        let output = run(command.args(self.options), message);
        let dialogue = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Answer { accepted: output.status.success(), dialogue }
    }
}

impl Answer {
    /// Asserts that the message was taken.
    #[track_caller]
    pub fn accepted(&self) {
        assert!(self.accepted, "{}", self.dialogue);
    }

    /// Asserts that a reply began so, as in `550 5.7.1`.
    #[track_caller]
    pub fn refused(&self, reply: &str) {
        // By TLS swaks draws another arrow.
        let told = ["<**", "<~*"].iter().any(|arrow| self.dialogue.contains(&format!("{arrow} {reply}")));
        assert!(!self.accepted && told, "{}", self.dialogue);
    }
}
