//! What becomes of messages.

use super::Milter;
use super::mta::{Answer, Mta, POSTFIX};
use crate::support::{TEXT, contains, entity_of, field, message};

/// Carol's offer leaves under a seal, and alice's mail server gets it in clear,
/// each by a few changes of what it had.
#[test]
fn a_message_leaves_sealed_and_arrives_in_clear() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);

    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let sealed = mta.message(&offer).applied(&offer);
    assert!(!contains(&sealed, "The offer stands"));
    assert_eq!(field(&sealed, "Subject"), ["The offer"]);
    assert_eq!(field(&sealed, "MIME-Version"), ["1.0"]);
    assert!(field(&sealed, "Content-Type")[0].starts_with("multipart/signed"), "{:?}", field(&sealed, "Content-Type"));

    let mut mta = milter.inbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let arrived = mta.message(&sealed).applied(&sealed);
    assert_eq!(entity_of(&arrived), entity_of(&offer));
    let results = field(&arrived, "Authentication-Results");
    assert!(results[0].starts_with("mx.peer.example; smime=pass"), "{results:?}");
    assert!(arrived.starts_with(b"Authentication-Results:"));
    let without = &arrived[arrived.len() - offer.len()..];
    assert_eq!(String::from_utf8_lossy(without), String::from_utf8_lossy(&offer));
}

/// What was opened stays here: the mail server is told to bring back the header at
/// the most, and not to tell that it was delivered. Mail that comes in clear is
/// nobody's secret.
#[test]
fn t11_the_mail_server_is_told_to_be_discreet() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let told = mta.message(&offer);
    assert_eq!(told.envelope(), [], "the mail server's own users");
    let sealed = told.applied(&offer);

    let mut mta = milter.inbound();
    let mut inbound = |message: &[u8]| {
        assert_eq!(mta.mail("carol@lan.example", None), Answer::Continue);
        assert_eq!(mta.rcpt_with("alice@peer.example", "NOTIFY=SUCCESS\0ORCPT=rfc822;a\0"), Answer::Continue);
        mta.message(message)
    };
    let told = inbound(&sealed);
    assert_eq!(entity_of(&told.applied(&sealed)), entity_of(&offer));
    let change = |code, path: &str, parameters: &str| (code, path.to_owned(), parameters.to_owned());
    assert_eq!(told.deleted(), ["<alice@peer.example>"]);
    assert_eq!(
        told.envelope(),
        [
            change('e', "<carol@lan.example>", "RET=HDRS"),
            change('2', "<alice@peer.example>", "NOTIFY=FAILURE ORCPT=rfc822;a"),
        ]
    );
    assert_eq!(inbound(&offer).changes, []);
}

/// The same ciphertext comes twice at once, and later from somebody else: it is opened
/// each time, as for a mail server that missed an answer, and the audit file says so.
#[test]
fn t07_replay() {
    let milter = Milter::with("encrypt = \"required\"\n[gateway]\naudit = \"audit.jsonl\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let sealed = mta.message(&offer).applied(&offer);
    let replayed = |sender: &str| {
        let mut mta = milter.inbound();
        mta.envelope(sender, None, &["alice@peer.example"]);
        assert_eq!(entity_of(&mta.message(&sealed).applied(&sealed)), entity_of(&offer));
    };
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| replayed("carol@lan.example")));
        for one in both {
            one.join().expect("a letter that is opened");
        }
    });
    replayed("mallory@else.example");
    let audit = milter.gateway.audit();
    let repeated = audit.lines().filter(|line| line.contains("message-repeated") && line.contains("\"first\":\"2"));
    assert_eq!(repeated.count(), 2, "{audit}");
}

/// What needs no change gets none: its DKIM signature holds.
#[test]
fn clear_mail_is_not_touched() {
    let milter = Milter::start();
    let clear = message("erin@else.example", "alice@peer.example", TEXT);
    let mut mta = milter.inbound();
    mta.envelope("erin@else.example", None, &["alice@peer.example"]);
    let told = mta.message(&clear);
    assert_eq!((told.changes.len(), told.answer), (0, Answer::Continue));
}

