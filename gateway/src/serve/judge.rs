//! One message: whose it is, who of its recipients is inside anyway, its turn in
//! the sandbox, and the parts that it goes on in.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use host::{Content, Delivery, Direction, Envelope, Outcome, Reply, Verdict};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

use super::course::{Course, course};
use super::held::Quota;
use super::listener::Listener;
use super::parts::Parts;
use super::replies;
use super::site::{Site, Tenant};
use super::transaction::{Judgement, Transaction};

/// Decides what becomes of a message.
pub async fn judge(
    site: Arc<Site>,
    memory: &Arc<Quota>,
    listener: &Listener,
    transaction: &Transaction,
    message: Bytes,
) -> Judgement {
    match try_judge(&site, memory, listener, transaction, message).await {
        Ok(parts) => Judgement::Deliver(parts.finish()),
        Err(reply) => Judgement::Refuse(reply),
    }
}

async fn try_judge(
    site: &Arc<Site>,
    memory: &Arc<Quota>,
    listener: &Listener,
    transaction: &Transaction,
    message: Bytes,
) -> Result<Parts, Reply> {
    let Matter { tenant, direction, submitter, places } = matter(site, listener, transaction)?;
    let most = tenant.settings.limits.message.message_size;
    if message.len() > most {
        return Err(replies::too_large(most));
    }
    let mut parts = Parts::new(&listener.settings.name, transaction, &message);
    let (outside, local): (Vec<usize>, Vec<usize>) = places.into_iter().partition(|&place| {
        direction == Direction::Inbound || !is_of(site, &tenant, transaction.recipients.get(place))
    });
    parts.add_unchanged(&local);
    if outside.is_empty() {
        return Ok(parts);
    }
    let recipients = outside.iter().filter_map(|&place| transaction.recipients.get(place).cloned()).collect();
    let envelope = Envelope { direction, submitter, sender: transaction.sender.clone(), recipients };
    let turn = turn(site, &tenant).await?;
    let worker = Arc::clone(&tenant);
    let run = tokio::task::spawn_blocking(move || {
        // Taken along, so that the place is free when the work is done, even if
        // the client has gone in the meantime.
        let _turn = turn;
        worker.runtime.run(&worker.services, &envelope, &message)
    });
    let Outcome { verdict, .. } = run.await.map_err(|_| replies::fault())?;
    match verdict {
        Verdict::Deliver(deliveries) => add(&mut parts, deliveries, &outside, memory)?,
        Verdict::Reject(reply) | Verdict::Defer(reply) => return Err(reply),
    }
    Ok(parts)
}

/// Whose message it is.
struct Matter {
    tenant: Arc<Tenant>,
    direction: Direction,
    submitter: Option<String>,
    /// All recipients.
    places: Vec<usize>,
}

/// The session has asked all this before; but the configuration may be another by
/// now.
fn matter(site: &Site, listener: &Listener, transaction: &Transaction) -> Result<Matter, Reply> {
    let Transaction { client, sender, recipients, .. } = transaction;
    let first = recipients.first().map(String::as_str);
    let course = course(site, &listener.settings.direction, client, sender.as_deref(), first);
    let places = (0..recipients.len()).collect();
    match course.map_err(|_| replies::not_served())? {
        Course::Outbound { tenant, submitter } => {
            Ok(Matter { tenant, direction: Direction::Outbound, submitter, places })
        }
        Course::Inbound => {
            let tenant = first.and_then(|first| site.tenant_of(first)).ok_or_else(replies::not_served)?;
            for recipient in recipients {
                match site.tenant_of(recipient) {
                    Some(other) if Arc::ptr_eq(other, tenant) => {}
                    Some(_) => return Err(replies::apart()),
                    None => return Err(replies::not_served()),
                }
            }
            Ok(Matter { tenant: Arc::clone(tenant), direction: Direction::Inbound, submitter: None, places })
        }
    }
}

fn is_of(site: &Site, tenant: &Arc<Tenant>, recipient: Option<&String>) -> bool {
    recipient.and_then(|recipient| site.tenant_of(recipient)).is_some_and(|of| Arc::ptr_eq(of, tenant))
}

/// Waits for a place of the tenant and then for one of the gateway: who waits for
/// the former takes none of the latter from others.
async fn turn(site: &Site, tenant: &Tenant) -> Result<[OwnedSemaphorePermit; 2], Reply> {
    let deadline = (Instant::now() + tenant.settings.limits.message.time).into();
    let mut taken = Vec::with_capacity(2);
    for places in [&tenant.places, &site.places] {
        let place = timeout_at(deadline, Arc::clone(places).acquire_owned()).await;
        taken.push(place.map_err(|_| replies::busy())?.map_err(|_| replies::fault())?);
    }
    taken.try_into().map_err(|_| replies::fault())
}

/// Adds what the filter delivers; `outside` are the recipients that it was told.
fn add(parts: &mut Parts, deliveries: Vec<Delivery>, outside: &[usize], memory: &Arc<Quota>) -> Result<(), Reply> {
    for Delivery { recipients, content } in deliveries {
        // The host has checked that each index is that of a recipient.
        let places: Vec<usize> =
            recipients.iter().filter_map(|&index| outside.get(usize::try_from(index).ok()?).copied()).collect();
        match content {
            Content::Unchanged => parts.add_unchanged(&places),
            Content::Rewritten(octets) => {
                let held = memory.take(octets.len()).ok_or_else(replies::no_memory)?;
                parts.add_rewritten(&places, octets, held);
            }
        }
    }
    Ok(())
}
