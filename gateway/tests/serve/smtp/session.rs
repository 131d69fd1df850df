//! The order of a session: who may say what, and when.

use super::*;

#[test]
fn a_message_goes_through_and_the_client_hears_of_it() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    let reply = client.mail("someone@elsewhere.example", &[CAROL], CLEAR);
    assert!(reply.starts_with("250 2.0.0 Ok"), "{reply}");
    client.expect("QUIT", "221 2.0.0");
    assert!(client.is_closed());
    let mail = relay.taken();
    assert_eq!(mail.sender, format!("<someone@elsewhere.example> SIZE={}", mail.content.len()));
    assert_eq!(mail.recipients, ["<carol@lan.example>"]);
    let (trace, message) = mail.content.split_at(mail.content.find("From: ").unwrap());
    assert_eq!(message, CLEAR, "bit for bit");
    assert!(
        trace.starts_with(
            "Received: from mx.elsewhere.example (unknown [127.0.0.1])\r\n\tby gw.lan.example (Wasmime) with ESMTP id "
        ),
        "{trace}"
    );
    assert!(trace.contains("\r\n\tfor <carol@lan.example>;\r\n\t"), "{trace}");
}

#[test]
fn what_leaves_is_protected_and_the_words_stay_inside() {
    let relay = Relay::start();
    let reply = relay.sender().mail(CAROL, &[ALICE], MESSAGE);
    assert!(reply.starts_with("250 "), "{reply}");
    let mail = relay.taken();
    assert!(mail.content.starts_with("Received: from mua.lan.example"));
    assert!(mail.content.contains("smime-type=") && !mail.content.contains("plain words"), "{}", mail.content);
}

#[test]
fn ehlo_tells_what_is_offered() {
    let relay = Relay::start();
    let mut client = Client::connect(relay.outbound);
    let reply = client.expect("EHLO x", "250-gw.lan.example");
    for keyword in
        ["PIPELINING", "SIZE 204800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "XFORWARD NAME ADDR"]
    {
        assert!(reply.contains(keyword), "{reply}");
    }
    assert!(!reply.contains("STARTTLS") && !reply.contains("CHUNKING"), "{reply}");
    assert_eq!(client.say("HELO x"), "250 gw.lan.example");
}

#[test]
fn commands_out_of_order_are_refused_and_others_are_not() {
    let relay = Relay::start();
    let mut client = Client::connect(relay.outbound);
    for (command, reply) in [
        ("MAIL FROM:<carol@lan.example>", "503 5.5.1"),
        ("LHLO x", "500 5.5.1"),
        ("EHLO x", "250"),
        ("RCPT TO:<alice@peer.example>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "502 5.5.1"),
        ("FOO", "500 5.5.1"),
        ("MAIL FROM:carol@lan.example", "501 5.1.7"),
        ("MAIL FROM:<carol@lan.example> FOO=1", "555 5.5.4"),
        ("MAIL FROM:<carol@lan.example>", "250 2.1.0"),
        ("MAIL FROM:<carol@lan.example>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<alice@peer.example>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("DATA", "503 5.5.1"),
        ("NOOP", "250 2.0.0"),
        ("VRFY carol", "252 2.1.5"),
        ("HELP", "214 2.0.0"),
        ("DATA now", "501 5.5.4"),
        ("QUIT", "221 2.0.0"),
    ] {
        client.expect(command, reply);
    }
    assert!(relay.hop.taken().is_empty());
}

#[test]
fn t36_mail_of_no_tenant_is_refused_at_once() {
    let relay = Relay::start();
    relay.sender().expect("MAIL FROM:<eve@elsewhere.example>", "550 5.7.1");
    let mut client = relay.stranger();
    client.expect("MAIL FROM:<someone@elsewhere.example>", "250");
    client.expect("RCPT TO:<someone@elsewhere.example>", "550 5.7.1");
    client.expect("RCPT TO:<carol@evil.lan.example>", "550 5.7.1");
    client.expect("RCPT TO:<carol@lan.example>", "250");
    client.expect("RCPT TO:<alice@peer.example>", "452 4.5.3");
}

#[test]
fn a_client_that_makes_nothing_but_mistakes_is_left() {
    let relay = Relay::start();
    let mut client = relay.sender();
    for _ in 0..20 {
        client.expect("FOO", "500 5.5.1");
    }
    client.expect("FOO", "421 4.7.0");
    assert!(client.is_closed());
}

#[test]
fn a_client_that_says_nothing_is_left() {
    let relay = Relay::with(Hop::smtp(), "smtp", "timeout = \"3s\"");
    let mut idle = relay.sender();
    assert!(idle.reply().starts_with("421 4.4.2"));
    assert!(idle.is_closed());
    let mut slow = relay.sender();
    slow.envelope(CAROL, &[ALICE]);
    slow.send("From: carol@lan.example\r\n");
    assert!(slow.reply().starts_with("421 4.4.2"));
    assert!(relay.hop.taken().is_empty());
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.send(format!("MAIL FROM:<{CAROL}>\r\nRCPT TO:<{ALICE}>\r\nRCPT TO:<nobody>\r\nDATA\r\n"));
    let replies: Vec<String> = (0..4).map(|_| client.reply()).collect();
    for (reply, beginning) in replies.iter().zip(["250 2.1.0", "250 2.1.5", "501 5.1.3", "354"]) {
        assert!(reply.starts_with(beginning), "{replies:?}");
    }
    client.send(format!("{MESSAGE}.\r\nRSET\r\nQUIT\r\n"));
    let replies: Vec<String> = (0..3).map(|_| client.reply()).collect();
    for (reply, beginning) in replies.iter().zip(["250 2.0.0 Ok:", "250 2.0.0 Ok", "221"]) {
        assert!(reply.starts_with(beginning), "{replies:?}");
    }
    assert_eq!(relay.hop.served(), ["<alice@peer.example>"]);
}

#[test]
fn what_is_too_large_is_refused_as_soon_as_that_is_known() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example> SIZE=300000", "552 5.3.4");
    client.envelope(CAROL, &[ALICE]);
    client.send(format!("{MESSAGE}{}.\r\n", "x".repeat(78).as_str().to_owned() + "\r\n"));
    assert!(client.reply().starts_with("250"));
    client.envelope(CAROL, &[ALICE]);
    let line = "x".repeat(78) + "\r\n";
    client.send(format!("{MESSAGE}{}.\r\n", line.repeat(3000)));
    assert!(client.reply().starts_with("552 5.3.4"));
    client.expect("NOOP", "250");
    client.envelope(CAROL, &[ALICE]);
    client.send(line.repeat(12_000));
    assert!(client.reply().starts_with("421 4.3.4"), "a message without end");
    assert_eq!(relay.hop.taken().len(), 1);
}

#[test]
fn t38_a_message_that_goes_round_is_refused() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    let ours = "Received: from a (b [127.0.0.1])\r\n\tby gw.lan.example (Wasmime) with ESMTP id 1;\r\n\tx\r\n";
    let reply = client.mail("someone@elsewhere.example", &[CAROL], &format!("{}{CLEAR}", ours.repeat(5)));
    assert!(reply.starts_with("554 5.4.6"), "{reply}");
    let reply =
        client.mail("someone@elsewhere.example", &[CAROL], &format!("{}{CLEAR}", "Received: x\r\n".repeat(101)));
    assert!(reply.starts_with("554 5.4.6"), "{reply}");
    let reply = client.mail("someone@elsewhere.example", &[CAROL], &format!("{ours}{CLEAR}"));
    assert!(reply.starts_with("250"), "{reply}");
}
