//! The examples that are handed out, at work: carol's mail leaves protected, what
//! arrives comes with its result, nobody sends as somebody else, and what was in clear
//! goes back to no stranger.

mod exim;
mod opensmtpd;
mod postfix;
mod sendmail;

use crate::support::{TEXT, contains, field, message, openssl};
use crate::world::client::Client;
use crate::world::daemon::eventually;
use crate::world::example::Example;

const CAROL: &str = "carol@lan.example";
const DAVE: &str = "dave@lan.example";
const ALICE: &str = "alice@peer.example";

/// Carol's mail leaves protected; alice's arrives, and the result says that it is hers.
#[track_caller]
fn both_ways(example: &Example) {
    example.sends(Some(CAROL), CAROL, &message(CAROL, ALICE, TEXT)).accepted();
    left_protected(example, 1);

    let signed = openssl::sign("alice", TEXT, &[]);
    example.arrives(ALICE, &message(ALICE, CAROL, &signed)).accepted();
    let read = example.dovecot.mailbox(CAROL).waits_for("until Friday");
    let results = field(&read, "authentication-results").concat();
    assert!(results.starts_with("mail.lan.example") && results.contains("smime=pass"), "{results}");
}

/// So many messages left, the last of them for alice alone to read and signed by one
/// of ours.
#[track_caller]
fn left_protected(example: &Example, count: usize) {
    let left = eventually("mail that leaves", || {
        let left = example.internet.messages();
        (left.len() >= count).then_some(left)
    });
    assert_eq!(left.len(), count);
    let (layers, inside) = openssl::peel("alice", &left[count - 1]);
    assert_eq!(layers, ["detached", "enveloped", "detached"]);
    assert!(contains(&inside, "until Friday"));
}

/// Carol logs in and sends as dave: she is told that she may not, and nothing leaves.
/// Neither does what somebody sends as carol who does not log in.
#[track_caller]
fn nobody_sends_as_another(example: &Example, refusals: [&str; 2]) {
    let before = example.internet.count();
    for (login, from, refusal) in [(Some(CAROL), DAVE, refusals[0]), (None, CAROL, refusals[1])] {
        let forged = example.sends(login, from, &message(from, ALICE, TEXT));
        assert!(!forged.accepted && forged.dialogue.contains(refusal), "{}", forged.dialogue);
    }
    assert_eq!(example.internet.count(), before);
}

/// Strangers are not offered notifications of delivery (RFC 3461).
#[track_caller]
fn strangers_ask_for_no_notification(example: &Example) {
    let stranger = Client::connect(example.places.server.mx).expect("a server");
    let offered = stranger.offered();
    assert!(offered.starts_with("250-") && !offered.to_uppercase().contains("DSN"), "{offered}");
}

/// The Internet refuses a message: the notification that carol gets has its header, and
/// not what is in it.
#[track_caller]
fn bounces_have_the_header_alone(example: &Example) {
    example.internet.answers_rcpt("550 5.1.1 nobody here");
    example.sends(Some(CAROL), CAROL, &message(CAROL, ALICE, TEXT)).accepted();
    let bounce = example.dovecot.mailbox(CAROL).waits_for("nobody here");
    let text = String::from_utf8_lossy(&bounce);
    assert!(text.contains("Message-ID: <1@peer.example>") && !text.contains("pkcs7-mime"), "{text}");
}
