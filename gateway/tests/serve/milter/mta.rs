//! The side of the mail server, written out: what it says, what it is told, and
//! what it makes of its message then.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// A connection of a mail server with its filter.
pub struct Mta<S = TcpStream> {
    stream: S,
    steps: u32,
    /// What the next messages are called in the queue.
    queue: String,
}

/// What Postfix 3.7 offers: version, actions, steps.
pub const POSTFIX: [u32; 3] = [6, 0x1ff, 0x1f_ffff];

/// What the filter said at the end of a message.
#[derive(Debug)]
pub struct Told {
    /// The changes, in order: code and data.
    pub changes: Vec<(u8, Vec<u8>)>,
    /// What it came to.
    pub answer: Answer,
}

/// What the filter said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Continue,
    /// The client is told this line.
    Reply(String),
}

impl Answer {
    /// Asserts a reply that begins so, as in `550 5.7.7`.
    #[track_caller]
    pub fn begins(&self, codes: &str) {
        let Self::Reply(line) = self else { panic!("{codes} was expected, and not to go on") };
        assert!(line.starts_with(codes), "{line}");
    }
}

impl Mta {
    /// Connects as Postfix would, with a client at `address`.
    pub fn connect(port: u16, address: &str) -> Self {
        let mut mta = Mta::open(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a filter that listens"));
        mta.negotiate(POSTFIX);
        mta.client(address);
        mta
    }
}

impl Mta<TcpStream> {
    fn open(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        Self { stream, steps: 0, queue: "4F1A".to_owned() }
    }

    /// A connection on which nothing was said.
    pub fn silent(port: u16) -> Self {
        Self::open(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a filter that listens"))
    }
}

impl<S: Read + Write> Mta<S> {
    /// A connection by other ways.
    pub fn over(stream: S) -> Self {
        Self { stream, steps: 0, queue: "4F1A".to_owned() }
    }

    /// Agrees on options; what the filter chose.
    pub fn negotiate(&mut self, offer: [u32; 3]) -> [u32; 3] {
        let data: Vec<u8> = offer.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.send(b'O', &data);
        let (code, data) = self.receive().expect("options");
        assert_eq!(code, b'O');
        let number = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().expect("four octets"));
        self.steps = number(8);
        [number(0), number(4), number(8)]
    }

    /// A client comes.
    pub fn client(&mut self, address: &str) {
        self.send(b'C', &[b"client.test\x004\x01\xbb", address.as_bytes(), b"\0"].concat());
        self.awaited(0x1000);
        self.send(b'H', b"helo.test\0");
        self.awaited(0x2000);
    }

    /// Calls the messages from now on so, as the queue does.
    pub fn named(&mut self, queue: &str) -> &mut Self {
        queue.clone_into(&mut self.queue);
        self
    }

    /// Begins a message, of a client that logged in or not.
    pub fn mail(&mut self, from: &str, login: Option<&str>) -> Answer {
        if let Some(login) = login {
            self.send(b'D', format!("M{{auth_authen}}\0{login}\0").as_bytes());
        }
        self.send(b'M', format!("<{from}>\0SIZE=1000\0").as_bytes());
        self.answer()
    }

    /// Names a recipient.
    pub fn rcpt(&mut self, to: &str) -> Answer {
        self.rcpt_with(to, "")
    }

    /// The same, with ESMTP parameters, each of which ends with NUL.
    pub fn rcpt_with(&mut self, to: &str, parameters: &str) -> Answer {
        self.send(b'R', format!("<{to}>\0{parameters}").as_bytes());
        self.answer()
    }

    /// Begins a message that must be taken so far.
    #[track_caller]
    pub fn envelope(&mut self, from: &str, login: Option<&str>, to: &[&str]) {
        assert_eq!(self.mail(from, login), Answer::Continue);
        for to in to {
            assert_eq!(self.rcpt(to), Answer::Continue);
        }
    }

    /// Shows a message, as far as the filter hears it.
    #[track_caller]
    pub fn message(&mut self, message: &[u8]) -> Told {
        let (fields, body) = split(message);
        self.send(b'T', b"");
        self.awaited(0x1_0000);
        for (name, value) in fields {
            self.field(&name, &value);
        }
        self.end_of_header();
        for chunk in body.chunks(65_535) {
            self.send(b'B', chunk);
            match self.answer() {
                Answer::Continue => {}
                answer => return Told { changes: Vec::new(), answer },
            }
        }
        self.end(b"")
    }

    /// Ends the header.
    #[track_caller]
    pub fn end_of_header(&mut self) {
        self.send(b'N', b"");
        self.awaited(0x4_0000);
    }

    /// Shows a field, its folds as LF.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        let space = self.steps & 0x10_0000 != 0;
        let value = if space { value } else { value.strip_prefix(b" ").unwrap_or(value) };
        let value = value.iter().copied().filter(|&octet| octet != b'\r').collect::<Vec<u8>>();
        self.send(b'L', &[name, b"\0", &value, b"\0"].concat());
        self.awaited(0x80);
    }

