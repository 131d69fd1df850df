//! A session with a mail server: many messages, one after the other, of one client
//! or of several.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::discretion::Discretion;
use super::envelope;
use super::macros::Macros;
use super::message::{Message, NoField};
use super::options::{Options, Unsuitable};
use super::plan::Plan;
use super::response::Response;
use super::split::{self, Origin};
use super::wire::{Wire, WireError};
use crate::serve::{
    Client, Gate, Judgement, Listener, MOST_RECIPIENTS, Part, Peer, Refusal, Transaction, log, new_id, replies,
};

/// Serves a mail server until it leaves, or `stop` tells to end: then the message
/// under way is finished, and no other begins.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    gate: Arc<Gate>,
    listener: Arc<Listener>,
    stream: S,
    peer: Peer,
    stop: CancellationToken,
) {
    let mut session = Session {
        gate: &gate,
        listener: &listener,
        wire: Wire::new(stream, listener.settings.timeout),
        options: None,
        client: Client::default(),
        macros: Macros::default(),
        open: None,
    };
    if let Err(error) = session.run(&stop).await {
        tracing::warn!(listener = listener.settings.name, %peer, %error, "a milter session was broken off");
    }
}

struct Session<'g, S> {
    gate: &'g Gate,
    listener: &'g Listener,
    wire: Wire<S>,
    /// What was agreed on; none before that.
    options: Option<Options>,
    client: Client,
    macros: Macros,
    /// The message under way.
    open: Option<Open>,
}

/// A message under way.
struct Open {
    origin: Origin,
    message: Message,
}

