//! A mail server that takes everything, and keeps it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::ports;

/// A server on 127.0.0.1; it ends when this is dropped.
pub struct Sink {
    port: u16,
    shared: Arc<Shared>,
}

/// The forward-paths of a message, and the message.
pub type Transaction = (Vec<String>, Vec<u8>);

#[derive(Default)]
struct Shared {
    transactions: Mutex<Vec<Transaction>>,
    rcpt: Mutex<Option<String>>,
    closed: AtomicBool,
}

impl Sink {
    /// Starts it.
    pub fn start() -> Self {
        let (port, shared) = (ports::free(), Arc::new(Shared::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        let state = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if state.closed.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&state);
                // A client that goes away has nothing to be told.
                thread::spawn(move || talk(&state, client).is_ok());
            }
        });
        Self { port, shared }
    }

    /// Where it is.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages that it answered 250 for, in order.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        self.transactions().into_iter().map(|(_, message)| message).collect()
    }

    /// The same, with their recipients.
    pub fn transactions(&self) -> Vec<Transaction> {
        self.shared.transactions.lock().expect("no panic").clone()
    }

    /// Answers each recipient so from now on.
    pub fn answers_rcpt(&self, reply: &str) {
        *self.shared.rcpt.lock().expect("no panic") = Some(format!("{reply}\r\n"));
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.shared.transactions.lock().expect("no panic").len()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn talk(shared: &Shared, client: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    let mut recipients = Vec::new();
    client.write_all(b"220 sink.test ESMTP\r\n")?;
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.get(..4).map(<[u8]>::to_ascii_uppercase).as_deref() {
            Some(b"EHLO") => b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            Some(b"DATA") => {
                client.write_all(b"354 go on\r\n")?;
                let message = message(&mut reader)?;
                shared.transactions.lock().expect("no panic").push((std::mem::take(&mut recipients), message));
                b"250 2.0.0 kept\r\n"
            }
            Some(b"RCPT") => {
                let refused = shared.rcpt.lock().expect("no panic").clone();
                let refused = refused.unwrap_or_else(|| {
                    let line = String::from_utf8_lossy(&line);
                    let path = line.split([':', ' ', '\r']).nth(2).unwrap_or_default();
                    recipients.push(path.to_owned());
                    "250 2.1.5 ok\r\n".to_owned()
                });
                client.write_all(refused.as_bytes())?;
                continue;
            }
            Some(b"QUIT") => return client.write_all(b"221 2.0.0 bye\r\n"),
            _ => b"250 2.0.0 ok\r\n",
        };
        client.write_all(reply)?;
    }
}

fn message(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let start = message.len();
        if reader.read_until(b'\n', &mut message)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if &message[start..] == b".\r\n" {
            message.truncate(start);
            return Ok(message);
        }
        if message[start] == b'.' {
            message.remove(start);
        }
    }
}
