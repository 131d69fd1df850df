//! Whatever is not taken leaves a line in the log, and one only.

use super::*;
use crate::daemon::eventually;
use crate::operation::tenants::hang;

/// The lines of the log that have each of these words.
fn lines(relay: &Relay, words: &[&str]) -> Vec<String> {
    let log = relay.gateway.log();
    log.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
}

#[test]
fn what_is_refused_before_there_is_a_message_is_one_line() {
    let relay = Relay::start();
    relay.hop.once("RCPT TO:<dave", Does::Says("550-5.1.1 Gone\r\n550 5.1.1 dave"));
    let mut client = relay.stranger();
    for (command, code, reason) in [
        ("MAIL FROM:<nobody", "501 5.1.7", "command"),
        ("MAIL FROM:<someone@elsewhere.example> SIZE=9999999", "552 5.3.4", "message-too-large"),
        ("RCPT TO:<carol@lan.example>", "503 5.5.1", "command"),
        ("MAIL FROM:<someone@elsewhere.example>", "250", ""),
        ("RCPT TO:<carol@else.example>", "550 5.7.1", "domain-not-served"),
        ("RCPT TO:<carol", "501 5.1.3", "command"),
        ("RCPT TO:<dave@lan.example>", "550-5.1.1", "next-hop"),
    ] {
        let before = lines(&relay, &["turned away"]).len();
        client.expect(command, code);
        let told = &lines(&relay, &["turned away"])[before..];
        assert_eq!(told.len(), usize::from(!reason.is_empty()), "{command}: {told:?}");
        assert!(told.iter().all(|line| line.contains(&format!("reason=\"{reason}\""))), "{command}: {told:?}");
    }
}

#[test]
fn a_message_that_is_refused_before_it_is_judged_is_one_line_too() {
    let relay = Relay::with(Hop::smtp(), "smtp", "timeout = \"3s\"");
    let large = format!("{CLEAR}{}", "x\r\n".repeat(100_000));
    let looping = format!("{}{CLEAR}", "Received: from a by b;\r\n".repeat(101));
    let mut client = relay.stranger();
    for (message, code, reason) in [
        ("a\nb\r\n.\r\n", "550 5.5.2", "bare-line-end"),
        (&format!("{large}.\r\n"), "552 5.3.4", "message-too-large"),
        (&format!("{looping}.\r\n"), "554 5.4.6", "loop"),
        (CLEAR, "421 4.4.2", "timed-out"),
    ] {
        client.envelope("someone@elsewhere.example", &[CAROL]);
        client.send(message);
        let reply = client.reply();
        assert!(reply.starts_with(code), "{reason}: {reply}");
        let told = lines(&relay, &["wasmime::message", &format!("reason=\"{reason}\"")]);
        assert_eq!(told.len(), 1, "{}", relay.gateway.log());
        for word in ["tenant=\"lan\"", "direction=\"inbound\"", "sender=\"someone@elsewhere.example\""] {
            assert!(told[0].contains(word), "{}", told[0]);
        }
    }
    assert!(relay.hop.taken().is_empty());
}

/// Whatever was opened for a message is told of, also where nobody waits for it.
#[test]
fn a_client_that_leaves_while_its_message_is_judged_is_told_of() {
    let relay = Relay::limited(Hop::smtp(), "smtp", "", ", time = \"3s\"");
    let hanging = hang(&relay.gateway.path().join("lan.keyring"));
    let mut client = relay.sender();
    client.envelope(CAROL, &[ALICE]);
    client.send(format!("{MESSAGE}.\r\n"));
    client.leave();
    let gone = || (lines(&relay, &["the client left before its message was handed on"]).len() == 1).then_some(());
    eventually("the end of the judgement", gone);
    let told = lines(&relay, &["wasmime::message", "sender=\"carol@lan.example\""]);
    assert!(told.len() == 1 && told[0].contains("verdict=\"defer\""), "{told:?}");
    assert!(relay.hop.taken().is_empty());
    drop(hanging);
}

#[test]
fn what_the_next_hop_does_not_take_is_told_with_its_words_in_one_line() {
    let relay = Relay::start();
    relay.hop.once(".", Does::Says("554-5.7.1 Spam\r\n554 5.7.1 2026-11-22T12:00:00Z INFO forged"));
    assert!(relay.sender().mail(CAROL, &[ALICE], MESSAGE).starts_with("554"));
    let told = lines(&relay, &["the next hop did not take the message", "code=554"]);
    assert!(told.len() == 1 && told[0].contains("Spam\\n2026-11-22"), "{}", relay.gateway.log());
}
