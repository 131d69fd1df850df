//! A message that goes in parts: all or none, and nobody gets it twice.

use super::*;

/// To alice encrypted, to bob (who is in Bcc) apart from her, to dave as it is.
const ALL: [&str; 3] = [ALICE, DAVE, BOB];

/// Everybody has the message once, and by a transaction of their own.
#[track_caller]
fn each_has_it_once(relay: &Relay) {
    assert_eq!(relay.hop.served(), ["<alice@peer.example>", "<bob@peer.example>", "<dave@lan.example>"]);
    assert_eq!(relay.hop.taken().len(), 3);
}

#[test]
fn each_gets_what_is_meant_for_them() {
    let relay = Relay::start();
    let reply = relay.sender().mail(CAROL, &ALL, MESSAGE);
    assert!(reply.starts_with("250"), "{reply}");
    each_has_it_once(&relay);
    for mail in relay.hop.taken() {
        let clear = mail.content.contains("The plain words");
        assert_eq!(clear, mail.recipients == ["<dave@lan.example>"], "{mail:?}");
        assert!(!mail.content.contains("bob@"), "{mail:?}");
        assert!(!mail.content.contains("\tfor <"), "nobody is told of another: {mail:?}");
        assert_eq!(mail.content.matches("Received:").count(), 1);
    }
}

#[test]
fn t35_if_one_part_cannot_go_none_does() {
    let relay = Relay::start();
    let mut client = relay.sender();
    // Each recipient is named twice: when the client names it, and in its part.
    for (after, step, does, expected) in [
        (0, "DATA", Does::Says("451 4.3.0 Not now"), "451 4.3.0"),
        (1, "DATA", Does::Says("552 5.3.4 Too large"), "552 5.3.4"),
        (2, "DATA", Does::Leaves(""), "451 4.4.2"),
        (3, "RCPT", Does::Says("452 4.2.2 Full"), "452 4.2.2"),
        (5, "RCPT", Does::Says("550 5.1.1 Gone"), "550 5.1.1"),
        (4, "RCPT", Does::Leaves(""), "451 4.4.2"),
        (3, "MAIL", Does::Says("550 5.7.1 No"), "550 5.7.1"),
        (0, ".", Does::Says("554 5.7.1 Spam"), "554 5.7.1"),
        (0, ".", Does::Says("451 4.7.1 Later"), "451 4.7.1"),
        (0, ".", Does::Leaves(""), "451 4.4.2"),
    ] {
        relay.hop.after(after, step, 1, does.clone());
        let reply = client.mail(CAROL, &ALL, MESSAGE);
        assert!(reply.starts_with(expected), "{after} {step} {does:?}: {reply}");
        assert!(relay.hop.taken().is_empty(), "{after} {step} {does:?}");
    }
    assert!(client.mail(CAROL, &ALL, MESSAGE).starts_with("250"));
    each_has_it_once(&relay);
}

#[test]
fn t35_what_went_before_another_failed_does_not_go_again() {
    for (after, does, expected) in [
        (1, Does::Says("451 4.3.0 Disk"), "451 4.3.0"),
        (2, Does::Says("452 4.3.1 Disk"), "452 4.3.1"),
        (1, Does::Leaves("25"), "451 4.4.2"),
        (2, Does::Says("what?"), "451 4.5.0"),
    ] {
        let relay = Relay::start();
        relay.hop.after(after, ".", 1, does.clone());
        let mut client = relay.sender();
        let reply = client.mail(CAROL, &ALL, MESSAGE);
        assert!(reply.starts_with(expected), "{after} {does:?}: {reply}");
        assert_eq!(relay.hop.taken().len(), 2, "one failed");
        assert!(client.mail(CAROL, &ALL, MESSAGE).starts_with("250"));
        each_has_it_once(&relay);
    }
}

#[test]
fn a_refusal_for_good_names_those_who_do_not_have_the_message() {
    let relay = Relay::start();
    relay.hop.after(1, ".", 1, Does::Says("550 5.7.1 Not this"));
    let reply = relay.sender().mail(CAROL, &ALL, MESSAGE);
    let missing: Vec<&str> =
        ALL.into_iter().filter(|name| !relay.hop.served().contains(&format!("<{name}>"))).collect();
    assert_eq!(reply, format!("550 5.7.1 Not delivered to <{}>: Not this", missing[0]));
    assert_eq!(missing.len(), 1);
}

/// A power cut between two parts: the first went, and it is known after the cut.
#[test]
fn t35_a_power_cut_between_two_parts_loses_nothing_and_doubles_nothing() {
    let mut relay = Relay::start();
    relay.hop.after(1, ".", 1, Does::Hangs);
    let mut client = relay.sender();
    client.envelope(CAROL, &ALL);
    client.send(format!("{MESSAGE}.\r\n"));
    crate::daemon::eventually("the second dot", || {
        (relay.hop.heard().iter().filter(|line| *line == ".").count() == 2).then_some(())
    });
    relay.gateway.kill();
    assert_eq!(relay.hop.taken().len(), 1);
    relay.gateway.start();
    assert!(relay.sender().mail(CAROL, &ALL, MESSAGE).starts_with("250"));
    each_has_it_once(&relay);
}

#[test]
fn more_parts_than_connections_go_one_after_the_other() {
    let relay = Relay::with(Hop::smtp(), "smtp", "next-hop-connections = 1");
    relay.hop.after(1, "DATA", 1, Does::Says("451 4.3.0 Not now"));
    let mut client = relay.sender();
    assert!(client.mail(CAROL, &ALL, MESSAGE).starts_with("451 4.3.0"));
    assert_eq!(relay.hop.taken().len(), 1, "the first was on its way already");
    assert!(client.mail(CAROL, &ALL, MESSAGE).starts_with("250"));
    each_has_it_once(&relay);
}

/// An LMTP next hop may take a message for some recipients only; an SMTP client can
/// be told one thing only.
#[test]
fn a_next_hop_that_takes_some_of_the_recipients_gets_the_rest_again() {
    let relay = Relay::with(Hop::lmtp(), "lmtp", "");
    relay.hop.once(". <dave", Does::Says("452 4.2.2 Mailbox full"));
    let mut client = relay.stranger();
    let reply = client.mail("someone@elsewhere.example", &[CAROL, DAVE], CLEAR);
    assert!(reply.starts_with("452 4.2.2 Mailbox full"), "{reply}");
    assert_eq!(relay.hop.served(), ["<carol@lan.example>"]);
    let reply = client.mail("someone@elsewhere.example", &[CAROL, DAVE], CLEAR);
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(relay.hop.served(), ["<carol@lan.example>", "<dave@lan.example>"]);
}

/// A mail server before its queue (`smtpd_proxy_filter`) has its client offer the
/// message again, and writes another trace field on it then.
#[test]
fn t35_what_went_is_known_under_another_trace_field() {
    let relay = Relay::start();
    relay.hop.after(1, ".", 1, Does::Says("451 4.3.0 Disk"));
    let mut client = relay.sender();
    let offered = |second: u8| format!("Received: from a by mx; Sun, 22 Nov 2026 12:00:0{second} +0000\r\n{MESSAGE}");
    assert!(client.mail(CAROL, &ALL, &offered(1)).starts_with("451 4.3.0"));
    assert!(client.mail(CAROL, &ALL, &offered(2)).starts_with("250"));
    each_has_it_once(&relay);
}
