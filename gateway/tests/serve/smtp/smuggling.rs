//! Messages in messages, commands in commands: nothing that two programs could
//! read in two ways goes on (T42, CVE-2023-51764, CVE-2023-51765,
//! CVE-2023-51766).

use super::*;

/// What would be a second message, if a dot had ended the first.
const SECOND: &str =
    "MAIL FROM:<dave@lan.example>\r\nRCPT TO:<bob@peer.example>\r\nDATA\r\nFrom: dave@lan.example\r\n\r\nx\r\n";

#[test]
fn t42_only_crlf_dot_crlf_ends_a_message() {
    let relay = Relay::start();
    for end in ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\n.\r\r\n", "\n\n.\r\n"] {
        let mut client = relay.sender();
        client.envelope(CAROL, &[ALICE]);
        client.send(format!("{MESSAGE}the end{end}{SECOND}\r\n.\r\n"));
        let reply = client.reply();
        assert!(reply.starts_with("550 5.5.2"), "{end:?}: {reply}");
        client.expect("QUIT", "221"); // nothing else was taken for a command
    }
    assert!(relay.hop.taken().is_empty());
}

#[test]
fn t42_a_dot_that_is_text_stays_text() {
    let relay = Relay::start();
    let mut client = relay.stranger();
    client.envelope("someone@elsewhere.example", &[CAROL]);
    client.send(format!("{CLEAR}..\r\n...\r\n..x\r\n.y\r\nz.\r\n.\r\n"));
    assert!(client.reply().starts_with("250"));
    let content = relay.taken().content;
    assert!(content.ends_with("Good day\r\n.\r\n..\r\n.x\r\ny\r\nz.\r\n"), "{content:?}");
}

#[test]
fn t42_a_command_ends_with_crlf_alone() {
    let relay = Relay::start();
    let mut client = relay.sender();
    for command in ["NOOP\nRSET\r\n", "NOOP\rRSET\r\n", "NOOP\r\r\n", "NOOP\0\r\n", "\nNOOP\r\n"] {
        client.send(command);
        assert!(client.reply().starts_with("500 5.5.2"), "{command:?}");
    }
    client.send(format!("NOOP {}\r\n", "x".repeat(5000)));
    assert!(client.reply().starts_with("500 5.5.2"));
    client.expect("NOOP", "250");
    client.send("MAIL FROM:<carol@lan.example>\nRCPT TO:<bob@peer.example>\r\n");
    assert!(client.reply().starts_with("500 5.5.2"));
    client.expect("DATA", "503");
}

#[test]
fn t42_an_address_cannot_hold_another_command() {
    let relay = Relay::start();
    let mut client = relay.sender();
    client.expect("MAIL FROM:<carol@lan.example>", "250");
    for path in [
        "<bob@peer.example>\r RCPT TO:<x@peer.example>",
        "<\"bob\\\r\"@peer.example>",
        "<bob@peer.example> <x@peer.example>",
        "<bob@peer.example>,<x@peer.example>",
        "<bob@peer.example> ORCPT=rfc822;x+0D+0ARSET NOTIFY",
    ] {
        let reply = client.say(&format!("RCPT TO:{path}"));
        assert!(reply.starts_with("50") || reply.starts_with("555"), "{path:?}: {reply}");
    }
    client.expect("RCPT TO:<\"bob> \\\" x\"@peer.example> NOTIFY=NEVER", "250");
    let heard = relay.hop.heard();
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 1, "{heard:?}");
    assert!(heard.contains(&"RCPT TO:<\"bob> \\\" x\"@peer.example> NOTIFY=NEVER".to_owned()), "{heard:?}");
}

#[test]
fn other_protocols_are_not_listened_to() {
    let relay = Relay::start();
    for command in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "BDAT 86 LAST", "CONNECT x:25 HTTP/1.1"] {
        let mut client = relay.sender();
        client.send(format!("{command}\r\n{SECOND}.\r\n"));
        assert!(client.reply().starts_with("421 4.7.0"), "{command}");
    }
    assert!(relay.hop.heard().iter().all(|line| !line.starts_with("MAIL")));
}
