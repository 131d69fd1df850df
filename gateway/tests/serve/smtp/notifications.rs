//! What arrives encrypted and goes on in clear does not come back to whoever sent it.

use super::*;

/// The next hop's envelope of the last message: what came with MAIL and RCPT.
fn last(relay: &Relay) -> (String, Vec<String>) {
    let mail = relay.hop.taken().pop().expect("a message");
    (mail.sender, mail.recipients)
}

/// A stranger sends what he captured once more, with demands of his own.
fn demanding(relay: &Relay, message: &str, mail: &str, rcpt: &str) -> (String, Vec<String>) {
    let mut client = relay.stranger();
    client.expect(&format!("MAIL FROM:<mallory@evil.example> {mail}"), "250");
    client.expect(&format!("RCPT TO:<alice@peer.example> {rcpt}"), "250");
    client.expect("DATA", "354");
    client.send(format!("{message}.\r\n"));
    let reply = client.reply();
    assert!(reply.starts_with("250"), "{reply}");
    last(relay)
}

#[test]
fn t11_a_stranger_gets_no_notification_with_the_clear_text() {
    let relay = Relay::start();
    assert!(relay.sender().mail(CAROL, &[ALICE], MESSAGE).starts_with("250"));
    let sealed = relay.taken().content;
    assert!(!sealed.contains("The plain words"));

    let orcpt = "ORCPT=rfc822;a+2Bl@peer.example";
    for (mail, rcpt, asked) in [
        ("RET=FULL ENVID=mine", "NOTIFY=SUCCESS,FAILURE,DELAY", "NOTIFY=FAILURE,DELAY"),
        ("ENVID=mine", "NOTIFY=SUCCESS", "NOTIFY=FAILURE"),
        ("RET=HDRS ENVID=mine", "NOTIFY=NEVER", "NOTIFY=NEVER"),
    ] {
        let (sender, recipients) = demanding(&relay, &sealed, mail, &format!("{rcpt} {orcpt}"));
        assert!(sender.ends_with(" RET=HDRS ENVID=mine"), "{sender}");
        assert_eq!(recipients, [format!("<alice@peer.example> {asked} {orcpt}")]);
    }
    let opened = relay.hop.taken().pop().expect("a message").content;
    assert!(opened.contains("The plain words"), "it was opened: {opened}");

    // Mail that is handed on as it came holds nothing that its sender does not know.
    let clear = CLEAR.replace("carol@lan.example", ALICE);
    let (sender, recipients) = demanding(&relay, &clear, "RET=FULL", "NOTIFY=SUCCESS");
    assert!(sender.ends_with(" RET=FULL"), "{sender}");
    assert_eq!(recipients, ["<alice@peer.example> NOTIFY=SUCCESS"]);
}

/// One that knows nothing of notifications cannot be told; the operator is, once.
#[test]
fn a_next_hop_that_cannot_be_told_is_told_of() {
    let relay = Relay::start();
    relay.hop.offers(&["PIPELINING"]);
    assert!(relay.sender().mail(CAROL, &[ALICE], MESSAGE).starts_with("250"));
    let sealed = relay.taken().content;
    let said = || relay.gateway.log().matches("it offers no DSN").count();
    assert_eq!(said(), 0, "what leaves is sealed");
    for _ in 0..2 {
        demanding(&relay, &sealed, "", "");
        assert_eq!(said(), 1);
    }
}