/// The octets that are judged are those of the mail server: else a signature over
/// them, made and checked in two sessions, would not hold.
#[test]
fn odd_fields_and_bodies_arrive_as_they_were_sent() {
    let milter = Milter::start();
    let odd = [
        &b"From: carol@lan.example\r\nTo:alice@peer.example\r\nSubject:\r\nX-Folded: a\r\n\tb\r\n  c\r\n"[..],
        b"X-Latin: J\xf6rg\r\nX-Tab:\tvalue\r\nX-Spaces:  two \r\nX-Same: 1\r\nx-same: 2\r\nX-Same: 1\r\nX-Long: ",
        &[b'l'; 60_000],
        b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"X-Last: 3\r\n\r\n\r\n.\r\n..\r\nFrom the first line\r\n\xe4\xf6\xfc \r\n\r\n",
    ]
    .concat();
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let signed = mta.message(&odd).applied(&odd);
    assert!(field(&signed, "Content-Type")[0].starts_with("multipart/signed"));

    let mut mta = milter.inbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let arrived = mta.message(&signed).applied(&signed);
    let results = field(&arrived, "Authentication-Results");
    assert!(results[0].starts_with("mx.peer.example; smime=pass"), "{results:?}");
    // Fields that are not of MIME stay, in their order and to the octet.
    let kept = |message: &[u8]| -> Vec<Vec<u8>> {
        let (header, _) = crate::support::split(message);
        let unfolded = header.to_vec();
        let lines = unfolded.split_inclusive(|&octet| octet == b'\n').map(<[u8]>::to_vec);
        lines.filter(|line| line.starts_with(b"X-") || line.starts_with(b"x-") || line.starts_with(b"\tb")).collect()
    };
    assert_eq!(kept(&arrived), kept(&odd));
    assert!(contains(&arrived, "\r\nTo:alice@peer.example\r\nSubject:\r\nX-Folded: a\r\n\tb\r\n  c\r\n"));
}

/// Altered on the way: refused in the session, by its code, and the next message of
/// the session is judged by itself.
#[test]
fn an_altered_message_is_refused_in_the_session() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let sealed = mta.message(&offer).applied(&offer);
    let mut altered = sealed.clone();
    let at = altered.len() / 2;
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };

    let mut mta = milter.inbound();
    for _ in 0..2 {
        mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
        mta.message(&altered).answer.begins("550 5.7.7 ");
        mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
        assert_eq!(mta.message(&sealed).answer, Answer::Continue);
    }
}

/// A mail server of old eats the space after the colon, and wants each answer.
#[test]
fn a_mail_server_of_version_2_is_served_as_well() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = Mta::silent(milter.outbound);
    assert_eq!(mta.negotiate([2, 0x3f, 0x7f]), [2, 0x1b, 0]);
    mta.client("10.0.0.7");
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let told = mta.message(&offer);
    assert_eq!(told.answer, Answer::Continue);
    let content_type = told.changes.iter().find(|(_, data)| data[4..].starts_with(b"Content-Type\0"));
    assert!(content_type.expect("a change").1[4..].starts_with(b"Content-Type\0multipart/signed;"));
}

/// The filter may also be a socket of the same machine.
#[test]
fn a_unix_socket_does_as_well() {
    let milter = Milter::start();
    let clear = message("erin@else.example", "alice@peer.example", TEXT);
    let mut mta = milter.socket();
    mta.negotiate(POSTFIX);
    mta.client("192.0.2.7");
    mta.envelope("erin@else.example", None, &["alice@peer.example"]);
    assert_eq!(mta.message(&clear).changes, []);
}

/// Recipients who would get different messages, and no way to send the others: the
/// client keeps the message, and the log says what is missing.
#[test]
fn what_must_be_split_is_deferred_where_there_is_no_next_hop() {
    let milter = Milter::with("encrypt = \"required\"");
    let offer = message("carol@lan.example", "alice@peer.example, dave@lan.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example", "dave@lan.example"]);
    let told = mta.message(&offer);
    told.answer.begins("451 4.3.5 ");
    assert_eq!(told.changes, []);
    milter.logs(&["4F1A", "next-hop"]);
}
