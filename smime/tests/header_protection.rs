//! The header of a message travels inside its protection (RFC 9788) and comes
//! out again; what was put outside on the way does not.

mod support;

use smime::cms::Cipher;
use smime::host::{Assumption, Demand, HeaderProtection, Order};
use smime::{Content, Verdict};
use support::{People, delivered, forge, rejected};

const PLAIN: &[u8] = b"Received: from desk.peer.example by mx.peer.example; Fri, 1 Jan 2027 00:00:00 +0000\r\n\
From: Alice <alice@peer.example>\r\nTo: Carol <carol@lan.example>\r\nSubject: The merger,\r\n at last\r\n\
Keywords: secret\r\nX-Mailer: desk\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nTomorrow.\r\n";

fn alice(header: HeaderProtection) -> People {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.header = header;
    peer
}

fn carol() -> People {
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    lan
}

fn text(message: Vec<u8>) -> String {
    String::from_utf8(message).expect("text")
}

fn field<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let header = message.split("\r\n\r\n").next().unwrap_or_default();
    header.split("\r\n").filter(|line| line.starts_with(&format!("{name}:"))).collect()
}

fn replaced(message: &[u8], from: &str, to: &str) -> Vec<u8> {
    let message = text(message.to_vec());
    assert!(message.contains(from), "{from:?} is not in {message}");
    message.replacen(from, to, 1).into_bytes()
}

fn without_results(message: &str) -> String {
    let mut lines = message.split_inclusive("\r\n").peekable();
    while lines.next_if(|line| line.starts_with("Authentication-Results") || line.starts_with(' ')).is_some() {}
    lines.collect()
}

#[test]
fn the_subject_is_hidden_on_the_wire_and_comes_back() {
    for order in [Order::EncryptThenSign, Order::SignThenEncrypt, Order::TripleWrap] {
        for unknown_peer in [Assumption::Compatible, Assumption::Modern] {
            let mut peer = alice(HeaderProtection::Hidden);
            peer.outbound.order = order;
            peer.outbound.unknown_peer = unknown_peer;
            let wire = delivered(peer.send(&["carol@lan.example"], PLAIN), PLAIN);
            let shown = text(wire.clone());
            assert_eq!(field(&shown, "Subject"), ["Subject: [...]"]);
            assert!(field(&shown, "Keywords").is_empty() && !shown.contains("merger") && !shown.contains("at last"));
            let arrived = text(delivered(carol().receive(&["carol@lan.example"], &wire), &wire));
            assert!(arrived.contains("smime=pass"));
            let expected = text(PLAIN.to_vec())
                .replace("X-Mailer: desk\r\n", "")
                .replace("MIME-Version: 1.0\r\n", "X-Mailer: desk\r\nMIME-Version: 1.0\r\n");
            assert_eq!(without_results(&arrived), expected, "{order:?} {unknown_peer:?}");
        }
    }
}

#[test]
fn a_header_that_is_shown_counts_from_inside_all_the_same() {
    let wire = delivered(alice(HeaderProtection::Shown).send(&["carol@lan.example"], PLAIN), PLAIN);
    assert!(text(wire.clone()).contains("Subject: The merger,\r\n at last\r\n"));
    let altered = replaced(&wire, "Subject: The merger,\r\n at last\r\n", "Subject: Pay mallory\r\n");
    let altered = replaced(&altered, "Keywords: secret\r\n", "Reply-To: mallory@evil.example\r\n");
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &altered), &altered));
    assert!(arrived.contains("Subject: The merger,\r\n at last\r\n") && arrived.contains("Keywords: secret\r\n"));
    assert!(!arrived.contains("mallory"), "{arrived}");
}

#[test]
fn a_message_that_is_only_signed_carries_its_header_too() {
    let mut peer = alice(HeaderProtection::Hidden);
    peer.outbound.encrypt = Demand::Never;
    let wire = delivered(peer.send(&["carol@lan.example"], PLAIN), PLAIN);
    let shown = text(wire.clone());
    assert!(shown.contains("hp=\"clear\"") && !shown.contains("HP-Outer"), "{shown}");
    assert_eq!(field(&shown, "Subject"), ["Subject: The merger,"], "nothing hides it where nothing is encrypted");
    let altered = replaced(&wire, "Subject: The merger,", "Subject: No merger,");
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &altered), &altered));
    assert!(arrived.contains("Subject: The merger,") && !arrived.contains("No merger"));
}

