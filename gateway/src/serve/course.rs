//! Which way a message crosses the gateway, and whose it is: decided by the
//! listener, the client and the envelope, never by the message.

use std::sync::Arc;

use super::refusal::Refusal;
use super::site::Site;
use super::tenant::Tenant;
use super::transaction::Client;
use crate::config::ListenerDirection;

/// Which way a message crosses the gateway, and whose it is.
#[derive(Clone)]
pub enum Course {
    /// It leaves.
    Outbound {
        /// Whose message it is.
        tenant: Arc<Tenant>,
        /// Who submitted it; none for a bounce that nobody logged in for.
        submitter: Option<String>,
    },
    /// It arrives: whose it is, each recipient tells.
    Inbound,
}

/// The course of a message from `client`, with this reverse-path (none is the
/// null one), whose first recipient is `first`, as far as it is known yet.
/// [`Refusal::NotServed`] if it would be no tenant's.
pub fn course(
    site: &Site,
    direction: &ListenerDirection,
    client: &Client,
    sender: Option<&str>,
    first: Option<&str>,
) -> Result<Course, Refusal> {
    match direction {
        ListenerDirection::Inbound => Ok(Course::Inbound),
        ListenerDirection::Outbound => outbound(site, client, sender),
        ListenerDirection::ByClient { .. } => {
            let inside = client.login.is_some() || client.address.is_some_and(|address| direction.is_inside(address));
            let served = |address: &str| site.tenant_of(address).is_some();
            let of_a_tenant = match (sender, qualified(client)) {
                (None, None) => first.is_some_and(|first| !served(first)), // a bounce goes where its recipient is
                (sender, login) => sender.is_some_and(served) || login.is_some_and(served),
            };
            if inside && of_a_tenant { outbound(site, client, sender) } else { Ok(Course::Inbound) }
        }
    }
}

/// The submitter is who logged in; where nobody did, the mail server vouches for
/// the reverse-path.
fn outbound(site: &Site, client: &Client, sender: Option<&str>) -> Result<Course, Refusal> {
    let address = qualified(client).or(sender);
    let tenant = match (address, site.tenants.as_slice()) {
        (Some(address), _) => site.tenant_of(address),
        // A bounce is of whoever runs the mail server, if there is only one.
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let tenant = tenant.ok_or_else(|| Refusal::NotServed(address.map(str::to_owned)))?;
    let submitter = match (&client.login, sender) {
        (Some(login), _) if login.contains('@') => Some(login.clone()),
        // That the reverse-path is the tenant's was just seen.
        (Some(login), Some(sender)) => sender.rsplit_once('@').map(|(_, domain)| format!("{login}@{domain}")),
        (Some(login), None) => Some(login.clone()),
        (None, sender) => sender.map(str::to_owned),
    };
    Ok(Course::Outbound { tenant: Arc::clone(tenant), submitter })
}

/// A login that is a mail address.
fn qualified(client: &Client) -> Option<&str> {
    client.login.as_deref().filter(|login| login.contains('@'))
}
