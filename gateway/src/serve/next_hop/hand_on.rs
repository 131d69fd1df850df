//! Handing a message on, in parts: all of them or none, as far as that goes.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};

use super::super::delivered::Key;
use super::super::metrics::{self, HandedOn};
use super::super::transaction::{Part, PartContent};
use super::NextHop;
use super::delivery::{Delivery, Ready};
use super::envelope::{HandOn, Needs, Recipient};
use super::fault::Fault;
use super::handed::Handed;
use super::pool::Places;

/// How the parts of a message hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The client gets one answer for the whole: if one part cannot go on, none
    /// does.
    Together,
    /// The client gets an answer for each recipient, and offers again what is
    /// missing: each part goes on by itself (RFC 2033).
    Each,
}

/// A message that the next hop has, but for the final dots. Dropped, nothing of it
/// is delivered.
pub struct Prepared<'a> {
    next_hop: &'a NextHop,
    envelope: &'a HandOn,
    original: &'a Bytes,
    manner: Manner,
    ready: Vec<(Share, Ready)>,
    later: Vec<Share>,
    handed: Handed,
    /// Whether anything of the message is remembered.
    remembered: bool,
    began: Instant,
}

/// A part, or what is left of it to be handed on.
struct Share {
    recipients: Vec<(usize, Key)>,
    content: PartContent,
    confidential: bool,
}

impl NextHop {
    /// Hands on `parts` of a message: [`Self::prepare`] and [`Prepared::commit`]
    /// in one. What the client is told, [`Handed::whole`] says.
    pub async fn hand_on(&self, envelope: &HandOn, parts: &[Part], original: &Bytes) -> Handed {
        match self.prepare(envelope, parts, original, Manner::Together).await {
            Ok(prepared) => prepared.commit().await,
            Err(handed) => handed,
        }
    }

    /// Brings `parts` to the next hop, up to their final dots. Recipients that have the message from an earlier attempt are left out.
    pub async fn prepare<'a>(
        &'a self,
        envelope: &'a HandOn,
        parts: &[Part],
        original: &'a Bytes,
        manner: Manner,
    ) -> Result<Prepared<'a>, Handed> {
        let began = Instant::now();
        let mut handed = Handed::new(&envelope.recipients);
        let later = self.shares(envelope, parts, &mut handed).await;
        let remembered = handed.delivered().next().is_some();
        let mut prepared = Prepared {
            next_hop: self,
            envelope,
            original,
            manner,
            ready: Vec::new(),
            later,
            handed,
            remembered,
            began,
        };
        match prepared.advance().await {
            Ok(()) => Ok(prepared),
            Err(fault) => {
                metrics::handed_on(&self.name, fault.counted(), began.elapsed());
                Err(prepared.fail(&fault))
            }
        }
    }

    /// Remembers that the client has not been told of a delivery: if it offers the
    /// message again, it is not delivered a second time.
    pub async fn remember(&self, handed: &Handed) {
        self.delivered.remember(handed.delivered().collect()).await;
    }

    async fn shares(&self, envelope: &HandOn, parts: &[Part], handed: &mut Handed) -> Vec<Share> {
        let mut shares = Vec::with_capacity(parts.len());
        for part in parts {
            let named = part.recipients.iter().filter_map(|&place| Some((place, envelope.recipients.get(place)?)));
            let recipients: Vec<(usize, Key)> =
                named.map(|(place, recipient)| (place, Key::new(&part.identity, &recipient.address))).collect();
            let known = self.delivered.known(recipients.iter().map(|(_, key)| *key).collect()).await;
            let (had, left): (Vec<_>, Vec<_>) = recipients.into_iter().zip(known).partition(|(_, known)| *known);
            had.into_iter().for_each(|((place, key), _)| handed.set(place, key, Ok(())));
            if !left.is_empty() {
                let recipients = left.into_iter().map(|(recipient, _)| recipient).collect();
                let (content, confidential) = (part.content.clone(), part.confidential);
                shares.push(Share { recipients, content, confidential });
            }
        }
        shares
    }
}

