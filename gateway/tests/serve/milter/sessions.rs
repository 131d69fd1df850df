//! Who may send what to whom, and how a session goes on.

use std::thread;

use super::Milter;
use super::mta::Answer;
use crate::support::{TEXT, contains, field, message};

/// Mail for others, or in their name, is refused where it is named (T36).
#[test]
fn t36_senders_and_recipients_of_no_tenant_are_refused() {
    let milter = Milter::start();
    let mut mta = milter.outbound();
    mta.mail("erin@else.example", None).begins("550 5.7.1 ");
    mta.mail("carol@sub.lan.example", None).begins("550 5.7.1 ");
    mta.mail("carol@lan.example\r\n250 2.0.0", None).begins("553 5.1.7 ");
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);

    let mut mta = milter.inbound();
    mta.envelope("erin@else.example", None, &["alice@peer.example"]);
    mta.rcpt("erin@else.example").begins("550 5.7.1 ");
    // Of another tenant: verdicts of two are not mixed.
    mta.rcpt("carol@lan.example").begins("452 4.5.3 ");
    assert_eq!(mta.rcpt("bob@peer.example"), Answer::Continue);
}

/// Paths that are none have codes of their own.
#[test]
fn what_is_no_address_is_refused() {
    let milter = Milter::start();
    let mut mta = milter.inbound();
    mta.send(b'M', b"no brackets\0");
    mta.answer().begins("553 5.1.7 ");
    mta.send(b'M', b"<\xff@else.example>\0");
    mta.answer().begins("553 5.1.7 ");
    assert_eq!(mta.mail("", None), Answer::Continue);
    mta.rcpt("").begins("553 5.1.3 ");
    mta.send(b'R', b"<\xff@lan.example>\0");
    mta.answer().begins("553 5.1.3 ");
    for cause in ["bad-sender", "bad-recipient"] {
        milter.logs(&["turned away", cause, "553"]);
    }
}

/// Everybody may write to the postmaster of a host, with no domain behind it (RFC
/// 5321, section 4.5.1): he is of the tenant whose domain the host is in.
#[test]
fn the_postmaster_is_written_to_without_a_domain() {
    let milter = Milter::with("[gateway]\nhostname = \"gw.peer.example\"");
    let clear = message("erin@else.example", "postmaster", TEXT);
    let mut mta = milter.inbound();
    assert_eq!(mta.mail("erin@else.example", None), Answer::Continue);
    mta.mail("postmaster", None).begins("553 5.1.7 ");
    mta.envelope("erin@else.example", None, &["PostMaster", "alice@peer.example"]);
    mta.rcpt("carol@lan.example").begins("452 4.5.3 ");
    assert_eq!(mta.message(&clear).changes, []);
    milter.logs(&["verdict=\"deliver\"", "tenant=\"peer\"", "recipients=2"]);
    // For who is inside he is inside.
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["postmaster"]);
    assert_eq!(mta.message(&message("carol@lan.example", "postmaster", TEXT)).changes, []);
}

/// Who logged in sends for the tenant, wherever he is; who did not, only from inside.
#[test]
fn one_listener_serves_both_directions() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let outside = "192.0.2.7";
    for (address, login, sealed) in
        [("10.1.2.3", None, true), (outside, Some("carol@lan.example"), true), (outside, None, false)]
    {
        let mut mta = super::Mta::connect(milter.by_client, address);
        mta.envelope("carol@lan.example", login, &["alice@peer.example"]);
        let out = mta.message(&offer).applied(&offer);
        assert_eq!(!contains(&out, "The offer stands"), sealed, "{address} {login:?}");
    }
    // There are two tenants who could have a carol.
    let mut mta = super::Mta::connect(milter.by_client, outside);
    mta.mail("carol@lan.example", Some("carol")).begins("550 5.7.1 Log in with your whole mail address");
    milter.logs(&["turned away", "login-without-domain"]);
    // A login is of one message.
    let mut mta = super::Mta::connect(milter.by_client, outside);
    mta.envelope("carol@lan.example", Some("carol@lan.example"), &["alice@peer.example"]);
    assert!(!contains(&mta.message(&offer).applied(&offer), "The offer stands"));
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    assert_eq!(mta.message(&offer).changes, []);
}