/// Why a session is broken off. The mail server then does what it does without a
/// filter: it should be told to defer.
#[derive(Debug)]
enum SessionError {
    Wire(WireError),
    Unsuitable(Unsuitable),
    /// What was said has no place here.
    OutOfOrder(&'static str),
    NoField,
}

/// Whether the session goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Listen,
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), SessionError> {
        loop {
            let command = tokio::select! {
                command = self.wire.receive() => command?,
                () = stop.cancelled(), if self.open.is_none() => None,
            };
            let Some(command) = command else { return Ok(()) };
            if self.obey(command).await? == Next::End {
                return Ok(());
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<Next, SessionError> {
        let Some(options) = self.options else {
            return match command {
                Command::Negotiate(offered) => self.negotiate(offered).await,
                Command::Quit => Ok(Next::End),
                _ => Err(SessionError::OutOfOrder("a command before the options")),
            };
        };
        match command {
            Command::Negotiate(_) => return Err(SessionError::OutOfOrder("options for a second time")),
            Command::Macros(code, macros) => self.macros.note(code, &macros),
            Command::Connect(name, address) => {
                self.connect(&name, address);
                self.go_on().await?;
            }
            Command::Helo(name) => {
                self.client.helo = Some(text(&name).into_owned());
                self.go_on().await?;
            }
            Command::Mail(path, parameters) => self.mail(&path, &parameters).await?,
            Command::Rcpt(path, parameters) => self.rcpt(&path, &parameters).await?,
            Command::Data => self.go_on().await?,
            Command::Header(name, value) => {
                let message = self.message()?;
                if message.in_body() {
                    return Err(SessionError::OutOfOrder("a header field in the body"));
                }
                message.field(&name, &value, options.keeps_leading_space())?;
                self.receiving().await?;
            }
            Command::EndOfHeader => {
                self.message()?.end_of_header();
                self.receiving().await?;
            }
            Command::Body(octets) => {
                self.message()?.body(&octets);
                self.receiving().await?;
            }
            Command::EndOfBody(octets) => self.end_of_body(&octets).await?,
            Command::Abort => self.open = None,
            Command::Unknown => self.go_on().await?,
            Command::QuitNewConnection => {
                self.open = None;
                self.client = Client::default();
                self.macros = Macros::default();
            }
            Command::Quit => return Ok(Next::End),
        }
        Ok(Next::Listen)
    }

    async fn negotiate(&mut self, offered: Options) -> Result<Next, SessionError> {
        let agreed = offered.agree().map_err(SessionError::Unsuitable)?;
        if !agreed.lets_be_discreet() {
            let name = &self.listener.settings.name;
            tracing::warn!(
                listener = name,
                "this mail server has to be told in its own configuration to keep what was opened out of its \
                 notifications (docs/operations.md)"
            );
        }
        self.options = Some(agreed);
        self.wire.leading_space = agreed.keeps_leading_space();
        self.say(Response::Negotiate(agreed)).await?;
        Ok(Next::Listen)
    }

    /// A client without a name is called by its address, or `unknown`.
    fn connect(&mut self, name: &[u8], address: Option<IpAddr>) {
        let name = text(name);
        let named = !name.is_empty() && !name.starts_with('[') && name != "unknown";
        let name = named.then(|| name.into_owned());
        self.client = Client { address: address.map(|address| address.to_canonical()), name, ..Client::default() };
    }

    async fn mail(&mut self, path: &[u8], parameters: &[Bytes]) -> Result<(), SessionError> {
        self.open = None;
        self.client.login = self.macros.take_login();
        let Some((mailbox, parameters)) = envelope::sender(path, parameters) else {
            return self.turn_away(None, &Refusal::BadSender).await;
        };
        let sender = (!mailbox.is_empty()).then_some(mailbox);
        let admitted = self.gate.admit_sender(self.listener, &self.client, sender.as_deref());
        match admitted.and_then(|()| self.gate.hold()) {
            Err(refusal) => self.turn_away(sender.as_deref(), &refusal).await,
            Ok(held) => {
                let transaction =
                    Transaction { id: new_id(), client: self.client.clone(), sender, recipients: Vec::new() };
                let (reverse_path, forward_paths) = (text(path).into_owned(), Vec::new());
                let origin = Origin { transaction, parameters, recipients: Vec::new(), reverse_path, forward_paths };
                self.open = Some(Open { origin, message: Message::new(held) });
                self.say(Response::Continue).await
            }
        }
    }

    async fn rcpt(&mut self, path: &[u8], parameters: &[Bytes]) -> Result<(), SessionError> {
        let Some(Open { origin: Origin { transaction, recipients, forward_paths, .. }, message }) = &mut self.open
        else {
            return Err(SessionError::OutOfOrder("a recipient without a sender"));
        };
        let Some(recipient) = envelope::recipient(path, parameters) else {
            let sender = transaction.sender.clone();
            return self.turn_away(sender.as_deref(), &Refusal::BadRecipient).await;
        };
        let admitted = match recipients.len() < MOST_RECIPIENTS {
            true => self.gate.admit_recipient(self.listener, transaction, &recipient.address),
            false => Err(Refusal::TooManyRecipients),
        };
        if let Err(refusal) = admitted {
            let sender = transaction.sender.clone();
            return self.turn_away(sender.as_deref(), &refusal).await;
        }
        transaction.recipients.push(recipient.address.clone());
        recipients.push(recipient);
        forward_paths.push(text(path).into_owned());
        message.allow(self.gate.message_size(self.listener, transaction));
        self.say(Response::Continue).await
    }

    /// Does not take a sender or a recipient, and tells the log.
    async fn turn_away(&mut self, sender: Option<&str>, refusal: &Refusal) -> Result<(), SessionError> {
        let reply = log::turned_away(&self.listener.settings.name, &self.client, sender, refusal);
        self.say(Response::Reply(&reply)).await
    }

    fn message(&mut self) -> Result<&mut Message, SessionError> {
        match &mut self.open {
            Some(Open { message, origin, .. }) if !origin.recipients.is_empty() => Ok(message),
            _ => Err(SessionError::OutOfOrder("a message without sender or recipients")),
        }
    }

    /// Answers a piece of a message: one that cannot be taken is refused with the
    /// first piece that is too much.
    async fn receiving(&mut self) -> Result<(), SessionError> {
        let refused = self.message()?.refused().map(|(refusal, size)| (refusal.clone(), size));
        match (refused, self.open.as_ref()) {
            (Some((refusal, size)), Some(open)) => {
                let reply = self.gate.refuse(self.listener, &open.origin.transaction, size, &refusal).await;
                self.open = None;
                self.say(Response::Reply(&reply)).await
            }
            _ => self.go_on().await,
        }
    }

    async fn end_of_body(&mut self, octets: &Bytes) -> Result<(), SessionError> {
        self.message()?.body(octets);
        let Some(Open { mut origin, message }) = self.open.take() else {
            return Err(SessionError::OutOfOrder("the end of no message"));
        };
        if let Some(queue_id) = self.macros.take_queue_id() {
            origin.transaction.id = queue_id;
        }
        let (message, _held) = match message.finish() {
            Ok(message) => message,
            Err((refusal, size)) => {
                let reply = self.gate.refuse(self.listener, &origin.transaction, size, &refusal).await;
                return self.say(Response::Reply(&reply)).await;
            }
        };
        let judged = self.gate.judge(self.listener, &origin.transaction, message.clone());
        match while_working(&mut self.wire, judged).await? {
            Judgement::Refuse(reply) => self.say(Response::Reply(&reply)).await,
            Judgement::Deliver(parts) => self.deliver(&origin, &message, &parts).await,
        }
    }

    /// Nothing is changed in the session before the parts that leave it have gone:
    /// until then the message can still be deferred as a whole.
    async fn deliver(&mut self, origin: &Origin, message: &Bytes, parts: &[Part]) -> Result<(), SessionError> {
        let Ok(plan) = Plan::of(parts, message) else {
            tracing::error!(id = origin.transaction.id, "the rewritten message has no header; it is deferred");
            return self.say(Response::Reply(&replies::fault())).await;
        };
        let handed = split::hand_on(self.listener, origin, &plan.others, message);
        if let Err(reply) = while_working(&mut self.wire, handed).await? {
            return self.say(Response::Reply(&reply)).await;
        }
        let discreet = self.options.is_some_and(Options::lets_be_discreet);
        let part = plan.stays.filter(|_| discreet);
        let discretion = part.map(|part| Discretion::of(part, origin)).unwrap_or_default();
        plan.tell(&mut self.wire, &origin.forward_paths, &discretion).await?;
        Ok(())
    }

    async fn go_on(&mut self) -> Result<(), SessionError> {
        self.say(Response::Continue).await
    }

    async fn say(&mut self, response: Response<'_>) -> Result<(), SessionError> {
        self.wire.say(response).await?;
        self.wire.flush().await?;
        Ok(())
    }
}

/// Does `work`, and tells the mail server time and again that it is under way.
///
/// It is finished even when nobody waits for it any more: what was handed on has to
/// be remembered.
async fn while_working<S: AsyncRead + AsyncWrite + Unpin, T>(
    wire: &mut Wire<S>,
    work: impl Future<Output = T>,
) -> Result<T, WireError> {
    let mut work = pin!(work);
    let mut told = Ok(());
    loop {
        match timeout(PROGRESS, &mut work).await {
            Ok(done) => return told.map(|()| done),
            Err(_) if told.is_err() => {}
            Err(_) => {
                told = wire.say(Response::Progress).await;
                if told.is_ok() {
                    told = wire.flush().await;
                }
            }
        }
    }
}

/// Postfix waits for `milter_content_timeout`, Sendmail for `T=E:`, five minutes
/// both where nobody makes it less.
const PROGRESS: Duration = Duration::from_secs(10);

fn text(octets: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(octets)
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::Unsuitable(error) => error.fmt(f),
            Self::OutOfOrder(what) => write!(f, "the peer does not keep to the milter protocol: {what}"),
            Self::NoField => f.write_str("the peer does not keep to the milter protocol: a header field of two"),
        }
    }
}

impl From<WireError> for SessionError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<NoField> for SessionError {
    fn from(NoField: NoField) -> Self {
        Self::NoField
    }
}
