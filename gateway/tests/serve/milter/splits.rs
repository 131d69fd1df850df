//! Recipients who get different messages: one stays in the session, the others go
//! by the next hop.

use super::Milter;
use super::mta::{Answer, Told};
use crate::ports;
use crate::sink::Sink;
use crate::support::{TEXT, contains, field, message};

const POLICY: &str = "encrypt = \"required\"\n[gateway]\nhostname = \"gw.lan.example\"\nstate = \"state\"";

/// Alice, outside, and dave, inside, get carol's offer.
fn offer() -> Vec<u8> {
    message("carol@lan.example", "alice@peer.example, dave@lan.example", TEXT)
}

fn sent(milter: &Milter, message: &[u8]) -> Told {
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", Some("carol@lan.example"), &["dave@lan.example", "alice@peer.example"]);
    mta.message(message)
}

/// Alice's copy stays in the session, sealed; dave's is what carol wrote, and goes
/// to him by itself.
#[test]
fn each_recipient_gets_what_is_meant_for_him() {
    let sink = Sink::start();
    let milter = Milter::handing_on(sink.port(), POLICY);
    let offer = offer();
    let told = sent(&milter, &offer);
    let sealed = told.applied(&offer);
    assert!(!contains(&sealed, "The offer stands"));
    assert_eq!(told.deleted(), ["<dave@lan.example>"]);

    let [(recipients, copy)] = sink.transactions().try_into().expect("one copy");
    assert_eq!(recipients, ["<dave@lan.example>"]);
    let (trace, rest) = copy.split_at(copy.len() - offer.len());
    assert_eq!(rest, offer);
    let trace = String::from_utf8(trace.to_vec()).expect("a trace");
    assert!(trace.starts_with("Received: from helo.test (client.test [10.0.0.7])\r\n\tby gw.lan.example"), "{trace}");
}

/// Recipients in blind copy get messages of their own, which name nobody else.
#[test]
fn t37_blind_copies_go_by_themselves() {
    let sink = Sink::start();
    let milter = Milter::handing_on(sink.port(), POLICY);
    let open = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example", "bob@peer.example"]);
    let told = mta.message(&open);
    assert_eq!(told.deleted(), ["<bob@peer.example>"]);
    let [(recipients, copy)] = sink.transactions().try_into().expect("one copy");
    assert_eq!(recipients, ["<bob@peer.example>"]);
    assert_ne!(field(&copy, "Content-Type"), Vec::<String>::new());
    assert!(!contains(&copy, "The offer stands") && !contains(&copy, "bob@peer.example"));
}

/// What the next hop refuses is refused as a whole, before anything is changed; when
/// it is away, the message is put off.
#[test]
fn nothing_goes_where_not_all_can_go() {
    let sink = Sink::start();
    let milter = Milter::handing_on(sink.port(), POLICY);
    let offer = offer();
    for (reply, told_as) in
        [("550 5.1.1 nobody % here", "550 5.1.1 nobody %% here"), ("450 4.2.1 full", "450 4.2.1 full")]
    {
        sink.answers_rcpt(reply);
        let told = sent(&milter, &offer);
        assert_eq!((told.changes.len(), &told.answer), (0, &Answer::Reply(told_as.to_owned())));
    }
    assert_eq!(sink.count(), 0);
    milter.logs(&["4F1A", "next hop", "nobody"]);

    let milter = Milter::handing_on(ports::free(), POLICY);
    let told = sent(&milter, &offer);
    assert_eq!(told.changes, []);
    told.answer.begins("451 4.4.1 ");
}

/// The mail server does not say whether it took what stayed with it. If it did not,
/// the message is offered again, and nobody gets it twice: not even when the gateway
/// was killed in between.
#[test]
fn what_went_is_not_sent_again() {
    let sink = Sink::start();
    let mut milter = Milter::handing_on(sink.port(), POLICY);
    let offer = offer();
    for _ in 0..2 {
        for _ in 0..2 {
            let told = sent(&milter, &offer);
            assert!(!contains(&told.applied(&offer), "The offer stands"));
            assert_eq!(told.deleted(), ["<dave@lan.example>"]);
            assert_eq!(sink.count(), 1);
        }
        milter.gateway.kill();
        milter.gateway.start();
    }
    // Another message is another message.
    let other = message("carol@lan.example", "dave@lan.example", b"Content-Type: text/plain\r\n\r\nNo.\r\n");
    sent(&milter, &other);
    assert_eq!(sink.count(), 2);
}

/// An alarm of the same words every morning, by a program that writes neither date nor
/// Message-ID: each of them is a message of its own.
#[test]
fn alarms_of_the_same_words_all_arrive() {
    let sink = Sink::start();
    let milter = Milter::handing_on(sink.port(), POLICY);
    let alarm = b"From: carol@lan.example\r\nTo: alice@peer.example\r\nSubject: Disk full\r\n\r\nAgain.\r\n";
    for morning in 1..=3 {
        assert_eq!(sent(&milter, alarm).deleted(), ["<dave@lan.example>"]);
        assert_eq!(sink.count(), morning);
    }
}