    /// Ends a message, with its last octets.
    #[track_caller]
    pub fn end(&mut self, octets: &[u8]) -> Told {
        self.send(b'D', format!("Ei\0{}\0", self.queue).as_bytes());
        self.send(b'E', octets);
        let mut changes = Vec::new();
        loop {
            match self.receive().expect("a verdict") {
                (b'c', _) => return Told { changes, answer: Answer::Continue },
                (b'y', data) => return Told { changes, answer: reply(&data) },
                (b'p', _) => {}
                change => changes.push(change),
            }
        }
    }

    /// Sends a packet.
    pub fn send(&mut self, code: u8, data: &[u8]) {
        let length = u32::try_from(data.len() + 1).expect("a packet");
        self.octets(&[&length.to_be_bytes(), &[code][..], data].concat());
    }

    /// Sends octets, whatever they are. A filter that has hung up does not read them.
    pub fn octets(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets);
    }

    /// The next packet: its code and data; none if the filter hung up.
    pub fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            Err(error) => panic!("no answer: {error}"),
        }
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut packet).expect("the rest of a packet");
        let data = packet.split_off(1);
        Some((packet[0], data))
    }

    /// The answer to what was said last.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        match self.receive().expect("an answer") {
            (b'c', _) => Answer::Continue,
            (b'y', data) => reply(&data),
            (code, data) => panic!("{}: {data:?}", char::from(code)),
        }
    }

    /// The answer to a step, unless the filter said that it gives none.
    #[track_caller]
    fn awaited(&mut self, silent: u32) {
        if self.steps & silent == 0 {
            assert_eq!(self.answer(), Answer::Continue);
        }
    }
}

impl Told {
    /// The message as the mail server has it after the changes: header fields of
    /// its own are not among these.
    #[track_caller]
    pub fn applied(&self, message: &[u8]) -> Vec<u8> {
        assert_eq!(self.answer, Answer::Continue);
        let (mut fields, mut body) = split(message);
        let mut replaced = None;
        for (code, data) in &self.changes {
            let number = || u32::from_be_bytes(data[..4].try_into().expect("four octets")) as usize;
            match code {
                b'h' => fields.push(field(data)),
                b'i' => fields.insert(number() - 1, field(&data[4..])),
                b'm' => {
                    let (name, value) = field(&data[4..]);
                    let named = |(_, (other, _)): &(usize, &(Vec<u8>, Vec<u8>))| other.eq_ignore_ascii_case(&name);
                    let at = fields.iter().enumerate().filter(named).nth(number() - 1).expect("such a field").0;
                    match value.is_empty() {
                        true => drop(fields.remove(at)),
                        false => fields[at].1 = value,
                    }
                }
                b'b' => replaced.get_or_insert_with(Vec::new).extend_from_slice(data),
                b'-' | b'e' | b'2' => {}
                code => panic!("{} is no change", char::from(*code)),
            }
        }
        body = replaced.unwrap_or(body);
        let lines = fields.iter().flat_map(|(name, value)| [name.as_slice(), b":", value, b"\r\n"].concat());
        lines.chain(*b"\r\n").chain(body).collect()
    }

    /// What the envelope is told: the code, the path, and the parameters that are its
    /// own from now on.
    pub fn envelope(&self) -> Vec<(char, String, String)> {
        let changes = self.changes.iter().filter(|(code, _)| b"e2".contains(code));
        let told = changes.map(|(code, data)| {
            let texts: Vec<&str> = std::str::from_utf8(data).expect("text").split('\0').collect();
            let [path, parameters, ""] = texts[..] else { panic!("{texts:?} is no path with parameters") };
            (char::from(*code), path.to_owned(), parameters.to_owned())
        });
        told.collect()
    }

    /// The recipients that were taken off.
    pub fn deleted(&self) -> Vec<String> {
        let deletions = self.changes.iter().filter(|(code, _)| *code == b'-');
        deletions.map(|(_, data)| String::from_utf8(data[..data.len() - 1].to_vec()).expect("a path")).collect()
    }
}

type Field = (Vec<u8>, Vec<u8>);

/// Header fields, name and value as it is, and the body.
fn split(message: &[u8]) -> (Vec<Field>, Vec<u8>) {
    let end = memchr::memmem::find(message, b"\r\n\r\n").expect("a header");
    let (header, body) = (&message[..end + 2], &message[end + 4..]);
    let mut fields: Vec<Field> = Vec::new();
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r\n").expect("a line");
        match fields.last_mut() {
            Some((_, value)) if matches!(line[0], b' ' | b'\t') => value.extend([b"\r\n", line].concat()),
            _ => {
                let colon = line.iter().position(|&octet| octet == b':').expect("a colon");
                fields.push((line[..colon].to_vec(), line[colon + 1..].to_vec()));
            }
        }
    }
    (fields, body.to_vec())
}

/// A field as a change has it: folds become CRLF.
fn field(data: &[u8]) -> Field {
    let texts: Vec<&[u8]> = data.split(|&octet| octet == 0).collect();
    let [name, value, b""] = texts[..] else { panic!("{data:?} is no field") };
    let value = value.split(|&octet| octet == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    (name.to_vec(), value)
}

fn reply(data: &[u8]) -> Answer {
    let line = data.strip_suffix(b"\0").expect("a text that ends");
    Answer::Reply(String::from_utf8(line.to_vec()).expect("ASCII"))
}
