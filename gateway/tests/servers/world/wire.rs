//! The wire between two organisations: passes connections on, keeps what
//! crossed, and can alter it on the way.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::ports;
use crate::support::find;

/// A TCP proxy that records.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

/// A message as it crossed the wire.
#[derive(Clone, Debug, Default)]
pub struct Transmission {
    /// The command MAIL, without its line end.
    pub mail: String,
    /// The commands RCPT, without their line ends.
    pub rcpt: Vec<String>,
    /// The message, without the dots that SMTP adds.
    pub message: Vec<u8>,
}

/// What to do to a message on its way: the octet that stands `skip` octets
/// behind the first `after` becomes another of the alphabet of base64.
#[derive(Clone, Copy, Debug)]
pub struct Tamper {
    pub after: &'static [u8],
    pub skip: usize,
}

#[derive(Default)]
struct Shared {
    conversations: Mutex<Vec<Arc<Conversation>>>,
    tamper: Mutex<Option<Tamper>>,
    cut: AtomicBool,
    closed: AtomicBool,
}

/// What both ends of a connection said.
#[derive(Default)]
struct Conversation {
    client: Mutex<Vec<u8>>,
    server: Mutex<Vec<u8>>,
}

impl Wire {
    /// A wire that ends at a port of 127.0.0.1.
    pub fn to(target: u16) -> Self {
        let (port, shared) = (ports::free(), Arc::new(Shared::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        let state = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if state.closed.load(Ordering::Relaxed) {
                    return;
                }
                if !state.cut.load(Ordering::Relaxed) {
                    connect(&state, client, target);
                }
            }
        });
        Self { port, shared }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Alters what crosses from now on, or no more.
    pub fn tamper(&self, tamper: Option<Tamper>) {
        *self.shared.tamper.lock().expect("no panic") = tamper;
    }

    /// Lets nobody through any more, or again.
    pub fn cut(&self, cut: bool) {
        self.shared.cut.store(cut, Ordering::Relaxed);
    }

    /// All that crossed it, in both directions.
    pub fn octets(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for conversation in self.shared.conversations.lock().expect("no panic").iter() {
            all.extend_from_slice(&conversation.client.lock().expect("no panic"));
            all.extend_from_slice(&conversation.server.lock().expect("no panic"));
        }
        all
    }

    /// The replies of the server, as text.
    pub fn replies(&self) -> String {
        let all = self.shared.conversations.lock().expect("no panic");
        all.iter().map(|c| String::from_utf8_lossy(&c.server.lock().expect("no panic")).into_owned()).collect()
    }

    /// The messages that crossed it whole, in order.
    pub fn transmissions(&self) -> Vec<Transmission> {
        let all = self.shared.conversations.lock().expect("no panic");
        all.iter().flat_map(|c| transmissions(&c.client.lock().expect("no panic"))).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream, target: u16) {
    // Nobody there: the client sees a connection that ends at once.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
    let conversation = Arc::new(Conversation::default());
    shared.conversations.lock().expect("no panic").push(Arc::clone(&conversation));
    let (Ok(from_client), Ok(to_client)) = (client.try_clone(), client.try_clone()) else { return };
    let (Ok(from_server), Ok(to_server)) = (server.try_clone(), server.try_clone()) else { return };
    let (state, said) = (Arc::clone(shared), Arc::clone(&conversation));
    thread::spawn(move || {
        pump(from_client, to_server, |chunk| {
            let mut said = said.client.lock().expect("no panic");
            let before = said.len();
            said.extend_from_slice(chunk);
            if let Some(tamper) = *state.tamper.lock().expect("no panic") {
                alter(&said, before, chunk, tamper);
            }
        })
    });
    thread::spawn(move || {
        pump(from_server, to_client, |chunk| {
            conversation.server.lock().expect("no panic").extend_from_slice(chunk);
        })
    });
}

fn pump(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&mut [u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        see(&mut buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// Alters the octet that `tamper` is about, if it is in `chunk`, which begins
/// `before` octets into the conversation.
fn alter(said: &[u8], before: usize, chunk: &mut [u8], tamper: Tamper) {
    let Some(found) = find(said, tamper.after) else { return };
    let place = found + tamper.after.len() + tamper.skip;
    if let Some(octet) = place.checked_sub(before).and_then(|at| chunk.get_mut(at)) {
        *octet = if *octet == b'A' { b'B' } else { b'A' };
    }
}

/// The messages in what a client said, by DATA or by BDAT (RFC 3030).
fn transmissions(client: &[u8]) -> Vec<Transmission> {
    let (mut all, mut current, mut rest) = (Vec::new(), Transmission::default(), client);
    while let Some(end) = find(rest, b"\r\n") {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 2..];
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "MAIL" => current = Transmission { mail: line, ..Transmission::default() },
            "RCPT" => current.rcpt.push(line),
            "DATA" => {
                // Without its end the server refused DATA, or the connection broke.
                let Some(length) = find(rest, b"\r\n.\r\n") else { return all };
                current.message = without_dots(&rest[..length + 2]);
                all.push(current.clone());
                rest = &rest[length + 5..];
            }
            "BDAT" => {
                let mut words = line.split(' ').skip(1);
                let length = words.next().and_then(|length| length.parse().ok()).expect("the length of a chunk");
                let Some((chunk, behind)) = rest.split_at_checked(length) else { return all };
                current.message.extend_from_slice(chunk);
                if words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST")) {
                    all.push(current.clone());
                }
                rest = behind;
            }
            _ => {}
        }
    }
    all
}

/// Takes away what SMTP puts before a dot that begins a line (RFC 5321,
/// section 4.5.2).
fn without_dots(data: &[u8]) -> Vec<u8> {
    data.split_inclusive(|&b| b == b'\n').flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}
