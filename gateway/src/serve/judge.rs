//! One message: whose it is, who of its recipients is inside anyway, its turn in
//! the sandbox, and the parts that it goes on in.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use host::{Content, Delivery, Direction, Envelope, Outcome, Reply, Verdict};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::course::{Course, course};
use super::failures::Failures;
use super::held::{Held, Quota};
use super::ledger::Ledger;
use super::listener::Listener;
use super::log;
use super::parts::Parts;
use super::record::Record;
use super::refusal::Refusal;
use super::repeats::Repeats;
use super::restraint::Restraint;
use super::site::Site;
use super::smtp::path::is_postmaster;
use super::tenant::Tenant;
use super::transaction::{Judgement, Transaction};
use crate::time;

/// What all judgements of a process share.
pub struct Shared {
    /// The room for mail.
    pub memory: Arc<Quota>,
    /// What came of messages.
    pub ledger: Ledger,
    /// How often mail could not be opened.
    pub failures: Arc<Failures>,
    /// Protected mail that was delivered.
    pub repeats: Repeats,
}

/// Decides what becomes of a message, and tells of it.
pub async fn judge(
    site: Arc<Site>,
    shared: &Shared,
    listener: &Listener,
    transaction: &Transaction,
    message: Bytes,
) -> Judgement {
    let started = Instant::now();
    let mut record = Record::new(&listener.settings.name, transaction, message.len());
    let judged = try_judge(&site, shared, listener, &mut record, message.clone()).await;
    let judgement = match judged {
        Ok(parts) => {
            let protected = record.direction == Some(Direction::Inbound) && record.layers().is_some();
            if let Some(tenant) = record.tenant.as_deref().filter(|_| protected) {
                record.events.extend(shared.repeats.note(tenant, &message, time::now()));
            }
            Judgement::Deliver(parts.finish())
        }
        Err(Refused::ByFilter(reply)) => Judgement::Refuse(reply),
        Err(Refused::ByGateway(refusal)) => {
            record.events.push(refusal.event());
            Judgement::Refuse(refusal.reply())
        }
    };
    match &judgement {
        Judgement::Deliver(parts) => record.parts = parts.len(),
        Judgement::Refuse(reply) => record.reply = Some(reply.clone()),
    }
    record.elapsed = started.elapsed();
    tell(&site, &shared.ledger, &record).await;
    judgement
}

/// Tells of a message that is refused before it can be judged.
pub async fn refuse(
    site: Arc<Site>,
    shared: &Shared,
    listener: &Listener,
    transaction: &Transaction,
    size: usize,
    refusal: &Refusal,
) -> Reply {
    let mut record = Record::new(&listener.settings.name, transaction, size);
    if let Ok(Matter { tenant, direction, .. }) = matter(&site, listener, transaction) {
        record.tenant = Some(tenant.settings.name.clone());
        record.direction = Some(direction);
    }
    let reply = refusal.reply();
    record.events.push(refusal.event());
    record.reply = Some(reply.clone());
    tell(&site, &shared.ledger, &record).await;
    reply
}

/// The one line of a message in the log, its numbers, and its events.
async fn tell(site: &Site, ledger: &Ledger, record: &Record<'_>) {
    log::message(record);
    ledger.enter(record);
    if let Some(audit) = &site.audit {
        Arc::clone(audit).write(record).await;
    }
}

/// Who refuses a message.
enum Refused {
    /// The filter, which has told why.
    ByFilter(Reply),
    /// The gateway itself.
    ByGateway(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::ByGateway(refusal)
    }
}

async fn try_judge(
    site: &Arc<Site>,
    shared: &Shared,
    listener: &Listener,
    record: &mut Record<'_>,
    message: Bytes,
) -> Result<Parts, Refused> {
    let transaction = record.transaction;
    let Matter { tenant, direction, submitter } = matter(site, listener, transaction)?;
    record.tenant = Some(tenant.settings.name.clone());
    record.direction = Some(direction);
    let most = tenant.settings.limits.message.message_size;
    if message.len() > most {
        return Err(Refusal::TooLarge { size: message.len(), most }.into());
    }
    let mut parts = Parts::new(&listener.settings.name, direction, transaction, &message);
    let local =
        |(_, recipient): &(usize, &String)| direction == Direction::Outbound && is_inside(site, &tenant, recipient);
    let (local, outside): (Vec<_>, Vec<_>) = transaction.recipients.iter().enumerate().partition(local);
    let [local, outside] = [local, outside].map(|named| named.iter().map(|(place, _)| *place).collect::<Vec<usize>>());
    parts.add_unchanged(&local);
    if outside.is_empty() {
        return Ok(parts);
    }
    let recipients = outside.iter().filter_map(|&place| transaction.recipients.get(place));
    let recipients = recipients.map(|recipient| site.mailbox(recipient)).collect();
    let envelope = Envelope { direction, submitter, sender: transaction.sender.clone(), recipients };
    let waiting = Instant::now();
    let turn = turn(site, &tenant).await?;
    record.waited = waiting.elapsed();
    // Before the work, not after it: no private key is used in vain.
    let room = shared.memory.take(message.len().saturating_mul(ROOM)).ok_or(Refusal::Memory)?;
    let restrained = || Restraint::new(&shared.failures, transaction.client.address, &tenant.settings.name);
    let restraint = (direction == Direction::Inbound).then(restrained);
    let watched = restraint.clone();
    let run = spawn_blocking(move || {
        // Taken along, so that the place is free when the work is done, even if
        // the client has gone in the meantime.
        let _turn = turn;
        let mut services = tenant.services()?;
        if let Some(restraint) = watched {
            services.private_keys = restraint.over(services.private_keys);
        }
        Ok(tenant.runtime.run(&services, &envelope, &message))
    });
    let ran = run.await.map_err(|error| Refusal::Fault(error.to_string()))?;
    let Outcome { verdict, events, private_key_operations, statistics } = ran.map_err(Refusal::NotReady)?;
    record.events = events;
    record.private_key_operations = private_key_operations;
    record.memory_peak = statistics.memory_peak;
    record.filtered = statistics.elapsed;
    match verdict {
        Verdict::Deliver(deliveries) => {
            note(restraint.as_deref(), private_key_operations, true);
            add(&mut parts, deliveries, &outside, room)?;
        }
        Verdict::Reject(reply) => {
            note(restraint.as_deref(), private_key_operations, false);
            return Err(Refused::ByFilter(reply));
        }
        Verdict::Defer(_) if restraint.is_some_and(|restraint| restraint.has_refused()) => {
            return Err(Refusal::Throttled.into());
        }
        Verdict::Defer(reply) => return Err(Refused::ByFilter(reply)),
    }
    Ok(parts)
}

