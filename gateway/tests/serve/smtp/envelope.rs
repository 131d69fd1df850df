//! What comes with an envelope and how much of it the next hop hears.

use super::*;

/// The commands about one message.
fn heard(relay: &Relay) -> Vec<String> {
    let known = ["MAIL", "RCPT", "XFORWARD"];
    relay.hop.heard().into_iter().filter(|line| known.iter().any(|verb| line.starts_with(verb))).collect()
}

#[test]
fn dsn_parameters_go_on_to_a_next_hop_that_knows_them() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example> SIZE=1000 RET=HDRS ENVID=QQ+2B1 AUTH=<>", "250");
    client.expect("RCPT TO:<alice@peer.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bl@peer.example", "250");
    let heard = heard(&relay);
    assert!(heard.contains(&"MAIL FROM:<carol@lan.example> SIZE=1000 RET=HDRS ENVID=QQ+2B1".to_owned()), "{heard:?}");
    let rcpt = "RCPT TO:<alice@peer.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bl@peer.example";
    assert!(heard.contains(&rcpt.to_owned()), "{heard:?}");
}

#[test]
fn they_are_kept_when_a_message_goes_in_parts() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example> RET=HDRS ENVID=QQ1", "250");
    client.expect("RCPT TO:<alice@peer.example> NOTIFY=NEVER", "250");
    client.expect("RCPT TO:<dave@lan.example> NOTIFY=FAILURE", "250");
    client.expect("DATA", "354");
    client.send(format!("{MESSAGE}.\r\n"));
    assert!(client.reply().starts_with("250"));
    let taken = relay.hop.taken();
    assert!(taken.iter().all(|mail| mail.sender.ends_with(" RET=HDRS ENVID=QQ1")), "{taken:?}");
    assert_eq!(relay.hop.served(), ["<alice@peer.example> NOTIFY=NEVER", "<dave@lan.example> NOTIFY=FAILURE"]);
}

#[test]
fn a_plain_next_hop_hears_none_of_it() {
    let relay = Relay::start();
    relay.hop.offers(&[]);
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ1", "250");
    client.expect("RCPT TO:<alice@peer.example> NOTIFY=NEVER", "250");
    assert_eq!(heard(&relay), ["MAIL FROM:<carol@lan.example>", "RCPT TO:<alice@peer.example>"]);
}

#[test]
fn the_next_hop_hears_by_xforward_whose_mail_it_is() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    client.expect("XFORWARD NAME=mx.far.example ADDR=192.0.2.99 PROTO=ESMTP", "250");
    client.expect("XFORWARD HELO=far+20away IDENT=4BcD", "250");
    let reply = client.mail("someone@elsewhere.example", &[CAROL], CLEAR);
    assert!(reply.contains("4BcD"), "{reply}");
    let heard = heard(&relay);
    let told = "XFORWARD NAME=mx.far.example ADDR=192.0.2.99 PROTO=ESMTP HELO=far+20away IDENT=4BcD";
    assert_eq!(heard[0], told);
    let content = relay.taken().content;
    assert!(content.starts_with("Received: from unknown (mx.far.example [192.0.2.99])\r\n"), "{content}");
    assert!(content.contains(" id 4BcD\r\n"), "{content}");
    // It was said of one message.
    client.mail("someone@elsewhere.example", &[CAROL], CLEAR);
    assert!(relay.hop.taken()[1].content.contains("(unknown [127.0.0.1])"));
}

#[test]
fn xforward_is_for_those_who_may_and_never_in_a_transaction() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    client.expect("XFORWARD NAME=a LOGIN=carol", "501 5.5.4");
    client.expect("XFORWARD", "501 5.5.4");
    client.expect("MAIL FROM:<someone@elsewhere.example>", "250");
    client.expect("XFORWARD ADDR=192.0.2.1", "503 5.5.1");
}

