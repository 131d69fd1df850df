//! What one client or tenant takes its time over keeps no other from the next hop.

use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::daemon::eventually;
use crate::operation::tenants::hang;
use crate::support::aloud;

const ALICES: &str = "From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: Reply\r\n\r\nThe other words\r\n";

/// The middle one of the times that alice's messages take.
fn median(client: &mut Client, messages: usize) -> Duration {
    let mut times: Vec<Duration> = (0..messages)
        .map(|_| {
            let started = Instant::now();
            assert!(client.mail(ALICE, &[CAROL], ALICES).starts_with("250"));
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[messages / 2]
}

/// The key store of lan hangs, and forty of its messages wait for it until their
/// time is up, ten times as many as there are connections to the next hop. Those of
/// peer take as long as before.
#[test]
fn t35_a_key_store_that_hangs_takes_no_place_at_the_next_hop() {
    let keys = "next-hop-connections = 4";
    let relay = Relay::limited(Hop::smtp(), "smtp", keys, ", messages = 4, time = \"6s\"");
    let mut peer = relay.sender();
    let before = median(&mut peer, 9);
    let hanging = hang(&relay.gateway.path().join("lan.keyring"));
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let reply = relay.sender().mail(CAROL, &[ALICE], MESSAGE);
                assert!(reply.starts_with("451 4."), "{reply}");
            });
        }
        let waiting = || relay.hop.heard().iter().filter(|line| line.starts_with("RCPT TO:<alice")).count();
        eventually("messages of lan under way", || (waiting() == 40).then_some(()));
        let during = median(&mut peer, 9);
        aloud(&format!("t35: by SMTP a message of the other tenant takes {before:?} before and {during:?} during it"));
        assert!(during < before * 5 + Duration::from_secs(2), "{before:?} before, {during:?} during");
    });
    drop(hanging);
    assert!(relay.sender().mail(CAROL, &[ALICE], MESSAGE).starts_with("250"), "and lan is well again");
}

/// Clients that named a recipient and fell silent, and one in the middle of a
/// message: the one connection there may be is free for whoever has something to say.
#[test]
fn a_client_that_pauses_takes_no_place_at_the_next_hop() {
    let relay = Relay::with(Hop::smtp(), "smtp", "next-hop-connections = 1");
    let mut silent = [relay.sender(), relay.sender()];
    for client in &mut silent {
        client.expect("MAIL FROM:<carol@lan.example>", "250");
        client.expect("RCPT TO:<alice@peer.example>", "250");
    }
    let [first, second] = &mut silent;
    first.expect("DATA", "354");
    assert!(relay.sender().mail(ALICE, &[CAROL], ALICES).starts_with("250"));
    // They go on where they were.
    first.send(format!("{MESSAGE}.\r\n"));
    assert!(first.reply().starts_with("250"));
    second.expect("RCPT TO:<bob@peer.example>", "250");
    second.expect("DATA", "354");
    second.send(format!("{MESSAGE}.\r\n"));
    assert!(second.reply().starts_with("250"));
    let served = ["alice@peer.example", "alice@peer.example", "bob@peer.example", "carol@lan.example"];
    assert_eq!(relay.hop.served(), served.map(|name| format!("<{name}>")));
}
