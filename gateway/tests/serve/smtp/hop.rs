//! A next hop that does what a test tells it, and remembers what it was told.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A next hop.
pub struct Hop {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

/// A message that the next hop has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The connection that it came by, from 0.
    pub connection: usize,
    /// What came with MAIL, after `FROM:`.
    pub sender: String,
    /// What came with each RCPT, after `TO:`.
    pub recipients: Vec<String>,
    /// The message, dots removed.
    pub content: String,
}

/// What the next hop does when it hears a command.
#[derive(Clone, Debug)]
pub enum Does {
    /// Answers this, with CRLF.
    Says(&'static str),
    /// Closes the connection after these octets.
    Leaves(&'static str),
    /// Answers this, three seconds later.
    SaysLate(&'static str),
    /// Takes the message, and leaves without a word.
    TakesAndLeaves,
    /// Says nothing for longer than anybody waits.
    Hangs,
}

struct State {
    lmtp: bool,
    extensions: Vec<&'static str>,
    rules: Vec<Rule>,
    heard: Vec<(usize, String)>,
    taken: Vec<Mail>,
    connections: usize,
    /// Those that are open.
    open: Vec<(usize, TcpStream)>,
}

struct Rule {
    on: &'static str,
    after: usize,
    times: usize,
    does: Does,
}

impl Hop {
    /// One that speaks SMTP with every extension.
    pub fn smtp() -> Self {
        Self::start(false)
    }

    /// One that speaks LMTP.
    pub fn lmtp() -> Self {
        Self::start(true)
    }

    /// One that speaks SMTP, and is away until it [comes back](Self::comes_back).
    pub fn away() -> Self {
        Self { port: crate::ports::free(), state: state(false) }
    }

    fn start(lmtp: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let hop = Self { port, state: state(lmtp) };
        hop.listen(listener);
        hop
    }

    /// Listens from now on.
    pub fn comes_back(&self) {
        self.listen(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("the port"));
    }

    fn listen(&self, listener: TcpListener) {
        let shared = Arc::clone(&self.state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let number = change(&shared, |state| {
                        state.connections += 1;
                        state.open.push((state.connections - 1, stream.try_clone().expect("a second handle")));
                        state.connections - 1
                    });
                    // A connection that breaks off is what some tests are about.
                    let _ = Connection::new(stream, number, &shared).and_then(Connection::run);
                    change(&shared, |state| {
                        let place = state.open.iter().position(|(open, _)| *open == number);
                        if let Some((_, stream)) = place.map(|place| state.open.remove(place)) {
                            let _ = stream.shutdown(Shutdown::Both);
                        }
                    });
                });
            }
        });
    }

    /// Closes all connections.
    pub fn hang_up(&self) {
        let open = change(&self.state, |state| std::mem::take(&mut state.open));
        open.iter().for_each(|(_, stream)| drop(stream.shutdown(Shutdown::Both)));
    }

    /// It offers these extensions and no others.
    pub fn offers(&self, extensions: &[&'static str]) {
        change(&self.state, |state| state.extensions = extensions.to_vec());
    }

    /// The next time it hears a command that begins with `on`, it does this.
    /// `GREETING` is a new connection, `BODY` the first line of a message, `.` its
    /// end; in LMTP `. <address>` for one recipient.
    pub fn once(&self, on: &'static str, does: Does) {
        self.after(0, on, 1, does);
    }

    /// Always.
    pub fn always(&self, on: &'static str, does: Does) {
        self.after(0, on, usize::MAX, does);
    }

    /// So many times, after it was heard so often.
    pub fn after(&self, after: usize, on: &'static str, times: usize, does: Does) {
        change(&self.state, |state| state.rules.push(Rule { on, after, times, does }));
    }

    /// The messages that it has taken.
    pub fn taken(&self) -> Vec<Mail> {
        change(&self.state, |state| state.taken.clone())
    }

    /// Who got how many messages: every recipient as often as it was served.
    pub fn served(&self) -> Vec<String> {
        let taken = self.taken();
        let mut served: Vec<String> = taken.iter().flat_map(|mail| mail.recipients.clone()).collect();
        served.sort();
        served
    }

    /// Every command that it heard, without those that only look after a
    /// connection.
    pub fn heard(&self) -> Vec<String> {
        change(&self.state, |state| state.heard.iter().map(|(_, line)| line.clone()).collect())
    }

    /// How often it was connected to.
    pub fn connections(&self) -> usize {
        change(&self.state, |state| state.connections)
    }
}

