//! Why a next hop did not take mail.

use std::io;

use host::Reply;

use super::super::metrics::HandedOn;
use super::super::smtp::reply::reply;

/// Why a next hop did not take mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It refused, for now or for good.
    Refused(Reply),
    /// It ended the session, with these words.
    Closing(Reply),
    /// It cannot be reached.
    Away,
    /// It left in the middle.
    Lost,
    /// It did not answer in time.
    Slow,
    /// It answered what is no answer.
    Garbled,
    /// It has no TLS that may be used.
    Unprotected,
    /// Too much is being handed on to it already.
    Busy,
    /// What would be handed on has a bare CR or LF in it.
    Unwritable,
}

impl Fault {
    /// What the client is told.
    pub fn reply(&self) -> Reply {
        let (status, text) = match self {
            Self::Refused(reply) | Self::Closing(reply) => return reply.clone(),
            Self::Away => ((4, 1), "The next mail server cannot be reached; try again later"),
            Self::Lost => ((4, 2), "The connection to the next mail server was lost; try again later"),
            Self::Slow => ((4, 2), "The next mail server did not answer in time; try again later"),
            Self::Garbled => ((5, 0), "The next mail server gave no valid answer; try again later"),
            Self::Unprotected => ((7, 5), "The next mail server cannot be spoken to under TLS; try again later"),
            Self::Unwritable => ((3, 0), "The mail gateway could not process the message; try again later"),
            Self::Busy => ((3, 2), "Too much mail is waiting for the next mail server; try again later"),
        };
        reply(451, status, text)
    }

    /// Tells the operator, unless it is the next hop's own word on the message.
    pub fn log(&self, next_hop: &str) {
        if !matches!(self, Self::Refused(_)) {
            tracing::warn!(next_hop, reason = self.reply().text, "not handed on");
        }
    }

    /// As what it is counted.
    pub fn counted(&self) -> HandedOn {
        match self {
            Self::Refused(reply) | Self::Closing(reply) => HandedOn::of(&Err(reply.clone())),
            _ => HandedOn::Failed,
        }
    }

    /// Whether the connection can be used for something else: it is in order
    /// after a refusal alone.
    pub fn leaves_order(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Garbled,
            io::ErrorKind::TimedOut => Self::Slow,
            _ => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn t26_a_next_hop_writes_no_line_of_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            Fault::Closing(reply(451, (3, 2), "going down\n2026-11-22T12:00:00Z  INFO forged")).log("smtp://hop:25");
        });
        let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(written.contains("going down\\n2026"), "{written}");
    }
}