/// Counts a message that was opened or not. Where no key was used there was nothing to
/// probe.
fn note(restraint: Option<&Restraint>, private_key_operations: u64, opened: bool) {
    if let Some(restraint) = restraint.filter(|_| private_key_operations > 0) {
        restraint.note(opened);
    }
}

/// The room that is set aside for what becomes of a message, as multiples of it:
/// three layers of base64 are two and a third of it.
const ROOM: usize = 2;

/// Whose message it is, and which way it goes.
struct Matter {
    tenant: Arc<Tenant>,
    direction: Direction,
    submitter: Option<String>,
}

/// The session has asked all this before; but the configuration may be another by
/// now.
fn matter(site: &Site, listener: &Listener, transaction: &Transaction) -> Result<Matter, Refusal> {
    let Transaction { client, sender, recipients, .. } = transaction;
    let first = recipients.first().map(String::as_str);
    match course(&site.configuration, &listener.settings.direction, client, sender.as_deref(), first)? {
        Course::Outbound { tenant, submitter } => {
            Ok(Matter { tenant: site.tenant(tenant)?, direction: Direction::Outbound, submitter })
        }
        Course::Inbound => {
            let mut whose: Option<&Arc<Tenant>> = None;
            for recipient in recipients {
                let of = site.tenant_of(recipient).ok_or_else(|| Refusal::NotServed(Some(recipient.clone())))?;
                if whose.is_some_and(|tenant| !Arc::ptr_eq(tenant, of)) {
                    return Err(Refusal::Apart(recipient.clone()));
                }
                whose = Some(of);
            }
            let tenant = whose.ok_or_else(|| Refusal::Fault("a message without recipients".to_owned()))?;
            Ok(Matter { tenant: Arc::clone(tenant), direction: Direction::Inbound, submitter: None })
        }
    }
}

/// Whether a recipient is inside for who writes in the name of `tenant`: of the same,
/// or the postmaster of the host.
fn is_inside(site: &Site, tenant: &Arc<Tenant>, recipient: &str) -> bool {
    is_postmaster(recipient) || site.tenant_of(recipient).is_some_and(|of| Arc::ptr_eq(of, tenant))
}

/// Waits for a place of the tenant and then for one of the gateway: who waits for
/// the former takes none of the latter from others.
async fn turn(site: &Site, tenant: &Tenant) -> Result<[OwnedSemaphorePermit; 2], Refusal> {
    let deadline = (Instant::now() + tenant.settings.limits.message.time).into();
    let place = async |places: &Arc<Semaphore>| {
        let place = timeout_at(deadline, Arc::clone(places).acquire_owned()).await;
        place.map_err(|_| Refusal::Busy)?.map_err(|closed| Refusal::Fault(closed.to_string()))
    };
    Ok([place(&tenant.places).await?, place(&site.places).await?])
}

/// Adds what the filter delivers, which takes its room from `room`; `outside` are
/// the recipients that the filter was told.
fn add(parts: &mut Parts, deliveries: Vec<Delivery>, outside: &[usize], mut room: Held) -> Result<(), Refusal> {
    for Delivery { recipients, content } in deliveries {
        // The host has checked that each index is that of a recipient.
        let places: Vec<usize> =
            recipients.iter().filter_map(|&index| outside.get(usize::try_from(index).ok()?).copied()).collect();
        match content {
            Content::Unchanged => parts.add_unchanged(&places),
            Content::Rewritten(octets) => {
                room.reserve(octets.len())?;
                let held = room.split(octets.len()).ok_or(Refusal::Memory)?;
                parts.add_rewritten(&places, octets, held);
            }
        }
    }
    Ok(())
}
