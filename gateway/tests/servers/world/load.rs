//! Many messages, each with a name of its own, sent until each has been taken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::sink::Transaction;
use crate::support::field;

/// A stream of messages to a mail server.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// The server, on 127.0.0.1.
    pub port: u16,
    /// The reverse-path.
    pub from: &'a str,
    /// The recipients of each message.
    pub to: &'a [&'a str],
    /// What is in each, below the header.
    pub entity: &'a [u8],
    /// How many messages.
    pub messages: usize,
    /// How many clients send them.
    pub clients: usize,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// How often a client was told to come back later.
    pub deferred: usize,
    /// How long all took.
    pub elapsed: Duration,
}

impl Load<'_> {
    /// Sends every message, again and again where the server says 4xx, until it says 250.
    pub fn send(&self) -> Sent {
        let (next, deferred, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
        thread::scope(|scope| {
            for _ in 0..self.clients {
                scope.spawn(|| {
                    let mut client = None;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.messages {
                            return;
                        }
                        while !self.attempt(&mut client, number) {
                            deferred.fetch_add(1, Ordering::Relaxed);
                            thread::sleep(Duration::from_millis(50));
                        }
                    }
                });
            }
        });
        Sent { deferred: deferred.into_inner(), elapsed: start.elapsed() }
    }

    /// Whether the server took message `number`. A refusal for good is none that a
    /// test expects.
    fn attempt(&self, connection: &mut Option<Client>, number: usize) -> bool {
        let mut client = match connection.take() {
            Some(client) => client,
            None => match Client::connect(self.port) {
                Ok(client) => client,
                Err(_) => return false,
            },
        };
        let mut commands = vec![format!("MAIL FROM:<{}>", self.from)];
        commands.extend(self.to.iter().map(|to| format!("RCPT TO:<{to}>")));
        for command in commands {
            match client.says(&command) {
                Ok(reply) if reply.starts_with('2') => {}
                Ok(reply) if reply.starts_with('4') => return false,
                other => panic!("{command}: {other:?}"),
            }
        }
        match client.data(&self.message(number)) {
            Ok(reply) if reply.starts_with('2') => *connection = Some(client),
            Ok(reply) if reply.starts_with('4') => return false,
            other => panic!("message {number}: {other:?}"),
        }
        true
    }

    /// The same octets each time, a Message-ID among them: Postfix would add one,
    /// another for each attempt.
    fn message(&self, number: usize) -> Vec<u8> {
        let header = format!(
            "From: {}\r\nTo: {}\r\nSubject: Load\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\
             Message-ID: <{number}@load.test>\r\n{NUMBER}: {number}\r\n",
            self.from, self.to[0],
        );
        [header.as_bytes(), self.entity].concat()
    }

    /// How often each message arrived for each of its recipients.
    pub fn arrived(&self, kept: &[Transaction]) -> HashMap<(usize, String), usize> {
        let copies =
            (0..self.messages).flat_map(|number| self.to.iter().map(move |to| ((number, (*to).to_owned()), 0)));
        let mut arrived: HashMap<(usize, String), usize> = copies.collect();
        for (recipients, message) in kept {
            let number = field(message, NUMBER).concat().parse().expect("a number");
            for recipient in recipients {
                let recipient = recipient.trim_matches(['<', '>']).to_owned();
                *arrived.get_mut(&(number, recipient)).expect("a copy that was sent") += 1;
            }
        }
        arrived
    }
}

/// The header field that names a message.
const NUMBER: &str = "X-Number";