impl Prepared<'_> {
    /// Sends the final dots.
    ///
    /// If one part fails after others went, these are remembered: the client will
    /// offer the message again, and only the rest will go on.
    pub async fn commit(mut self) -> Handed {
        match self.manner {
            Manner::Each => self.commit_each().await,
            Manner::Together => self.commit_together().await,
        }
        let whole = self.handed.whole();
        metrics::handed_on(&self.next_hop.name, HandedOn::of(&whole), self.began.elapsed());
        let again = whole.is_err_and(|reply| reply.code < 500);
        if again && self.manner == Manner::Together {
            self.remember().await;
        } else if self.remembered {
            // The client will not offer it again; the same octets are news then.
            self.next_hop.delivered.forget(self.handed.delivered().collect()).await;
        }
        self.handed
    }

    async fn remember(&mut self) {
        let delivered: Vec<Key> = self.handed.delivered().collect();
        if !delivered.is_empty() {
            self.remembered = true;
            self.next_hop.delivered.remember(delivered).await;
        }
    }

    async fn commit_together(&mut self) {
        loop {
            let mut ready = std::mem::take(&mut self.ready).into_iter();
            while let Some((share, part)) = ready.next() {
                let results = part.end().await;
                let failure = results.iter().find_map(|result| result.clone().err());
                self.say(&share, results);
                let more = ready.len() > 0 || !self.later.is_empty();
                if let Some(fault) = failure.filter(|_| self.handed.delivered().next().is_none()) {
                    // Nothing was delivered yet: nothing will be.
                    let rest: Vec<Share> = ready.map(|(share, _)| share).collect();
                    rest.iter().for_each(|share| self.refuse(share, &fault));
                    return self.refuse_later(&fault);
                }
                if more {
                    // Whatever happens to this process now.
                    self.remember().await;
                }
            }
            if self.later.is_empty() {
                return;
            }
            if let Err(fault) = self.advance().await {
                return self.refuse_later(&fault);
            }
        }
    }

    async fn commit_each(&mut self) {
        let shares = std::mem::take(&mut self.later);
        let results = join_all(shares.iter().map(|share| self.deliver(share))).await;
        for (share, results) in shares.iter().zip(results) {
            self.say(share, results);
        }
    }

    /// Prepares as many parts as there are connections for, at once. With more
    /// parts than that, those that are left follow when these have gone.
    async fn advance(&mut self) -> Result<(), Fault> {
        if self.manner == Manner::Each {
            return Ok(());
        }
        let count = self.later.len().min(self.next_hop.pool.most());
        if count == 0 {
            return Ok(());
        }
        let places = self.next_hop.pool.places(count).await?.each();
        let now: Vec<Share> = self.later.drain(..count).collect();
        let ready = try_join_all(now.iter().zip(places).map(|(share, place)| self.bring_all(place, share))).await;
        match ready {
            Ok(ready) => {
                self.ready = now.into_iter().zip(ready).collect();
                Ok(())
            }
            Err(fault) => {
                self.later.extend(now);
                Err(fault)
            }
        }
    }

    /// Brings a share for all of its recipients.
    async fn bring_all(&self, place: Places, share: &Share) -> Result<Ready, Fault> {
        let (delivery, results) = self.bring(place, share).await?;
        results.into_iter().collect::<Result<(), Fault>>()?;
        delivery.content(&self.envelope.trace, self.content(share)).await
    }

    /// Delivers a share to those of its recipients whom the next hop takes.
    async fn deliver(&self, share: &Share) -> Vec<Result<(), Fault>> {
        let brought = async {
            let place = self.next_hop.pool.places(1).await?.each().pop().ok_or(Fault::Busy)?;
            let (delivery, results) = self.bring(place, share).await?;
            if delivery.accepted() == 0 {
                delivery.abandon();
                return Ok((None, results));
            }
            let ready = delivery.content(&self.envelope.trace, self.content(share)).await?;
            Ok((Some(ready), results))
        };
        match brought.await {
            Ok((None, results)) => results,
            Ok((Some(ready), results)) => {
                let mut ends = ready.end().await.into_iter();
                let mut end = || ends.next().unwrap_or(Err(Fault::Garbled));
                results.into_iter().map(|result| result.and_then(|()| end())).collect()
            }
            Err(fault) => vec![Err(fault); share.recipients.len()],
        }
    }

    async fn bring(&self, place: Places, share: &Share) -> Result<(Delivery, Vec<Result<(), Fault>>), Fault> {
        let needs = Needs::of(&self.envelope.trace, self.content(share)).ok_or(Fault::Unwritable)?;
        let envelope = match share.confidential {
            true => Cow::Owned(self.envelope.discreet()),
            false => Cow::Borrowed(self.envelope),
        };
        let mut delivery = Delivery::begin(&self.next_hop.pool, place, &envelope, needs).await?;
        if share.confidential {
            let (protocol, extensions) = delivery.offered();
            self.next_hop.tell_if_indiscreet(protocol, extensions);
        }
        let places = share.recipients.iter();
        let recipients: Vec<&Recipient> = places.filter_map(|&(place, _)| envelope.recipients.get(place)).collect();
        let results = delivery.recipients(&recipients).await?;
        Ok((delivery, results))
    }

    fn content<'s>(&'s self, share: &'s Share) -> &'s [u8] {
        match &share.content {
            PartContent::Unchanged => self.original,
            PartContent::Rewritten(octets) => octets,
        }
    }

    fn say(&mut self, share: &Share, results: Vec<Result<(), Fault>>) {
        if let Some(Err(fault)) = results.iter().find(|result| result.is_err()) {
            fault.log(&self.next_hop.name);
        }
        for (&(place, key), result) in share.recipients.iter().zip(results) {
            self.handed.set(place, key, result);
        }
    }

    fn refuse(&mut self, share: &Share, fault: &Fault) {
        self.say(share, vec![Err(fault.clone()); share.recipients.len()]);
    }

    fn refuse_later(&mut self, fault: &Fault) {
        for share in std::mem::take(&mut self.later) {
            self.refuse(&share, fault);
        }
    }

    /// Nothing more is handed on.
    fn fail(mut self, fault: &Fault) -> Handed {
        self.refuse_later(fault);
        self.handed
    }
}