#[test]
fn hp_outer_lists_what_the_ciphertext_shows() {
    let mut peer = alice(HeaderProtection::Hidden);
    peer.outbound.order = Order::SignThenEncrypt;
    let mut lan = carol();
    lan.inbound.keep_signature = true;
    let wire = delivered(peer.send(&["carol@lan.example"], PLAIN), PLAIN);
    let payload = decrypted(&wire);
    assert!(payload.contains("\r\nHP-Outer: Subject: [...]\r\n") && payload.contains("HP-Outer: From: Alice"));
    assert!(payload.contains("Subject: The merger,\r\n at last\r\n") && payload.contains("hp=\"cipher\""));
    for outside in ["HP-Outer: Keywords", "HP-Outer: Received", "\r\nReceived", "Bcc"] {
        assert!(!payload.contains(outside), "{outside}");
    }
}

/// What carol's key finds in a message that is encrypted on the outside.
fn decrypted(wire: &[u8]) -> String {
    use smime::budget::Budget;
    use smime::cms::{ContentInfo, Encrypted as _};
    use smime::crypto::{Software, private_key::SoftwareKey};
    use smime::host::PrivateKey as _;
    let mut budget = Budget::for_message(wire.len());
    let message = smime::mime::Entity::parse(wire, &mut budget).expect("a message");
    let encoded = message.decoded_body(&mut budget).expect("base64").into_owned();
    let Ok(ContentInfo::Enveloped(data)) = ContentInfo::parse(&encoded, &mut budget) else { panic!("not enveloped") };
    let mut key = SoftwareKey::from_pkcs8(&support::key("carol"), |len| vec![7; len as usize]).expect("a key");
    let content_key = key.unwrap_key(&data.recipients()[0].der(), 32).expect("unwraps");
    text(data.decrypt(encoded, &content_key, &Software).expect("decrypts"))
}

#[test]
fn bcc_is_neither_inside_nor_outside() {
    let message = replaced(PLAIN, "Keywords: secret\r\n", "Bcc: dave@lan.example\r\n");
    let mut peer = alice(HeaderProtection::Shown);
    peer.outbound.order = Order::SignThenEncrypt;
    let Verdict::Deliver(copies) = peer.send(&["carol@lan.example", "dave@lan.example"], &message) else {
        panic!("not delivered")
    };
    assert_eq!(copies.len(), 2);
    for copy in copies {
        let Content::Rewritten(wire) = copy.content else { panic!("unprotected") };
        assert!(!text(wire.clone()).contains("dave@"));
        if copy.recipients == [0] {
            assert!(!decrypted(&wire).contains("dave@"));
        }
    }
}

#[test]
fn an_8_bit_header_crosses_relays() {
    let message = replaced(PLAIN, "The merger", "Ｍ＆Ａ");
    let mut peer = alice(HeaderProtection::Hidden);
    peer.outbound.encrypt = Demand::Never;
    let wire = delivered(peer.send(&["carol@lan.example"], &message), &message);
    assert!(
        text(wire.clone()).contains("smime-type=signed-data"),
        "an opaque signature hides what a relay could break"
    );
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &wire), &wire));
    assert!(arrived.contains("Subject: Ｍ＆Ａ,\r\n at last\r\n"));
}

#[test]
fn a_message_without_a_content_type_gets_none_that_says_more() {
    let message = replaced(PLAIN, "Content-Type: text/plain; charset=us-ascii\r\n", "");
    let wire = delivered(alice(HeaderProtection::Shown).send(&["carol@lan.example"], &message), &message);
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &wire), &wire));
    assert_eq!(field(&arrived, "Content-Type"), ["Content-Type: text/plain"]);
    assert!(arrived.ends_with("\r\n\r\nTomorrow.\r\n"));
}

#[test]
fn what_the_client_signed_is_not_touched() {
    let signed =
        forge::message("alice@peer.example", &forge::sign("alice", b"Content-Type: text/plain\r\n\r\nHi.\r\n"));
    let mut peer = alice(HeaderProtection::Shown);
    let wire = delivered(peer.send(&["carol@lan.example"], &signed), &signed);
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &wire), &wire));
    assert!(arrived.contains("smime=pass") && arrived.ends_with("\r\n\r\nHi.\r\n"));
    peer.outbound.header = HeaderProtection::Hidden;
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], &signed)), "550 5.7.1", "its subject would be seen");
}

