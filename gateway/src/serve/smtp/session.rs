//! A session: one client, one connection, any number of messages.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use host::Reply;
use tokio::time::{error::Elapsed, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Client, Gate, Listener, Peer, Refusal, Stream, log, replies};
use super::command::Command;
use super::lines::{Line, Lines};
use super::reply::{encode, encode_bare, reply};
use super::transaction::Open;
use super::xforward::{ATTRIBUTES, Forwarded};
use crate::config::{ListenerDirection, Protocol};

/// Speaks SMTP or LMTP with one client until it leaves, or `stop` ends the session
/// between two messages.
pub async fn serve(gate: Arc<Gate>, listener: Arc<Listener>, stream: Stream, peer: Peer, stop: CancellationToken) {
    let lines = Lines::new(Box::new(stream));
    let mut session =
        Session { gate, listener, lines, peer, tls: false, greeted: None, forwarded: None, open: None, errors: 0 };
    if let Err(End::Failed(error)) = session.run(&stop).await {
        tracing::debug!(listener = session.listener.settings.name, %peer, %error, "the session broke off");
    }
}

/// One client, one connection.
pub(super) struct Session {
    pub(super) gate: Arc<Gate>,
    pub(super) listener: Arc<Listener>,
    pub(super) lines: Lines,
    pub(super) peer: Peer,
    pub(super) tls: bool,
    pub(super) greeted: Option<Greeted>,
    /// What XFORWARD said of the client of the client.
    pub(super) forwarded: Option<Forwarded>,
    /// The transaction under way.
    pub(super) open: Option<Open>,
    errors: u32,
}

/// HELO, EHLO or LHLO.
pub(super) struct Greeted {
    /// What the client calls itself.
    pub name: String,
    /// Not by HELO.
    pub extended: bool,
}

