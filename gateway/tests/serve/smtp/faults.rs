//! The next hop fails, at every step: the client still has the message, and nobody
//! gets it twice.

use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Sends a message, to whatever comes first that is not accepted.
fn try_to_send(client: &mut Client, to: &[&str]) -> String {
    let mut commands = vec![format!("MAIL FROM:<{CAROL}>")];
    commands.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
    commands.push("DATA".to_owned());
    for command in commands {
        let reply = client.say(&command);
        if !reply.starts_with("250") && !reply.starts_with("354") {
            client.expect("RSET", "250");
            return reply;
        }
    }
    client.send(format!("{MESSAGE}.\r\n"));
    client.reply()
}

/// One gateway for all steps: what went wrong in one must not spoil the next.
#[test]
fn t35_a_next_hop_that_fails_at_any_step_leaves_the_message_with_the_client() {
    let relay = Relay::start();
    let mut client = relay.sender();
    let mut delivered = 0;
    for (step, does, expected) in [
        ("GREETING", Does::Leaves(""), "451 4.4.2"),
        ("GREETING", Does::Says("554 No service"), "451 4.4.1"),
        ("GREETING", Does::Says("SSH-2.0-OpenSSH_9"), "451 4.5.0"),
        ("EHLO", Does::Leaves("250-hop"), "451 4.4.2"),
        ("EHLO", Does::Says("250-hop\r\n550 no"), "451 4.5.0"),
        ("MAIL", Does::Leaves(""), "451 4.4.2"),
        ("MAIL", Does::Leaves("2"), "451 4.4.2"),
        ("MAIL", Does::Says("what?"), "451 4.5.0"),
        ("MAIL", Does::Says("421 4.3.2 Going down"), "451 4.3.2 Going down"),
        ("RCPT", Does::Leaves(""), "451 4.4.2"),
        ("RCPT", Does::Says("250-yes\r\n550 no"), "451 4.5.0"),
        ("RCPT", Does::Leaves("250 ok\n"), "451 4.4.2"),
        ("DATA", Does::Says("451 4.3.0 Not now"), "451 4.3.0 Not now"),
        ("DATA", Does::Says("554 5.3.0 Never"), "554 5.3.0 Never"),
        ("DATA", Does::Says("421 4.3.2 Going down"), "451 4.3.2 Going down"),
        ("DATA", Does::Leaves(""), "451 4.4.2"),
        (".", Does::Says("451 4.3.0 Disk"), "451 4.3.0 Disk"),
        (".", Does::Says("552 5.3.4 Large"), "552 5.3.4 Large"),
        (".", Does::Leaves("250"), "451 4.4.2"),
        (".", Does::Says("_250 ok"), "451 4.5.0"),
        (".", Does::Says("450-no\r\n250 yes"), "451 4.5.0"),
    ] {
        relay.hop.hang_up();
        relay.hop.once(step, does.clone());
        let reply = try_to_send(&mut client, &[ALICE]);
        assert!(reply.starts_with(expected), "{step} {does:?}: {reply}");
        assert_eq!(relay.hop.taken().len(), delivered, "{step} {does:?}");
        let reply = try_to_send(&mut client, &[ALICE]);
        assert!(reply.starts_with("250"), "{step} {does:?}, and again: {reply}");
        delivered += 1;
        assert_eq!(relay.hop.taken().len(), delivered, "{step} {does:?}");
    }
}

/// A connection that was kept may be dead by the time that it is used again.
#[test]
fn a_next_hop_that_left_in_between_is_found_again() {
    let relay = Relay::start();
    let mut client = relay.sender();
    for does in [Does::Says("421 4.4.2 Idle for too long"), Does::Leaves("")] {
        relay.hop.once("RSET", does.clone());
        let before = relay.hop.taken().len();
        let reply = try_to_send(&mut client, &[ALICE]);
        assert!(reply.starts_with("250"), "{does:?}: {reply}");
        assert_eq!(relay.hop.taken().len(), before + 1, "{does:?}");
    }
}

#[test]
fn a_next_hop_that_says_nothing_is_not_waited_for_forever() {
    let relay = Relay::with(Hop::smtp(), "smtp", "timeout = \"3s\"");
    for step in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        relay.hop.hang_up();
        relay.hop.once(step, Does::Hangs);
        let begun = Instant::now();
        let reply = try_to_send(&mut relay.sender(), &[ALICE]);
        assert!(reply.starts_with("451 4.4.2"), "{step}: {reply}");
        assert!(begun.elapsed() < Duration::from_secs(18), "{step}");
    }
    assert!(relay.hop.taken().is_empty());
}

#[test]
fn a_next_hop_that_is_away_is_told_at_once_and_found_when_it_is_back() {
    let relay = Relay::with(Hop::away(), "smtp", "");
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example>", "451 4.4.1");
    relay.hop.comes_back();
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("250"));
    assert_eq!(relay.hop.served(), ["<alice@peer.example>"]);
}

