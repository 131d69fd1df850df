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
    let Transaction { client, sender, recipients, .. } = transaction;
    let of = |first| {
        let found = course(site, &listener.settings.direction, client, sender.as_deref(), Some(first));
        found.and_then(|course| whose(site, &course, first).ok_or(super::course::NotServed))
    };
    let this = of(recipient).map_err(|_| replies::not_served())?;
    match recipients.first().map(|first| of(first)) {
        Some(Ok(before)) if !same(&before, &this) => Err(replies::apart()),
        _ => Ok(()),
    }
}

/// Whose a message is, and whether it leaves: by this recipient alone.
fn whose(site: &Site, course: &Course, recipient: &str) -> Option<(bool, Arc<Tenant>)> {
    match course {
        Course::Outbound { tenant, .. } => Some((true, Arc::clone(tenant))),
        Course::Inbound => site.tenant_of(recipient).map(|tenant| (false, Arc::clone(tenant))),
    }
}

fn same(one: &(bool, Arc<Tenant>), other: &(bool, Arc<Tenant>)) -> bool {
    one.0 == other.0 && Arc::ptr_eq(&one.1, &other.1)
}
