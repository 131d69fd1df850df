//! A mail transaction: from MAIL to the answer to the message.
//!
//! The next hop is asked about sender and recipients as they come, so that what it
//! refuses is refused at once. When it has been asked it is let go: it gets the
//! message in transactions of their own, once that has been judged, so that nobody
//! who takes his time keeps others from it (`docs/decisions/0082`).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use host::Reply;

use super::super::next_hop::{Delivery, Fault, HandOn, Handed, Manner, NextHop, Recipient};
use super::super::{Client, Judgement, MOST_RECIPIENTS, Refusal, Transaction, log, new_id};
use super::message::{self, Message, Missing};
use super::parameters::{MailParameters, RcptParameters};
use super::path::is_international;
use super::reply::{encode, encode_bare, reply};
use super::session::{End, Session, mistake};
use super::trace::{Trace, is_looping, protocol};
use super::xforward::Forwarded;
use crate::time;

/// A transaction under way.
pub struct Open {
    transaction: Transaction,
    envelope: HandOn,
    /// The next hop, while it is asked about sender and recipients.
    asking: Option<Delivery>,
}

impl Open {
    /// Whether the client understands replies in UTF-8.
    pub fn is_international(&self) -> bool {
        self.envelope.parameters.international
    }

    /// Who brings the message.
    pub fn client(&self) -> &Client {
        &self.transaction.client
    }

    /// The reverse-path; none is the null one.
    pub fn sender(&self) -> Option<&str> {
        self.transaction.sender.as_deref()
    }

    /// Whether a place at the next hop is kept for further questions.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Lets go of the next hop, until there is another question.
    pub fn pause(&mut self) {
        if let Some(asking) = self.asking.take() {
            asking.abandon();
        }
    }

    /// Asks the next hop whether it takes mail for `recipient`. Those who were
    /// accepted before may still be served if it does not answer.
    async fn ask(&mut self, next_hop: &NextHop, recipient: &Recipient) -> Result<(), Fault> {
        let mut asking = match self.asking.take() {
            Some(asking) => asking,
            None => next_hop.begin(&self.envelope).await?,
        };
        let answers = asking.recipients(&[recipient]).await?;
        self.asking = Some(asking);
        answers.into_iter().collect()
    }
}

impl Session {
    pub(super) async fn mail(&mut self, sender: Option<String>, parameters: MailParameters) -> Result<Reply, Refusal> {
        if self.greeted.is_none() {
            return Err(mistake(503, (5, 1), if self.is_lmtp() { "Say LHLO first" } else { "Say EHLO first" }));
        }
        if self.open.is_some() {
            return Err(mistake(503, (5, 1), "A transaction is under way"));
        }
        if sender.as_deref().is_some_and(is_international) && !parameters.international {
            return Err(mistake(553, (6, 7), "An internationalised address needs SMTPUTF8"));
        }
        let most = self.most_octets();
        if let Some(size) = parameters.size.filter(|&size| size > most as u64) {
            return Err(Refusal::TooLarge { size: usize::try_from(size).unwrap_or(usize::MAX), most });
        }
        let client = self.client();
        self.gate.admit_sender(&self.listener, &client, sender.as_deref())?;
        let id = self.forwarded.as_ref().and_then(|forwarded| forwarded.ident.clone()).unwrap_or_else(new_id);
        let envelope = HandOn {
            sender: sender.clone(),
            parameters,
            recipients: Vec::new(),
            forwarded: self.forwarded.clone().unwrap_or_else(|| Forwarded::of(&client, self.spoken(), &id)),
            trace: Bytes::new(),
        };
        let transaction = Transaction { id, client, sender, recipients: Vec::new() };
        let asking = self.next_hop()?.begin(&envelope).await?;
        self.open = Some(Open { transaction, envelope, asking: Some(asking) });
        Ok(reply(250, (1, 0), "Ok"))
    }

    pub(super) async fn rcpt(&mut self, address: String, parameters: RcptParameters) -> Result<Reply, Refusal> {
        let listener = Arc::clone(&self.listener);
        let Some(open) = &mut self.open else { return Err(mistake(503, (5, 1), "Say MAIL first")) };
        if open.transaction.recipients.len() >= MOST_RECIPIENTS {
            return Err(Refusal::TooManyRecipients);
        }
        if is_international(&address) && !open.is_international() {
            return Err(mistake(553, (6, 7), "An internationalised address needs SMTPUTF8"));
        }
        self.gate.admit_recipient(&listener, &open.transaction, &address)?;
        let recipient = Recipient { address, parameters };
        let next_hop = listener.next_hop.as_ref().ok_or_else(no_next_hop)?;
        open.ask(next_hop, &recipient).await?;
        open.transaction.recipients.push(recipient.address.clone());
        open.envelope.recipients.push(recipient);
        Ok(reply(250, (1, 5), "Ok"))
    }

