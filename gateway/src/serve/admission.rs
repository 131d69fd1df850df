//! What is refused before there is a message: senders and recipients that are no
//! tenant's, and recipients who would have to be judged apart.

use std::sync::Arc;

use host::Reply;

use super::course::{Course, course};
use super::listener::Listener;
use super::replies;
use super::site::{Site, Tenant};
use super::transaction::{Client, Transaction};

/// Whether mail with this reverse-path is taken from `client`.
pub fn sender(site: &Site, listener: &Listener, client: &Client, sender: Option<&str>) -> Result<(), Reply> {
    course(site, &listener.settings.direction, client, sender, None).map(drop).map_err(|_| replies::not_served())
}

/// Whether mail for `recipient` is taken, together with that for those accepted
/// before.
pub fn recipient(site: &Site, listener: &Listener, transaction: &Transaction, recipient: &str) -> Result<(), Reply> {
    let this = whose(site, listener, transaction, recipient).ok_or_else(replies::not_served)?;
    let before = transaction.recipients.first().and_then(|first| whose(site, listener, transaction, first));
    match before {
        Some(before) if !same(&before, &this) => Err(replies::apart()),
        _ => Ok(()),
    }
}

/// The most octets that a message of `transaction` may have. Where a reload has
/// taken its tenant away there is nothing to receive.
pub fn message_size(site: &Site, listener: &Listener, transaction: &Transaction) -> usize {
    let tenant = transaction.recipients.first().and_then(|first| whose(site, listener, transaction, first));
    tenant.map_or(0, |(_, tenant)| tenant.settings.limits.message.message_size)
}

/// Whose a message is, and whether it leaves: by this recipient alone.
fn whose(site: &Site, listener: &Listener, transaction: &Transaction, recipient: &str) -> Option<(bool, Arc<Tenant>)> {
    let Transaction { client, sender, .. } = transaction;
    match course(site, &listener.settings.direction, client, sender.as_deref(), Some(recipient)).ok()? {
        Course::Outbound { tenant, .. } => Some((true, tenant)),
        Course::Inbound => site.tenant_of(recipient).map(|tenant| (false, Arc::clone(tenant))),
    }
}

fn same(one: &(bool, Arc<Tenant>), other: &(bool, Arc<Tenant>)) -> bool {
    one.0 == other.0 && Arc::ptr_eq(&one.1, &other.1)
}
