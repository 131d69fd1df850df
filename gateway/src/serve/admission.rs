//! What is refused before there is a message: senders and recipients that are no
//! tenant's, and recipients who would have to be judged apart.

use std::sync::Arc;

use super::course::{Course, course};
use super::listener::Listener;
use super::refusal::Refusal;
use super::site::Site;
use super::tenant::Tenant;
use super::transaction::{Client, Transaction};

/// Whether mail with this reverse-path is taken from `client`.
pub fn sender(site: &Site, listener: &Listener, client: &Client, sender: Option<&str>) -> Result<(), Refusal> {
    course(&site.configuration, &listener.settings.direction, client, sender, None).map(drop)
}

/// Whether mail for `recipient` is taken, together with that for those accepted
/// before.
pub fn recipient(site: &Site, listener: &Listener, transaction: &Transaction, recipient: &str) -> Result<(), Refusal> {
    let this = of(site, listener, transaction, recipient)?;
    match transaction.recipients.first().map(|first| of(site, listener, transaction, first)) {
        Some(Ok(before)) if !before.is(&this) => Err(Refusal::Apart(recipient.to_owned())),
        _ => Ok(()),
    }
}

/// The most octets that a message of `transaction` may have. Where a reload has
/// taken its tenant away there is nothing to receive.
pub fn message_size(site: &Site, listener: &Listener, transaction: &Transaction) -> usize {
    let rules = transaction.recipients.first().and_then(|first| of(site, listener, transaction, first).ok());
    rules.map_or(0, |rules| rules.tenant.settings.limits.message.message_size)
}

/// By which rules a recipient's copy is judged.
struct Rules {
    tenant: Arc<Tenant>,
    outbound: bool,
}

impl Rules {
    fn is(&self, other: &Self) -> bool {
        self.outbound == other.outbound && Arc::ptr_eq(&self.tenant, &other.tenant)
    }
}

fn of(site: &Site, listener: &Listener, transaction: &Transaction, recipient: &str) -> Result<Rules, Refusal> {
    let Transaction { client, sender, .. } = transaction;
    match course(&site.configuration, &listener.settings.direction, client, sender.as_deref(), Some(recipient))? {
        Course::Outbound { tenant, .. } => Ok(Rules { tenant: site.tenant(tenant)?, outbound: true }),
        Course::Inbound => match site.tenant_of(recipient) {
            Some(tenant) => Ok(Rules { tenant: Arc::clone(tenant), outbound: false }),
            None => Err(Refusal::NotServed(Some(recipient.to_owned()))),
        },
    }
}