#[test]
fn eight_bits_go_on_as_they_are_or_not_at_all() {
    let relay = Relay::start();
    let message = CLEAR.replace("Good day", "Schöne Grüße");
    // It is declared, it is not declared, and there are no eight bits.
    for (parameters, message, said) in
        [(" BODY=8BITMIME", message.as_str(), true), ("", &message, true), ("", CLEAR, false)]
    {
        let mut client = relay.stranger();
        client.expect(&format!("MAIL FROM:<someone@elsewhere.example>{parameters}"), "250");
        client.expect("RCPT TO:<carol@lan.example>", "250");
        client.expect("DATA", "354");
        client.send(format!("{message}.\r\n"));
        assert!(client.reply().starts_with("250"));
        let mail = relay.hop.taken().pop().unwrap();
        assert_eq!(mail.sender.contains("BODY=8BITMIME"), said, "{parameters}: {mail:?}");
        assert!(mail.content.ends_with(message), "bit for bit");
    }
    let relay = Relay::start();
    relay.hop.offers(&["PIPELINING"]);
    let mut client = relay.stranger();
    client.expect("MAIL FROM:<someone@elsewhere.example> BODY=8BITMIME", "250");
    client.expect("RCPT TO:<carol@lan.example>", "250");
    client.expect("DATA", "354");
    client.send(format!("{message}.\r\n"));
    assert!(client.reply().starts_with("554 5.6.3"));
    // What leaves is made of seven bits: it goes anywhere.
    let mut client = relay.sender();
    let message = MESSAGE.replace("plain words", "schöne Wörter");
    client.expect("MAIL FROM:<carol@lan.example> BODY=8BITMIME", "250");
    client.expect("RCPT TO:<alice@peer.example>", "250");
    client.expect("DATA", "354");
    client.send(format!("{message}.\r\n"));
    assert!(client.reply().starts_with("250"));
    assert!(relay.taken().content.is_ascii());
}

#[test]
fn international_mail_goes_where_it_is_understood() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    client.expect("MAIL FROM:<ёж@elsewhere.example>", "553 5.6.7");
    client.expect("MAIL FROM:<ёж@elsewhere.example> SMTPUTF8", "250");
    client.expect("RCPT TO:<carol@lan.example>", "250");
    client.expect("DATA", "354");
    let message = CLEAR.replace("Hello", "Привет");
    client.send(format!("{message}.\r\n"));
    assert!(client.reply().starts_with("250"));
    let mail = relay.taken();
    assert!(mail.sender.contains(" SMTPUTF8") && mail.content.contains("with UTF8SMTP id"), "{mail:?}");
    assert!(mail.content.ends_with(&message));

    let relay = Relay::start();
    relay.hop.offers(&["8BITMIME"]);
    let mut client = relay.stranger();
    client.expect("MAIL FROM:<ёж@elsewhere.example> SMTPUTF8", "550 5.6.7");
    client.expect("MAIL FROM:<someone@elsewhere.example> SMTPUTF8", "250");
    client.expect("RCPT TO:<carol@lan.example>", "250");
    client.expect("DATA", "354");
    client.send(format!("{message}.\r\n"));
    assert!(client.reply().starts_with("550 5.6.9"));
    assert!(relay.hop.taken().is_empty());
}

#[test]
fn the_next_hop_refuses_senders_and_recipients_in_its_own_words() {
    let relay = Relay::start();
    relay.hop.once("MAIL", Does::Says("452 4.3.1 Come back"));
    relay.hop.once("RCPT TO:<alice", Does::Says("550-5.1.1 No such\r\n550 5.1.1 alice"));
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example>", "452 4.3.1 Come back");
    client.expect("MAIL FROM:<carol@lan.example>", "250");
    assert_eq!(client.say("RCPT TO:<alice@peer.example>"), "550-5.1.1 No such\r\n550 5.1.1 alice");
    client.expect("DATA", "503");
    client.expect("RCPT TO:<bob@peer.example>", "250");
    client.expect("DATA", "354");
    client.send(format!("{}.\r\n", MESSAGE.replace("alice", "bob")));
    assert!(client.reply().starts_with("250"));
    assert_eq!(relay.hop.served(), ["<bob@peer.example>"]);
}