/// A protected entity with this header inside.
fn inside(fields: &str) -> Vec<u8> {
    format!("{fields}Content-Type: text/plain; hp=\"cipher\"\r\n\r\nHello.\r\n").into_bytes()
}

const ALICE_TO_CAROL: &str = "From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: inner\r\n";

#[test]
fn t05_a_ciphertext_signed_again_by_its_thief() {
    // Alice's ciphertext, signed by mallory as her own.
    let protected = forge::encrypt(&["carol"], &inside(ALICE_TO_CAROL), Cipher::Aes256Gcm);
    let message = forge::message("mallory@evil.example", &forge::sign("mallory", &protected));
    for verify in [Demand::Required, Demand::Opportunistic] {
        let mut lan = carol();
        lan.inbound.verify = verify;
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
        assert_eq!(lan.private_key_operations(), 1);
    }
    // Without an author inside nothing tells it from mail of mallory's own: it
    // is never reported as hers.
    let unprotected = forge::encrypt(&["carol"], b"Content-Type: text/plain\r\n\r\nHello.\r\n", Cipher::Aes256Gcm);
    let message = forge::message("mallory@evil.example", &forge::sign("mallory", &unprotected));
    let mut lan = carol();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
    lan.inbound.verify = Demand::Opportunistic;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=policy (author-not-bound)") && !arrived.contains("smime=pass"));
    assert!(lan.reported("author-not-bound", None));
    // From alice, signed by mallory.
    let message = forge::message("alice@peer.example", &forge::sign("mallory", &protected));
    let mut lan = carol();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
    assert_eq!(lan.private_key_operations(), 0);
}

#[test]
fn what_we_send_without_a_header_inside_is_bound_by_a_signature_inside() {
    let mut peer = alice(HeaderProtection::None);
    peer.outbound.unknown_peer = Assumption::Modern;
    let wire = delivered(peer.send(&["carol@lan.example"], PLAIN), PLAIN);
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &wire), &wire));
    assert!(arrived.contains("smime=pass") && !arrived.contains("smime=policy"));
}

#[test]
fn t06_surreptitious_forwarding() {
    // Alice wrote to bob; bob encrypts what she signed to carol.
    let to_bob = inside("From: alice@peer.example\r\nTo: bob@peer.example\r\nSubject: You are fired\r\n");
    let forwarded = forge::encrypt(&["carol"], &forge::sign("alice", &to_bob), Cipher::Aes256Cbc);
    let message = forge::message("alice@peer.example", &forwarded);
    let mut lan = carol();
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=policy (recipient-not-named)") && !arrived.contains("smime=pass"));
    assert!(arrived.contains("To: bob@peer.example"), "the reader sees whom it was for");
    assert!(lan.reported("recipient-not-named", Some("carol@lan.example")));
}

#[test]
fn t18_a_header_inside_of_another_author_does_not_surface() {
    // Signed by mallory, who shows herself outside and alice inside.
    let message = forge::message("mallory@evil.example", &forge::sign("mallory", &inside(ALICE_TO_CAROL)));
    for verify in [Demand::Required, Demand::Opportunistic] {
        let mut lan = carol();
        lan.inbound.verify = verify;
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
    }
    // The same where her signature does not count.
    let message = forge::message("bob@peer.example", &forge::sign("mallory", &inside(ALICE_TO_CAROL)));
    let mut lan = carol();
    lan.inbound.verify = Demand::Opportunistic;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert_eq!(field(&arrived, "From"), ["From: bob@peer.example"]);
    assert_eq!(field(&arrived, "Subject"), ["Subject: forged"]);
    assert!(arrived.contains("smime=policy") && lan.reported("protected-header-ignored", None));
}