    pub(super) async fn data(&mut self) -> Result<(), End> {
        let Some(mut open) = self.open.take_if(|open| !open.transaction.recipients.is_empty()) else {
            return self.refuse(&mistake(503, (5, 1), "Say MAIL and RCPT first")).await;
        };
        open.pause();
        self.write(&encode_bare(354, "End with a dot on a line by itself")).await?;
        let most = self.gate.message_size(&self.listener, &open.transaction);
        let patience = self.listener.settings.timeout;
        match message::read(&mut self.lines, &self.gate, most, patience).await {
            Ok(message) => self.message(open, message).await,
            Err(Missing::Refused(refusal, size)) => self.refuse_message(open, size, &refusal).await,
            Err(Missing::Endless(refusal, size)) => {
                let said = self.gate.refuse(&self.listener, &open.transaction, size, &refusal).await;
                self.leave(reply(421, (said.subject, said.detail), said.text)).await
            }
            Err(Missing::TimedOut(size)) => {
                let said = self.gate.refuse(&self.listener, &open.transaction, size, &Refusal::TimedOut).await;
                self.leave(said).await
            }
            Err(Missing::Gone) => Err(End::Over),
        }
    }

    /// Judges a message and hands it on. While that is not done the client may
    /// leave: then nothing is delivered, since it will offer the message again.
    async fn message(&mut self, mut open: Open, message: Message) -> Result<(), End> {
        let Message { octets, held: _held } = message;
        if is_looping(&octets, &self.listener.hostname) {
            return self.refuse_message(open, octets.len(), &Refusal::Loop).await;
        }
        open.envelope.trace = self.trace(&open);
        let (gate, listener) = (Arc::clone(&self.gate), Arc::clone(&self.listener));
        let Some(next_hop) = &listener.next_hop else {
            return self.refuse_message(open, octets.len(), &no_next_hop()).await;
        };
        let (name, id) = (&listener.settings.name, open.transaction.id.clone());
        let judged = gate.judge(&listener, &open.transaction, octets.clone());
        tokio::pin!(judged);
        let judgement = tokio::select! {
            judgement = &mut judged => judgement,
            () = self.lines.gone() => {
                // What was opened has to be told of, whoever still wants to know.
                judged.await;
                return gone(name, &id);
            }
        };
        let parts = match judgement {
            Judgement::Deliver(parts) => parts,
            Judgement::Refuse(refusal) => return self.answer_all(&open, &refusal).await,
        };
        let manner = if self.is_lmtp() { Manner::Each } else { Manner::Together };
        let prepared = tokio::select! {
            prepared = next_hop.prepare(&open.envelope, &parts, &octets, manner) => prepared,
            () = self.lines.gone() => return gone(name, &id),
        };
        let handed = match prepared {
            Ok(prepared) => prepared.commit().await,
            Err(handed) => handed,
        };
        if let Err(refusal) = handed.whole() {
            log::not_handed_on(name, &id, &refusal);
        }
        let has_left = self.lines.gone().now_or_never().is_some();
        let told = if has_left { Err(End::Over) } else { self.tell(&open, &handed).await };
        if told.is_err() && handed.delivered().next().is_some() {
            next_hop.remember(&handed).await;
            tracing::warn!(listener = name, id, "the client left before it heard that the message was handed on");
        }
        told
    }

    /// Answers to a message that was handed on: in LMTP once for each recipient
    /// that was accepted, in their order (RFC 2033, section 4.2).
    async fn tell(&mut self, open: &Open, handed: &Handed) -> Result<(), End> {
        let accepted = || reply(250, (0, 0), format!("Ok: {} was handed on", open.transaction.id));
        let said = |result: Result<(), Reply>| match result {
            Ok(()) => encode(&accepted(), open.is_international()),
            Err(refusal) => encode(&refusal, open.is_international()),
        };
        let text = if self.is_lmtp() { handed.each().map(said).collect() } else { said(handed.whole()) };
        self.end_transaction(&text).await
    }

    async fn refuse_message(&mut self, open: Open, size: usize, refusal: &Refusal) -> Result<(), End> {
        let said = self.gate.refuse(&self.listener, &open.transaction, size, refusal).await;
        self.answer_all(&open, &said).await
    }

    /// The same answer for all recipients.
    async fn answer_all(&mut self, open: &Open, refusal: &Reply) -> Result<(), End> {
        let count = if self.is_lmtp() { open.transaction.recipients.len() } else { 1 };
        let text = encode(refusal, open.is_international()).repeat(count);
        self.end_transaction(&text).await
    }

    async fn end_transaction(&mut self, text: &str) -> Result<(), End> {
        self.reset();
        self.forgive();
        self.write(text).await
    }

    fn trace(&self, open: &Open) -> Bytes {
        let Transaction { client, id, recipients, .. } = &open.transaction;
        let recipient = match recipients.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        };
        let extended = self.greeted.as_ref().is_some_and(|greeted| greeted.extended);
        let protocol = protocol(self.is_lmtp(), extended, self.tls, open.is_international());
        let hostname = &self.listener.hostname;
        Trace { client, hostname, protocol, id, recipient, time: time::now() }.field().into()
    }

    /// The protocol that XFORWARD knows the client's as.
    fn spoken(&self) -> &'static str {
        if self.greeted.as_ref().is_some_and(|greeted| greeted.extended) { "ESMTP" } else { "SMTP" }
    }

    fn next_hop(&self) -> Result<&NextHop, Refusal> {
        self.listener.next_hop.as_ref().ok_or_else(no_next_hop)
    }
}

/// The client has left, and has its message still.
fn gone(listener: &str, id: &str) -> Result<(), End> {
    log::client_gone(listener, id);
    Err(End::Over)
}

/// What cannot be: the configuration demands one of listeners of these protocols.
fn no_next_hop() -> Refusal {
    Refusal::Fault("a relay without a next hop".to_owned())
}
