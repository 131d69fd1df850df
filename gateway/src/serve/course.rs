//! Which way a message crosses the gateway, and whose it is: decided by the
//! listener, the client and the envelope, never by the message.

use super::refusal::Refusal;
use super::smtp::path::is_postmaster;
use super::transaction::Client;
use crate::config::{Configuration, ListenerDirection, Tenant};
use crate::tenant;

/// Which way a message crosses the gateway, and whose it is.
#[derive(Debug)]
pub enum Course<'c> {
    /// It leaves.
    Outbound {
        /// Whose message it is.
        tenant: &'c Tenant,
        /// Who submitted it; none for a bounce that nobody logged in for.
        submitter: Option<String>,
    },
    /// It arrives: whose it is, each recipient tells.
    Inbound,
}

/// The course of a message from `client`, with this reverse-path (none is the
/// null one), whose first recipient is `first`, as far as it is known yet.
/// [`Refusal::NotServed`] if it would be no tenant's.
pub fn course<'c>(
    configuration: &'c Configuration,
    direction: &ListenerDirection,
    client: &Client,
    sender: Option<&str>,
    first: Option<&str>,
) -> Result<Course<'c>, Refusal> {
    match direction {
        ListenerDirection::Inbound => Ok(Course::Inbound),
        ListenerDirection::Outbound => outbound(configuration, client, sender),
        ListenerDirection::ByClient { .. } => {
            let inside = client.login.is_some() || client.address.is_some_and(|address| direction.is_inside(address));
            let served = |address: &str| tenant::by_domain(configuration, address).is_ok();
            let of_a_tenant = match (sender, qualified(client)) {
                // A bounce goes where its recipient is.
                (None, None) => first.is_some_and(|first| !served(first) && !is_postmaster(first)),
                (sender, login) => sender.is_some_and(served) || login.is_some_and(served),
            };
            if inside && of_a_tenant { outbound(configuration, client, sender) } else { Ok(Course::Inbound) }
        }
    }
}

/// The submitter is who logged in; where nobody did, the mail server vouches for
/// the reverse-path. That says whose a bare login is only as long as there is one
/// tenant: taro of one would sign as taro of another with it.
fn outbound<'c>(
    configuration: &'c Configuration,
    client: &Client,
    sender: Option<&str>,
) -> Result<Course<'c>, Refusal> {
    if let Some(login) = client.login.as_deref().filter(|login| !login.contains('@'))
        && configuration.tenants.len() > 1
    {
        return Err(Refusal::BareLogin(login.to_owned()));
    }
    let address = qualified(client).or(sender);
    let tenant = match (address, configuration.tenants.as_slice()) {
        (Some(address), _) => tenant::by_domain(configuration, address).ok(),
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
    Ok(Course::Outbound { tenant, submitter })
}

/// A login that is a mail address.
fn qualified(client: &Client) -> Option<&str> {
    client.login.as_deref().filter(|login| login.contains('@'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TENANTS: &str = "[tenant.nec]\ndomains = [\"nec.co.jp\"]\n[tenant.abc]\ndomains = [\"abc.com\"]\n";

    fn configuration(tenants: &str) -> Configuration {
        let listener = "[[listener]]\nprotocol = \"milter\"\naddress = \"127.0.0.1:1\"\n\
                        direction = \"by-client\"\ninside = [\"10.0.0.0/8\"]\n";
        Configuration::parse(Path::new("w.toml"), &format!("{listener}{tenants}")).unwrap()
    }

    fn client(address: &str, login: Option<&str>) -> Client {
        Client { address: address.parse().ok(), login: login.map(Into::into), ..Client::default() }
    }

    /// Tenant and submitter of what leaves, `inbound`, or `refused`.
    fn of(configuration: &Configuration, client: &Client, sender: Option<&str>, first: Option<&str>) -> String {
        match course(configuration, &configuration.listeners[0].direction, client, sender, first) {
            Ok(Course::Outbound { tenant, submitter }) => {
                format!("{} {}", tenant.name, submitter.unwrap_or("nobody".into()))
            }
            Ok(Course::Inbound) => "inbound".to_owned(),
            Err(refusal) => {
                assert!(matches!(refusal, Refusal::NotServed(_) | Refusal::BareLogin(_)));
                "refused".to_owned()
            }
        }
    }

    #[test]
    fn t36_by_client_only_a_tenants_sender_from_inside_sends_for_it() {
        let configuration = configuration(TENANTS);
        let (inside, outside) = ("10.1.2.3", "192.0.2.1");
        for (address, login, sender, told) in [
            (inside, None, "taro@nec.co.jp", "nec taro@nec.co.jp"),
            ("::ffff:10.1.2.3", None, "taro@nec.co.jp", "nec taro@nec.co.jp"),
            (inside, None, "x@elsewhere.example", "inbound"),
            (inside, None, "x@nec.co.jp.evil", "inbound"),
            (outside, None, "taro@nec.co.jp", "inbound"),
            ("unknown", None, "taro@nec.co.jp", "inbound"),
            (outside, Some("taro@nec.co.jp"), "x@abc.com", "nec taro@nec.co.jp"),
            (outside, Some("taro@nec.co.jp"), "x@elsewhere.example", "nec taro@nec.co.jp"),
            (outside, Some("taro"), "x@elsewhere.example", "inbound"),
            // Who logged in as somebody of elsewhere sends in nobody's name here.
            (outside, Some("x@elsewhere.example"), "taro@nec.co.jp", "refused"),
        ] {
            let told_now = of(&configuration, &client(address, login), Some(sender), Some("alice@abc.com"));
            assert_eq!(told_now, told, "{address} {login:?} {sender}");
        }
    }

    #[test]
    fn t39_a_bare_login_is_of_the_only_tenant_or_of_nobody() {
        let (both, one) = (configuration(TENANTS), configuration("[tenant.nec]\ndomains = [\"nec.co.jp\"]\n"));
        let login = client("192.0.2.1", Some("jiro"));
        let of = |configuration, sender| of(configuration, &login, sender, Some("alice@abc.com"));
        assert_eq!(of(&one, Some("taro@nec.co.jp")), "nec jiro@nec.co.jp");
        assert_eq!(of(&one, None), "nec jiro");
        for sender in [Some("jiro@nec.co.jp"), Some("jiro@abc.com")] {
            assert_eq!(of(&both, sender), "refused", "whose jiro?");
        }
        assert_eq!(of(&both, Some("x@elsewhere.example")), "inbound");
    }

    #[test]
    fn a_bounce_goes_where_its_recipient_is() {
        let both = configuration(TENANTS);
        let one = configuration("[tenant.nec]\ndomains = [\"nec.co.jp\"]\n");
        let inside = client("10.1.2.3", None);
        assert_eq!(of(&both, &inside, None, None), "inbound");
        assert_eq!(of(&both, &inside, None, Some("taro@nec.co.jp")), "inbound");
        assert_eq!(of(&both, &inside, None, Some("x@elsewhere.example")), "refused", "whose bounce?");
        assert_eq!(of(&one, &inside, None, Some("x@elsewhere.example")), "nec nobody");
        assert_eq!(of(&one, &client("192.0.2.1", None), None, Some("x@elsewhere.example")), "inbound");
        assert_eq!(of(&one, &client("192.0.2.1", Some("taro@nec.co.jp")), None, None), "nec taro@nec.co.jp");
    }
}