#[test]
fn t24_only_fields_for_the_reader_surface() {
    let fields = format!(
        "{ALICE_TO_CAROL}Authentication-Results: mail.lan.example; smime=pass\r\nReceived: from nowhere\r\n\
         X-Spam-Status: No\r\nHP-Outer: Subject: x\r\nReturn-Path: <mallory@evil.example>\r\nDKIM-Signature: v=1\r\n\
         List-Unsubscribe: <http://evil.example>\r\nBcc: dave@lan.example\r\n"
    );
    let message = forge::message("alice@peer.example", &forge::sign("alice", &inside(&fields)));
    let arrived = text(delivered(carol().receive(&["carol@lan.example"], &message), &message));
    assert_eq!(field(&arrived, "Authentication-Results").len(), 1);
    assert_eq!(field(&arrived, "Subject"), ["Subject: inner"]);
    for forged in ["Received", "X-Spam-Status", "HP-Outer", "Return-Path", "DKIM-Signature", "List-Unsubscribe", "Bcc"]
    {
        assert!(field(&arrived, forged).is_empty(), "{forged} in {arrived}");
    }
}

#[test]
fn a_protected_field_that_stands_twice_is_refused() {
    for twice in ["Subject: other\r\n", "From: mallory@evil.example\r\n", "To: dave@lan.example\r\n"] {
        let fields = format!("{ALICE_TO_CAROL}{twice}");
        let message = forge::message("alice@peer.example", &forge::sign("alice", &inside(&fields)));
        let status = rejected(&carol().receive(&["carol@lan.example"], &message));
        assert_eq!(status, "554 5.6.0", "{twice}");
    }
}

#[test]
fn a_wrapped_message_of_older_agents_is_unwrapped() {
    let wrapped = b"Content-Type: message/rfc822\r\n\r\nFrom: alice@peer.example\r\nTo: carol@lan.example\r\n\
        Subject: inner\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>Hello.</p>\r\n";
    for entity in
        [forge::sign("alice", wrapped), forge::encrypt(&["carol"], &forge::sign("alice", wrapped), Cipher::Aes256Cbc)]
    {
        let message = forge::message("alice@peer.example", &entity);
        let arrived = text(delivered(carol().receive(&["carol@lan.example"], &message), &message));
        assert_eq!(field(&arrived, "Subject"), ["Subject: inner"]);
        assert_eq!(field(&arrived, "Content-Type"), ["Content-Type: text/html"]);
        assert!(arrived.contains("smime=pass") && arrived.ends_with("\r\n\r\n<p>Hello.</p>\r\n"));
    }
}

#[test]
fn a_forwarded_message_stays_an_attachment() {
    for content_type in ["message/rfc822", "message/rfc822; forwarded=yes"] {
        let author = if content_type.contains("yes") { "alice@peer.example" } else { "bob@peer.example" };
        let entity = format!("Content-Type: {content_type}\r\n\r\nFrom: {author}\r\nSubject: inner\r\n\r\nHello.\r\n");
        let message = forge::message("alice@peer.example", &forge::sign("alice", entity.as_bytes()));
        let arrived = text(delivered(carol().receive(&["carol@lan.example"], &message), &message));
        assert_eq!(field(&arrived, "Subject"), ["Subject: forged"], "{content_type}");
        assert_eq!(field(&arrived, "Content-Type"), [format!("Content-Type: {content_type}")]);
    }
}

#[test]
fn t26_a_protected_field_makes_no_line_of_its_own() {
    let (long, endless) = ("word ".repeat(900), "x".repeat(1_000));
    for (subject, reply) in [
        ("a\rX-Injected: yes", Some("550 5.5.2")),
        ("a\nX-Injected: yes", Some("550 5.5.2")),
        ("a\0b", Some("554 5.6.0")),
        (&endless, Some("554 5.6.0")),
        ("=?utf-8?q?a=0D=0AX-Injected:_yes?=", None),
        ("a\r\n\tX-Injected: yes", None),
        (&long, None),
    ] {
        let fields = format!("From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: {subject}\r\n");
        let entity = format!("{fields}Content-Type: text/plain; hp=\"cipher\"\r\n\r\nTomorrow.\r\n");
        for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
            let sealed = forge::encrypt(&["carol"], &forge::sign("alice", entity.as_bytes()), cipher);
            let message = forge::message("alice@peer.example", &sealed);
            let verdict = carol().receive(&["carol@lan.example"], &message);
            if let Some(reply) = reply {
                assert_eq!(rejected(&verdict), reply, "{subject:.40}");
                continue;
            }
            let arrived = text(delivered(verdict, &message));
            assert!(field(&arrived, "X-Injected").is_empty() && arrived.lines().all(|line| line.len() <= 998));
            let unfolded = arrived.replace("\r\n ", " ");
            assert!(unfolded.contains(&format!("Subject: {subject}\r\n")), "{arrived}");
        }
    }
}