#[test]
fn long_answers_are_read_and_endless_ones_are_not() {
    let relay = Relay::start();
    let mut client = relay.sender();
    let long: &'static str = format!("250 2.0.0 {}", "x".repeat(50_000)).leak();
    relay.hop.once(".", Does::Says(long));
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("250"));
    assert_eq!(relay.hop.taken().len(), 1);
    let endless: &'static str = "x".repeat(2_000_000).leak();
    relay.hop.once("MAIL", Does::Leaves(endless));
    relay.hop.hang_up();
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("451 4.5.0"));
    let lines: &'static str = "550-no\r\n".repeat(10_000).leak();
    relay.hop.once("MAIL", Does::Leaves(lines));
    relay.hop.hang_up();
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("451 4.5.0"));
}

/// Whoever leaves before the answer will offer the message again: it must not have
/// been delivered meanwhile.
#[test]
fn t35_a_client_that_leaves_in_the_middle_gets_nothing_delivered() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.envelope(CAROL, &[ALICE]);
    client.send(&MESSAGE[..20]);
    client.leave();
    let mut client = relay.sender();
    client.envelope(CAROL, &[ALICE]);
    client.send(MESSAGE);
    client.send(".");
    client.leave();
    thread::sleep(Duration::from_secs(1));
    assert!(relay.hop.taken().is_empty());
    assert!(try_to_send(&mut relay.sender(), &[ALICE]).starts_with("250"));
    assert_eq!(relay.hop.taken().len(), 1);
}

/// The client is gone when the next hop has said yes: it never hears of it, offers
/// the message again, and hears yes then; the next hop has it once.
#[test]
fn t35_a_client_that_missed_the_answer_does_not_send_twice() {
    let relay = Relay::start();
    relay.hop.once(".", Does::SaysLate("250 2.0.0 Taken"));
    let mut client = relay.sender();
    client.envelope(CAROL, &[ALICE]);
    client.send(format!("{MESSAGE}.\r\n"));
    crate::daemon::eventually("the end of the message", || relay.hop.heard().contains(&".".to_owned()).then_some(()));
    client.leave();
    let log = || relay.gateway.log().contains("the client left before it heard").then_some(());
    crate::daemon::eventually("the end of the session", log);
    assert_eq!(relay.hop.taken().len(), 1);
    let reply = try_to_send(&mut relay.sender(), &[ALICE]);
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(relay.hop.taken().len(), 1, "the same message");
    // The same octets are another message once the client knows.
    assert!(try_to_send(&mut relay.sender(), &[ALICE]).starts_with("250"));
    assert_eq!(relay.hop.taken().len(), 2);
}

/// A next hop that takes a message and does not say so leaves everybody in doubt:
/// SMTP has no answer to that but to send it again (RFC 1047).
#[test]
fn what_was_taken_without_a_word_is_not_lost_and_may_come_twice() {
    let relay = Relay::start();
    relay.hop.once(".", Does::TakesAndLeaves);
    let mut client = relay.sender();
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("451 4.4.2"));
    assert!(try_to_send(&mut client, &[ALICE]).starts_with("250"));
    assert_eq!(relay.hop.taken().len(), 2);
}

#[test]
fn a_client_that_says_all_at_once_and_closes_its_side_is_served() {
    let relay = Relay::start();
    let mut client = Client::connect(relay.outbound);
    client.send(format!("EHLO x\r\nMAIL FROM:<{CAROL}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n{MESSAGE}.\r\nQUIT\r\n"));
    client.close_side();
    let replies: Vec<String> = (0..6).map(|_| client.reply()).collect();
    assert!(replies[4].starts_with("250 2.0.0 Ok:") && replies[5].starts_with("221"), "{replies:?}");
    assert_eq!(relay.hop.taken().len(), 1);
}

#[test]
fn connections_are_reused_and_bounded() {
    let relay = Relay::with(Hop::smtp(), "smtp", "next-hop-connections = 2\ntimeout = \"9s\"");
    let mut client = relay.sender();
    for _ in 0..5 {
        assert!(try_to_send(&mut client, &[ALICE]).starts_with("250"));
    }
    assert_eq!(relay.hop.connections(), 1);
    relay.hop.after(0, ".", 2, Does::Hangs);
    let said = |verb: &str| relay.hop.heard().iter().filter(|line| line.starts_with(verb)).count();
    thread::scope(|scope| {
        let others = [(); 2].map(|()| scope.spawn(|| try_to_send(&mut relay.sender(), &[ALICE])));
        crate::daemon::eventually("both places taken", || (said(".") == 7).then_some(()));
        // Their time is up well before that of who waits.
        thread::sleep(Duration::from_secs(2));
        let before = said("MAIL");
        let mut waiting = relay.sender();
        waiting.send("MAIL FROM:<carol@lan.example>\r\n");
        thread::sleep(Duration::from_secs(1));
        assert_eq!((said("MAIL"), relay.hop.connections()), (before, 2), "the third waits");
        for other in others {
            assert!(other.join().expect("a reply").starts_with("451 4.4.2"));
        }
        assert!(waiting.reply().starts_with("250"), "and has its turn");
    });
}