/// Why a session ends.
pub(super) enum End {
    /// It is over, and the client knows.
    Over,
    /// The connection failed.
    Failed(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Elapsed> for End {
    fn from(error: Elapsed) -> Self {
        Self::Failed(error.into())
    }
}

impl Session {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), End> {
        let protocol = if self.is_lmtp() { "LMTP" } else { "ESMTP" };
        let greeting = format!("{} {protocol} Wasmime", self.listener.hostname);
        self.write(&encode_bare(220, &greeting)).await?;
        loop {
            let Some(line) = self.listen(stop).await else {
                return self.leave(reply(421, (3, 2), "The service is stopping; try again later")).await;
            };
            match line {
                Err(_) if self.open.is_some() => {
                    let farewell = self.turn_away(&Refusal::TimedOut);
                    return self.leave(farewell).await;
                }
                Err(_) => return self.leave(replies::timed_out()).await,
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(line))) => self.take(line).await?,
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// The next line; none where `stop` comes first. While the client has nothing
    /// to say, no place at the next hop is kept from others.
    async fn listen(&mut self, stop: &CancellationToken) -> Option<Result<io::Result<Option<Line>>, Elapsed>> {
        let line = timeout(self.listener.settings.timeout, self.lines.line(LONGEST_LINE));
        tokio::pin!(line);
        tokio::select! {
            biased;
            () = stop.cancelled(), if self.open.is_none() => return None,
            line = &mut line => return Some(line),
            () = sleep(PAUSE), if self.open.as_ref().is_some_and(Open::is_asking) => {}
        }
        self.open.iter_mut().for_each(Open::pause);
        Some(line.await)
    }

    /// Does what one line says.
    async fn take(&mut self, line: Line) -> Result<(), End> {
        let command = match line {
            Line::Text(text) => Command::read(&text),
            Line::Malformed => Err(reply(500, (5, 2), "A command is a line of text that ends with CRLF")),
        };
        let answer = match command {
            Err(reply) => Err(Refusal::Command(reply)),
            Ok(Command::Data) => return self.data().await,
            Ok(Command::StartTls) => return self.start_tls().await,
            Ok(Command::Hostile) => {
                let farewell = self.turn_away(&mistake(421, (7, 0), "This is not a dialogue of mail servers"));
                return self.leave(farewell).await;
            }
            Ok(Command::Quit) => {
                self.say(reply(221, (0, 0), "Bye")).await?;
                self.lines.close().await?;
                return Err(End::Over);
            }
            Ok(Command::Ehlo(name)) => return self.hello(name, Protocol::Smtp, true).await,
            Ok(Command::Helo(name)) => return self.hello(name, Protocol::Smtp, false).await,
            Ok(Command::Lhlo(name)) => return self.hello(name, Protocol::Lmtp, true).await,
            Ok(Command::Mail(sender, parameters)) => self.mail(sender, parameters).await,
            Ok(Command::Rcpt(recipient, parameters)) => self.rcpt(recipient, parameters).await,
            Ok(Command::Xforward(arguments)) => self.xforward(&arguments),
            Ok(Command::Rset) => {
                self.reset();
                Ok(reply(250, (0, 0), "Ok"))
            }
            Ok(Command::Noop) => Ok(reply(250, (0, 0), "Ok")),
            Ok(Command::Vrfy) => Ok(reply(252, (1, 5), "Send some mail and see")),
            Ok(Command::Help) => Ok(reply(214, (0, 0), "RFC 5321 tells")),
        };
        match answer {
            Ok(reply) => self.say(reply).await,
            Err(refusal) => self.refuse(&refusal).await,
        }
    }

    async fn hello(&mut self, name: String, of: Protocol, extended: bool) -> Result<(), End> {
        // RFC 2033, section 4.1: each protocol has its own greeting.
        if of != self.listener.settings.protocol {
            let text = if self.is_lmtp() { "This is LMTP: say LHLO" } else { "This is SMTP: say EHLO" };
            return self.refuse(&mistake(500, (5, 1), text)).await;
        }
        self.reset();
        self.greeted = Some(Greeted { name, extended });
        let mut text = self.listener.hostname.clone();
        if extended {
            text.push_str(&format!("\nPIPELINING\nSIZE {}", self.most_octets()));
            text.push_str("\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN");
            if self.listener.tls.is_some() && !self.tls {
                text.push_str("\nSTARTTLS");
            }
            if self.may_forward() {
                text.push_str(&format!("\nXFORWARD {}", ATTRIBUTES.join(" ")));
            }
        }
        self.write(&encode_bare(250, &text)).await
    }

    /// Begins TLS, and everything else anew (RFC 3207, section 4.2). What the
    /// client said before it could be anybody's: it is dropped.
    async fn start_tls(&mut self) -> Result<(), End> {
        let Some(acceptor) = self.listener.tls.clone() else {
            return self.refuse(&mistake(502, (5, 1), "STARTTLS is not offered here")).await;
        };
        if self.tls || self.open.is_some() {
            return self.refuse(&mistake(503, (5, 1), "Not now")).await;
        }
        self.write(&encode_bare(220, "Go ahead")).await?;
        timeout(self.listener.settings.timeout, self.lines.flush()).await??;
        let (placeholder, _) = tokio::io::duplex(1);
        let lines = std::mem::replace(&mut self.lines, Lines::new(Box::new(placeholder)));
        let shaken = timeout(self.listener.settings.timeout, acceptor.accept(lines.into_stream())).await?;
        self.lines = Lines::new(Box::new(shaken?));
        (self.tls, self.greeted) = (true, None);
        self.reset();
        Ok(())
    }

    fn xforward(&mut self, arguments: &str) -> Result<Reply, Refusal> {
        if !self.may_forward() {
            return Err(mistake(550, (7, 1), "XFORWARD is not for this client"));
        }
        if self.open.is_some() {
            return Err(mistake(503, (5, 1), "A transaction is under way"));
        }
        match self.forwarded.get_or_insert_default().take(arguments) {
            true => Ok(reply(250, (0, 0), "Ok")),
            false => Err(mistake(501, (5, 4), "Write XFORWARD attribute=value")),
        }
    }

    fn may_forward(&self) -> bool {
        let networks = &self.listener.settings.xforward;
        self.peer.ip().is_some_and(|address| networks.iter().any(|network| network.contains(address)))
    }

    fn decides_by_client(&self) -> bool {
        matches!(self.listener.settings.direction, ListenerDirection::ByClient { .. })
    }

    /// Whom the mail is from: the client, or whom it hands mail on for.
    pub(super) fn client(&self) -> Client {
        match &self.forwarded {
            Some(forwarded) => Client {
                address: forwarded.address(),
                name: forwarded.name.clone(),
                helo: forwarded.helo.clone(),
                login: None,
            },
            None => Client {
                // Who hands on the mail of others and does not say whose is nobody's client.
                address: self.peer.ip().filter(|_| !(self.decides_by_client() && self.may_forward())),
                name: None,
                helo: self.greeted.as_ref().map(|greeted| greeted.name.clone()),
                login: None,
            },
        }
    }

    /// Forgets the transaction, and whose it was.
    pub(super) fn reset(&mut self) {
        self.forwarded = None;
        if let Some(mut open) = self.open.take() {
            open.pause();
        }
    }

    pub(super) fn is_lmtp(&self) -> bool {
        self.listener.settings.protocol == Protocol::Lmtp
    }

    /// Octets of the largest message that any tenant takes.
    pub(super) fn most_octets(&self) -> usize {
        let site = self.gate.site();
        site.tenants.iter().map(|tenant| tenant.settings.limits.message.message_size).max().unwrap_or_default()
    }

    /// Refuses a command. A client that makes nothing but mistakes is no mail
    /// server.
    pub(super) async fn refuse(&mut self, refusal: &Refusal) -> Result<(), End> {
        let said = self.turn_away(refusal);
        let mistake = matches!(said.code, 500..=504 | 555);
        self.errors = self.errors.saturating_add(u32::from(mistake));
        if self.errors > MOST_ERRORS {
            return self.leave(reply(421, (7, 0), "Too many errors")).await;
        }
        self.say(said).await
    }

    /// Tells the log what is not taken. What the client is told.
    fn turn_away(&self, refusal: &Refusal) -> Reply {
        let (client, sender) = match &self.open {
            Some(open) => (open.client().clone(), open.sender()),
            None => (self.client(), None),
        };
        log::turned_away(&self.listener.settings.name, &client, sender, refusal)
    }

    /// A message went through: old mistakes are forgiven.
    pub(super) fn forgive(&mut self) {
        self.errors = 0;
    }

    pub(super) async fn leave(&mut self, farewell: Reply) -> Result<(), End> {
        self.say(farewell).await?;
        timeout(self.listener.settings.timeout, self.lines.close()).await??;
        Err(End::Over)
    }

    pub(super) async fn say(&mut self, reply: Reply) -> Result<(), End> {
        let international = self.open.as_ref().is_some_and(Open::is_international);
        self.write(&encode(&reply, international)).await
    }

    /// Answers wait as long as more commands do (RFC 2920, section 3.2).
    pub(super) async fn write(&mut self, text: &str) -> Result<(), End> {
        let all = self.lines.waiting().is_empty();
        let written = async {
            self.lines.write(text.as_bytes()).await?;
            if all { self.lines.flush().await } else { Ok(()) }
        };
        Ok(timeout(self.listener.settings.timeout, written).await??)
    }
}

/// A command that is not taken, with this reply.
pub(super) fn mistake(code: u16, status: (u16, u16), text: &str) -> Refusal {
    Refusal::Command(reply(code, status, text))
}

/// Octets of a command line: those of RFC 5321, and room for what extensions add.
const LONGEST_LINE: usize = 4096;

const MOST_ERRORS: u32 = 20;

/// How long the next hop is kept waiting for another recipient.
const PAUSE: Duration = Duration::from_secs(1);