/// Who logged in as one and sends as another is refused.
#[test]
fn t39_a_login_is_held_against_the_author() {
    let milter = Milter::start();
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", Some("dave@lan.example"), &["alice@peer.example"]);
    mta.message(&offer).answer.begins("550 5.7.1 ");
}

/// A message that came to nothing leaves nothing behind for the next.
#[test]
fn messages_of_a_session_do_not_mix() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["bob@peer.example"]);
    mta.field(b"Subject", b" secret");
    mta.end_of_header();
    mta.send(b'B', b"secret\r\n");
    assert_eq!(mta.answer(), Answer::Continue);
    mta.send(b'A', b"");
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let sealed = mta.message(&offer).applied(&offer);
    assert_eq!(field(&sealed, "Subject"), ["The offer"]);

    // Another client of the same connection.
    mta.send(b'K', b"");
    mta.client("10.0.0.8");
    mta.envelope("dave@lan.example", None, &["alice@peer.example"]);
    let other = message("dave@lan.example", "alice@peer.example", TEXT);
    assert!(!contains(&mta.message(&other).applied(&other), "The offer stands"));
    mta.send(b'Q', b"");
    assert!(mta.receive().is_none());
}

/// The last octets of a body may come with its end.
#[test]
fn the_end_of_a_body_is_not_lost() {
    let milter = Milter::with("encrypt = \"never\"");
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    mta.field(b"From", b" carol@lan.example");
    mta.end_of_header();
    mta.send(b'B', b"first line\r\n");
    assert_eq!(mta.answer(), Answer::Continue);
    let told = mta.end(b"last line\r\n");
    let body: Vec<u8> =
        told.changes.iter().filter(|(code, _)| *code == b'b').flat_map(|(_, data)| data.clone()).collect();
    assert!(contains(&body, "first line\r\nlast line\r\n"), "{}", String::from_utf8_lossy(&body));
}

/// What is too large is refused as soon as it is, and the session goes on.
#[test]
fn a_message_that_is_too_large_is_refused_in_its_middle() {
    let milter = Milter::start();
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    mta.field(b"From", b" carol@lan.example");
    mta.end_of_header();
    for _ in 0..3 {
        mta.send(b'B', &[b'x'; 65_000]);
        assert_eq!(mta.answer(), Answer::Continue);
    }
    mta.send(b'B', &[b'x'; 65_000]);
    mta.answer().begins("552 5.3.4 ");
    mta.send(b'A', b"");
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
}

/// When no more mail can be held, further mail is put off; it is taken when there is
/// room again.
#[test]
fn mail_that_cannot_be_held_is_put_off() {
    let milter = Milter::with("[gateway]\nmemory = \"256KiB\"");
    let begin = || {
        let mut mta = milter.outbound();
        mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
        mta.end_of_header();
        mta
    };
    let chunk = [b'x'; 65_000];
    let (mut first, mut second) = (begin(), begin());
    for _ in 0..3 {
        first.send(b'B', &chunk);
        assert_eq!(first.answer(), Answer::Continue);
    }
    second.send(b'B', &chunk);
    assert_eq!(second.answer(), Answer::Continue);
    second.send(b'B', &chunk);
    second.answer().begins("452 4.3.1 ");
    drop(first);
    // The session that broke off is seen a moment later.
    crate::daemon::eventually("room", || {
        second.send(b'A', b"");
        second.envelope("carol@lan.example", None, &["alice@peer.example"]);
        second.end_of_header();
        (0..3)
            .all(|_| {
                second.send(b'B', &chunk);
                second.answer() == Answer::Continue
            })
            .then_some(())
    });
}

/// Told to end, the gateway finishes the message that is under way, and lets go of
/// who has none.
#[test]
fn the_message_under_way_is_finished_before_the_end() {
    let mut milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let (mut busy, mut idle) = (milter.outbound(), milter.outbound());
    busy.envelope("carol@lan.example", None, &["alice@peer.example"]);
    thread::scope(|scope| {
        let under_way = scope.spawn(|| {
            assert!(idle.receive().is_none());
            let sealed = busy.message(&offer).applied(&offer);
            assert!(!contains(&sealed, "The offer stands"));
            assert!(busy.receive().is_none());
        });
        milter.gateway.stop();
        under_way.join().expect("a message that is finished");
    });
}
