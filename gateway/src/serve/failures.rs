//! How often mail could not be opened: who sends such mail by the hundred is kept from
//! private keys for a while (RFC 3218, section 2.2), and nobody else is
//! (`docs/decisions/0085`).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures by client and by key, and who of the clients sent what could be opened.
#[derive(Default)]
pub struct Failures {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    clients: Book<IpAddr>,
    keys: Book<KeyName>,
    /// Clients whose last message that needed a key could be opened, and when.
    proven: HashMap<IpAddr, Instant>,
}

/// A tenant and the mailbox whose key it is.
type KeyName = (String, String);

impl Failures {
    /// Whether a message from `client` is kept from all keys.
    pub fn restrains_client(&self, client: Option<IpAddr>, now: Instant) -> bool {
        client.and_then(network).is_some_and(|client| self.lock().clients.of(&client, now) >= MOST_OF_CLIENT)
    }

    /// Whether a message from `client` is kept from the key of this mailbox: not if
    /// the last one from there could be opened.
    pub fn restrains_key(&self, client: Option<IpAddr>, tenant: &str, owner: &str, now: Instant) -> bool {
        let counts = self.lock();
        let proven = client.and_then(network).is_some_and(|client| counts.proven.contains_key(&client));
        !proven && counts.keys.of(&(tenant.to_owned(), owner.to_owned()), now) >= MOST_OF_KEY
    }

    /// A message from `client`, for which keys of these mailboxes were used, could be
    /// `opened` or not.
    pub fn note(&self, client: Option<IpAddr>, tenant: &str, owners: &[String], opened: bool, now: Instant) {
        let mut counts = self.lock();
        let client = client.and_then(network);
        if let Some(client) = client {
            match opened {
                true => prove(&mut counts.proven, client, now),
                false => drop(counts.proven.remove(&client)),
            }
        }
        if !opened {
            client.into_iter().for_each(|client| counts.clients.count(client, now));
            owners.iter().for_each(|owner| counts.keys.count((tenant.to_owned(), owner.clone()), now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Nothing is changed by halves under it.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Failures of each of many, within [`WINDOW`] of the first.
struct Book<K>(HashMap<K, (Instant, u32)>);

impl<K> Default for Book<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Book<K> {
    fn of(&self, key: &K, now: Instant) -> u32 {
        self.0.get(key).filter(|(since, _)| is_recent(*since, now)).map_or(0, |(_, failures)| *failures)
    }

    fn count(&mut self, key: K, now: Instant) {
        if let Some((_, failures)) = self.0.get_mut(&key).filter(|(since, _)| is_recent(*since, now)) {
            *failures = failures.saturating_add(1);
            return;
        }
        if self.0.len() >= MOST_KNOWN {
            self.0.retain(|_, (since, _)| is_recent(*since, now));
        }
        if self.0.len() >= MOST_KNOWN {
            // Whoever has failed least has least to lose by being forgotten.
            let least = self.0.iter().min_by_key(|(_, (_, failures))| *failures).map(|(key, _)| key.clone());
            if let Some(least) = least {
                self.0.remove(&least);
            }
        }
        self.0.insert(key, (now, 1));
    }
}

fn prove(proven: &mut HashMap<IpAddr, Instant>, client: IpAddr, now: Instant) {
    if proven.len() >= MOST_KNOWN && !proven.contains_key(&client) {
        let oldest = proven.iter().min_by_key(|(_, when)| **when).map(|(client, _)| *client);
        if let Some(oldest) = oldest {
            proven.remove(&oldest);
        }
    }
    proven.insert(client, now);
}

fn is_recent(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < WINDOW
}

/// What counts as one client: an address, or the 64 bits of one of version 6 that its
/// network has. The machine itself is none: it hands on others' mail.
fn network(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(IpAddr::V4(address)),
        IpAddr::V6(address) => Some(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))),
    }
}

/// How long failures count, from the first on.
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// Failures after which a client is kept from keys: no mail server that works sends as
/// many, and an attack on a padding needs thousands.
const MOST_OF_CLIENT: u32 = 100;

/// Failures after which a key is kept from clients who have not shown that they can
/// send what it opens.
const MOST_OF_KEY: u32 = 500;

/// Clients, and keys, that are known at a time: some megabyte.
const MOST_KNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const CAROL: &str = "carol@lan.example";

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn fail(failures: &Failures, client: Option<IpAddr>, times: u32, now: Instant) {
        (0..times).for_each(|_| failures.note(client, "lan", &[CAROL.to_owned()], false, now));
    }

    #[test]
    fn t16_a_client_that_fails_too_often_is_restrained_for_a_while() {
        let (failures, now) = (Failures::default(), Instant::now());
        let [probing, other] = [address("192.0.2.1"), address("192.0.2.2")];
        fail(&failures, probing, MOST_OF_CLIENT - 1, now);
        assert!(!failures.restrains_client(probing, now));
        fail(&failures, probing, 1, now);
        assert!(failures.restrains_client(probing, now));
        assert!(failures.restrains_client(address("::ffff:192.0.2.1"), now), "the same address");
        assert!(!failures.restrains_client(other, now));
        assert!(!failures.restrains_client(probing, now + WINDOW));
    }

    #[test]
    fn t16_one_network_of_version_6_is_one_client_and_this_machine_is_none() {
        let (failures, now) = (Failures::default(), Instant::now());
        (0..MOST_OF_CLIENT).for_each(|n| fail(&failures, address(&format!("2001:db8::{n:x}")), 1, now));
        assert!(failures.restrains_client(address("2001:db8::ffff:ffff"), now));
        assert!(!failures.restrains_client(address("2001:db8:0:1::1"), now));
        for machine in [address("127.0.0.1"), address("::1"), None] {
            fail(&failures, machine, MOST_OF_CLIENT, now);
            assert!(!failures.restrains_client(machine, now));
        }
    }

    #[test]
    fn t16_a_key_that_many_clients_probe_is_kept_from_those_who_are_not_known() {
        let (failures, now) = (Failures::default(), Instant::now());
        let [known, stranger] = [address("198.51.100.1"), address("198.51.100.2")];
        failures.note(known, "lan", &[CAROL.to_owned()], true, now);
        (0..MOST_OF_KEY).for_each(|n| fail(&failures, address(&format!("10.0.{}.{}", n / 250, n % 250)), 1, now));
        let restrains = |client, tenant, owner| failures.restrains_key(client, tenant, owner, now);
        assert!(restrains(stranger, "lan", CAROL) && restrains(None, "lan", CAROL));
        assert!(!restrains(known, "lan", CAROL));
        assert!(!restrains(stranger, "lan", "dave@lan.example") && !restrains(stranger, "peer", CAROL));
        fail(&failures, known, 1, now);
        assert!(restrains(known, "lan", CAROL), "until it fails as well");
        assert!(!failures.restrains_key(stranger, "lan", CAROL, now + WINDOW));
    }

    #[test]
    fn t16_no_number_of_clients_fills_the_memory() {
        let (failures, now) = (Failures::default(), Instant::now());
        let probing = address("192.0.2.1");
        fail(&failures, probing, MOST_OF_CLIENT, now);
        for number in 0..MOST_KNOWN as u32 + 100 {
            let client = Some(IpAddr::V4((0x0a00_0000 + number).into()));
            failures.note(client, "lan", &[], false, now);
            failures.note(client, "lan", &[], true, now);
        }
        let counts = failures.lock();
        assert!(counts.clients.0.len() <= MOST_KNOWN && counts.proven.len() <= MOST_KNOWN);
        drop(counts);
        assert!(failures.restrains_client(probing, now), "the worst is not forgotten");
    }
}