fn state(lmtp: bool) -> Arc<Mutex<State>> {
    Arc::new(Mutex::new(State {
        lmtp,
        extensions: vec![
            "PIPELINING",
            "SIZE 30000000",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "XFORWARD NAME ADDR PROTO HELO IDENT",
        ],
        rules: Vec::new(),
        heard: Vec::new(),
        taken: Vec::new(),
        connections: 0,
        open: Vec::new(),
    }))
}

fn change<T>(state: &Mutex<State>, work: impl FnOnce(&mut State) -> T) -> T {
    work(&mut state.lock().expect("a state"))
}

/// One connection.
struct Connection<'a> {
    number: usize,
    state: &'a Mutex<State>,
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    sender: String,
    recipients: Vec<String>,
}

impl<'a> Connection<'a> {
    fn new(stream: TcpStream, number: usize, state: &'a Mutex<State>) -> io::Result<Self> {
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { number, state, reader, writer: stream, sender: String::new(), recipients: Vec::new() })
    }

    fn run(mut self) -> io::Result<()> {
        if self.does("GREETING", "220 hop.example ESMTP", None)?.is_none() {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            change(self.state, |state| state.heard.push((self.number, line.clone())));
            let verb = line.split(' ').next().unwrap_or_default().to_owned();
            let usual = match verb.as_str() {
                "EHLO" | "LHLO" => self.extensions(),
                "DATA" => "354 Go on".to_owned(),
                "QUIT" => "221 Bye".to_owned(),
                _ => "250 2.0.0 Ok".to_owned(),
            };
            let Some(said) = self.does(&line, &usual, None)? else { return Ok(()) };
            match (verb.as_str(), said) {
                ("MAIL", 200..300) => {
                    self.sender = line["MAIL FROM:".len()..].to_owned();
                    self.recipients.clear();
                }
                ("RCPT", 200..300) => self.recipients.push(line["RCPT TO:".len()..].to_owned()),
                ("DATA", 354) if !self.message()? => return Ok(()),
                ("QUIT", _) => return Ok(()),
                _ => {}
            }
        }
    }

    fn extensions(&self) -> String {
        let lines = change(self.state, |state| state.extensions.clone());
        let mut all = vec!["hop.example"];
        all.extend(lines);
        let (last, before) = all.split_last().expect("a name");
        before.iter().map(|line| format!("250-{line}\r\n")).collect::<String>() + &format!("250 {last}")
    }

    /// Reads a message and answers. False: it left.
    fn message(&mut self) -> io::Result<bool> {
        let mut content = String::new();
        let mut begun = false;
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(false);
            }
            if !begun && self.does("BODY", "", None)?.is_none() {
                return Ok(false);
            }
            begun = true;
            if line == b".\r\n" {
                change(self.state, |state| state.heard.push((self.number, ".".to_owned())));
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            content.push_str(&String::from_utf8_lossy(line));
        }
        let mail = |recipients: Vec<String>, this: &Self| Mail {
            connection: this.number,
            sender: this.sender.clone(),
            recipients,
            content: content.clone(),
        };
        if change(self.state, |state| state.lmtp) {
            for recipient in std::mem::take(&mut self.recipients) {
                let taken = mail(vec![recipient.clone()], self);
                if self.does(&format!(". {recipient}"), "250 2.0.0 Taken", Some(taken))?.is_none() {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let taken = mail(std::mem::take(&mut self.recipients), self);
        Ok(self.does(".", "250 2.0.0 Taken", Some(taken))?.is_some())
    }

    /// Does what the rules say, or what is usual. The code that was said; none: it
    /// left.
    fn does(&mut self, on: &str, usual: &str, mail: Option<Mail>) -> io::Result<Option<u16>> {
        let does = change(self.state, |state| {
            let rule = state.rules.iter_mut().find(|rule| rule.times > 0 && on.starts_with(rule.on))?;
            if rule.after > 0 {
                rule.after -= 1;
                return None;
            }
            rule.times -= 1;
            Some(rule.does.clone())
        });
        let text = match &does {
            None => usual,
            Some(Does::Says(text)) => text,
            Some(Does::SaysLate(text)) => {
                thread::sleep(Duration::from_secs(3));
                text
            }
            Some(Does::Leaves(octets)) => {
                self.writer.write_all(octets.as_bytes())?;
                return Ok(None);
            }
            Some(Does::TakesAndLeaves) => {
                change(self.state, |state| state.taken.extend(mail));
                return Ok(None);
            }
            Some(Does::Hangs) => {
                thread::sleep(Duration::from_secs(20));
                return Ok(None);
            }
        };
        if text.is_empty() {
            return Ok(Some(0));
        }
        let code = text.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
        if (200..300).contains(&code) {
            change(self.state, |state| state.taken.extend(mail));
        }
        self.writer.write_all(format!("{text}\r\n").as_bytes())?;
        Ok(Some(code))
    }
}
