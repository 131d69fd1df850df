//! LMTP: one answer for each recipient (RFC 2033).

use super::*;

#[test]
fn each_recipient_has_an_answer_of_its_own() {
    let relay = Relay::start();
    let mut client = relay.local();
    client.envelope(CAROL, &[ALICE, DAVE]);
    client.send(format!("{MESSAGE}.\r\n"));
    let replies = [client.reply(), client.reply()];
    assert!(replies.iter().all(|reply| reply.starts_with("250 2.0.0 Ok:")), "{replies:?}");
    client.expect("NOOP", "250"); // and no other
    assert_eq!(relay.hop.served(), ["<alice@peer.example>", "<dave@lan.example>"]);
    assert!(relay.hop.taken().iter().all(|mail| mail.content.contains("with LMTP id")));
}

#[test]
fn one_part_may_fail_by_itself() {
    let relay = Relay::with(Hop::lmtp(), "lmtp", "");
    relay.hop.always(". <alice", Does::Says("550 5.7.1 Not for alice"));
    let mut client = relay.local();
    client.envelope(CAROL, &[ALICE, DAVE, BOB]);
    client.send(format!("{MESSAGE}.\r\n"));
    let replies = [client.reply(), client.reply(), client.reply()];
    assert_eq!(replies[0], "550 5.7.1 Not for alice");
    assert!(replies[1].starts_with("250") && replies[2].starts_with("250"), "{replies:?}");
    assert_eq!(relay.hop.served(), ["<bob@peer.example>", "<dave@lan.example>"]);
}

#[test]
fn a_refusal_of_the_message_is_told_for_each_who_was_accepted() {
    let relay = Relay::start();
    let mut client = relay.local();
    client.expect("MAIL FROM:<carol@lan.example>", "250");
    client.expect("RCPT TO:<alice@peer.example>", "250");
    client.expect("RCPT TO:<nobody>", "501");
    client.expect("RCPT TO:<dave@lan.example>", "250");
    client.expect("DATA", "354");
    client.send(format!("{MESSAGE}a\nb\r\n.\r\n"));
    let replies = [client.reply(), client.reply()];
    assert!(replies.iter().all(|reply| reply.starts_with("550 5.5.2")), "{replies:?}");
    client.expect("QUIT", "221");
}

#[test]
fn it_has_its_own_greeting() {
    let relay = Relay::start();
    let mut client = Client::connect(relay.lmtp);
    client.expect("EHLO x", "500 5.5.1");
    client.expect("HELO x", "500 5.5.1");
    client.expect("MAIL FROM:<carol@lan.example>", "503 5.5.1");
    client.expect("LHLO x", "250-gw.lan.example");
}
