//! What leaves, for whom, and what never does.

mod support;

use std::collections::BTreeSet;

use hex_literal::hex;
use smime::budget::Budget;
use smime::cms::{ContentInfo, Encrypted as _};
use smime::crypto::private_key::SoftwareKey;
use smime::host::{Assumption, Demand, Entry, Order};
use smime::{Content, Delivery, PrivateKey as _, Verdict};
use support::{OUTBOUND, People, certificate, deferred, delivered, forge, key, octets, rejected};

const MESSAGE: &[u8] = b"From: alice@peer.example\r\nTo: carol@lan.example, Dave <dave@lan.example>\r\n\
Bcc: bob@peer.example,\r\n mallory@evil.example\r\nSubject: s\r\n\r\nhello\r\n";

fn deliveries(verdict: Verdict) -> Vec<Delivery> {
    match verdict {
        Verdict::Deliver(deliveries) => deliveries,
        other => panic!("{other:?}"),
    }
}

fn content(delivery: &Delivery) -> &[u8] {
    match &delivery.content {
        Content::Rewritten(content) => content,
        Content::Unchanged => panic!("unchanged"),
    }
}

#[test]
fn t37_bcc_leak() {
    let mut peer = People::with_keys_of(&["alice"]);
    let everybody = ["carol@lan.example", "dave@lan.example", "bob@peer.example", "mallory@evil.example"];
    let copies = deliveries(peer.send(&everybody, MESSAGE));
    let recipients: Vec<&[u32]> = copies.iter().map(|copy| copy.recipients.as_slice()).collect();
    assert_eq!(recipients, [&[0, 1][..], &[2], &[3]]);
    for (copy, readers) in copies.iter().zip([&["carol", "dave"][..], &["bob"], &["mallory"]]) {
        let text = String::from_utf8_lossy(content(copy)).into_owned();
        assert!(!text.contains("Bcc:") && !text.contains("hello"));
        for name in ["carol", "dave", "bob", "mallory"] {
            let mut other = People::with_keys_of(&[name]);
            let domain = if matches!(name, "carol" | "dave") {
                "lan"
            } else if name == "bob" {
                "peer"
            } else {
                "evil"
            };
            let address = format!("{name}@{domain}.example");
            let arrived = delivered(other.receive(&[&address], content(copy)), content(copy));
            assert_eq!(String::from_utf8_lossy(&arrived).contains("hello"), readers.contains(&name));
            assert_eq!(other.private_key_operations(), u32::from(readers.contains(&name)));
        }
    }
}

/// The structure in the body of a message that is encrypted and not signed.
fn structure(message: &[u8]) -> Vec<u8> {
    let (_, body) = support::split(message);
    let base64: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(base64).expect("base64")
}

/// What follows `algorithm`, which stands once in a structure.
fn after<const N: usize>(encoded: &[u8], algorithm: &[u8]) -> [u8; N] {
    let mut found = encoded.windows(algorithm.len() + N).filter(|w| w.starts_with(algorithm));
    let first = found.next().expect("the algorithm");
    assert!(found.next().is_none());
    first[algorithm.len()..].try_into().expect("its length")
}

#[test]
fn e12c_each_copy_has_a_content_key_and_a_nonce_of_its_own() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.sign = Demand::Never;
    let copies = |peer: &mut People, assumption| {
        peer.outbound.unknown_peer = assumption;
        let verdict = peer.send(&["carol@lan.example", "bob@peer.example", "mallory@evil.example"], MESSAGE);
        deliveries(verdict).iter().map(|copy| structure(content(copy))).collect::<Vec<_>>()
    };
    let cbc = copies(&mut peer, Assumption::Compatible);
    let gcm = copies(&mut peer, Assumption::Modern);
    // The parameters of aes256-CBC and of aes256-GCM.
    let cbc_nonces = cbc.iter().map(|copy| after::<12>(copy, &hex!("060960864801650304012a 0410")));
    let gcm_nonces = gcm.iter().map(|copy| after::<12>(copy, &hex!("060960864801650304012e 3011 040c")));
    let nonces: BTreeSet<_> = cbc_nonces.chain(gcm_nonces).collect();
    assert_eq!(nonces.len(), 6);
    let content_key = |(copy, name): (&Vec<u8>, &str)| {
        let info = match ContentInfo::parse(copy, &mut Budget::for_message(copy.len())).expect("a structure") {
            ContentInfo::Enveloped(data) => data.recipients()[0].der().into_owned(),
            ContentInfo::AuthEnveloped(data) => data.recipients()[0].der().into_owned(),
            other => panic!("{other:?}"),
        };
        let mut key = SoftwareKey::from_pkcs8(&key(name), |len| vec![1; len as usize]).expect("a key");
        key.unwrap_key(&info, 32).expect("a content key")
    };
    let names = ["carol", "bob", "mallory"];
    let keys: BTreeSet<_> =
        [cbc, gcm].iter().flat_map(|copies| copies.iter().zip(names).map(content_key).collect::<Vec<_>>()).collect();
    assert_eq!(keys.len(), 6);
    assert!(!keys.contains(&vec![1; 32]), "each was unwrapped");
}

#[test]
fn e7b_the_key_is_wrapped_with_a_cipher_of_the_same_size_as_the_content() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.sign = Demand::Never;
    // aes128-CBC, and nothing more.
    let small = hex!("300d 300b 0609608648016503040102").to_vec();
    // AES keeps the algorithms of a size together: 1 to 9 have 128 bits, 41 to 49 have 256 (RFC 3565, RFC 3394, RFC 5084).
    for (assumption, capabilities, content_cipher, wrap) in [
        (Assumption::Compatible, None, 42, 45),
        (Assumption::Modern, None, 46, 45),
        (Assumption::Modern, Some(small), 2, 5),
    ] {
        for name in ["p256", "p384", "p521", "x25519"] {
            let pem = octets(&format!("../curves/certificates/{name}.pem"));
            let base64: String =
                String::from_utf8_lossy(&pem).lines().filter(|line| !line.starts_with("-----")).collect();
            let certificate = base64_simd::STANDARD.decode_to_vec(base64).expect("base64");
            let entry = Entry { certificate, pinned: true, capabilities: capabilities.clone() };
            peer.entries.insert("carol@lan.example".to_owned(), vec![entry]);
            peer.outbound.unknown_peer = assumption;
            let copies = deliveries(peer.send(&["carol@lan.example"], MESSAGE));
            let encoded = structure(content(&copies[0]));
            let aes = hex!("060960864801650304 01");
            let found = encoded.windows(11).filter(|w| w.starts_with(&aes)).map(|w| w[10]);
            assert_eq!(found.collect::<Vec<_>>(), [wrap, content_cipher], "{name} {assumption:?}");
        }
    }
}

#[test]
fn t37_bcc_of_a_message_sent_again() {
    let message = b"Resent-To: carol@lan.example\r\nResent-Bcc: bob@peer.example\r\nFrom: alice@peer.example\r\n\
        To: dave@lan.example\r\n\r\nhello\r\n";
    for demand in [Demand::Required, Demand::Never] {
        let mut peer = People::with_keys_of(&["alice"]);
        peer.outbound.encrypt = demand;
        peer.outbound.sign = demand;
        let text = delivered(peer.send(&["carol@lan.example"], message), message);
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("bob@peer.example") && text.contains("Resent-To: carol@lan.example"), "{text}");
    }
}

#[test]
fn t14_a_certificate_of_several_recipients_has_one_recipient_info() {
    let message = b"From: alice@peer.example\r\nTo: carol@lan.example, info@lan.example\r\n\r\nhello\r\n";
    let mut peer = People::with_keys_of(&["alice"]);
    let shared = Entry { certificate: certificate("carol"), pinned: true, capabilities: None };
    peer.entries.insert("info@lan.example".to_owned(), vec![shared]);
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    lan.keys.insert("info@lan.example".to_owned(), vec!["carol".to_owned()]);
    for recipients in [["carol@lan.example", "info@lan.example"], ["carol@lan.example", "carol@lan.example"]] {
        let wire = delivered(peer.send(&recipients, message), message);
        let arrived = delivered(lan.receive(&recipients, &wire), &wire);
        assert!(String::from_utf8_lossy(&arrived).contains("hello"));
    }
}

#[test]
fn t34_missing_recipient_key() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.entries.remove("dave@lan.example");
    match peer.send(&["carol@lan.example", "dave@lan.example", "frank@lan.example"], MESSAGE) {
        Verdict::Reject(reply) => {
            assert_eq!((reply.code, reply.subject, reply.detail), (550, 7, 5));
            assert!(reply.text.contains("dave@lan.example, frank@lan.example") && !reply.text.contains("carol"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(peer.private_key_operations(), 0);
    peer.outbound.encrypt = Demand::Opportunistic;
    let copies = deliveries(peer.send(&["carol@lan.example", "dave@lan.example"], MESSAGE));
    assert_eq!(copies.len(), 2);
    assert!(!String::from_utf8_lossy(content(&copies[0])).contains("hello"));
    assert!(String::from_utf8_lossy(content(&copies[1])).contains("hello"), "signed only");
    assert!(String::from_utf8_lossy(content(&copies[1])).contains("multipart/signed"));
    assert!(peer.reported("protected", Some("signed")));
}

#[test]
fn an_expired_certificate_is_no_certificate() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.now = 4_000_000_000;
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], MESSAGE)), "550 5.7.5");
}

#[test]
fn a_certificate_of_someone_else_is_not_used() {
    let mut peer = People::with_keys_of(&["alice"]);
    let wrong = Entry { certificate: certificate("mallory"), pinned: false, capabilities: None };
    peer.entries.insert("carol@lan.example".to_owned(), vec![wrong]);
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], MESSAGE)), "550 5.7.5");
    assert!(peer.reported("certificate-unusable", Some("certificate-address")));
}

#[test]
fn t38_double_processing() {
    let mut peer = People::with_keys_of(&["alice"]);
    let sealed = delivered(peer.send(&["carol@lan.example"], MESSAGE), MESSAGE);
    // It may pass a second gateway, or the same one once more.
    let again = peer.send(&["carol@lan.example"], &sealed);
    assert_eq!(deliveries(again)[0].content, Content::Unchanged);
    // A message signed by the client is not touched: the layers go around it.
    let entity = forge::sign("alice", b"Content-Type: text/plain\r\n\r\nmine\r\n");
    let signed = forge::message("alice@peer.example", &entity);
    let wire = delivered(peer.send(&["carol@lan.example"], &signed), &signed);
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    let arrived = String::from_utf8(delivered(lan.receive(&["carol@lan.example"], &wire), &wire)).expect("text");
    assert!(arrived.contains("mine") && arrived.matches("smime=pass").count() >= 2, "{arrived}");
}

#[test]
fn t39_submitter_spoof() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.denied.push("alice@peer.example".to_owned());
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], MESSAGE)), "550 5.7.1");
    assert_eq!(peer.private_key_operations(), 0);
    let two = [b"From: bob@peer.example\r\n", MESSAGE].concat();
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], &two)), "550 5.7.1");
}

#[test]
fn no_signing_key_where_a_signature_is_required() {
    let mut peer = People::with_keys_of(&[]);
    assert_eq!(rejected(&peer.send(&["carol@lan.example"], MESSAGE)), "550 5.7.5");
    peer.outbound.sign = Demand::Opportunistic;
    assert!(
        !String::from_utf8_lossy(&delivered(peer.send(&["carol@lan.example"], MESSAGE), MESSAGE)).contains("hello")
    );
}

#[test]
fn a_directory_out_of_reach_defers_and_nothing_goes_out() {
    for service in ["certificates", "identities", "anchors", "keys"] {
        let mut peer = People::with_keys_of(&["alice"]);
        peer.outbound.encrypt = Demand::Opportunistic;
        peer.unavailable.push(service);
        assert_eq!(deferred(&peer.send(&["carol@lan.example"], MESSAGE)), "451 4.7.5", "{service}");
    }
}

#[test]
fn each_recipient_gets_what_its_policy_says() {
    let mut peer = People::with_keys_of(&["alice"]);
    let mut signed_only = OUTBOUND;
    signed_only.encrypt = Demand::Never;
    let mut client_like = OUTBOUND;
    client_like.order = Order::SignThenEncrypt;
    peer.outbound_of.insert("dave@lan.example".to_owned(), signed_only);
    peer.outbound_of.insert("carol@lan.example".to_owned(), client_like);
    let copies = deliveries(peer.send(&["carol@lan.example", "dave@lan.example"], MESSAGE));
    assert_eq!(copies.len(), 2);
    assert!(String::from_utf8_lossy(content(&copies[0])).contains("smime-type=enveloped-data"));
    assert!(String::from_utf8_lossy(content(&copies[1])).contains("hello"));
    assert_eq!(peer.private_key_operations(), 2);
}

#[test]
fn nothing_asked_nothing_done() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.sign = Demand::Never;
    peer.outbound.encrypt = Demand::Never;
    let message = b"From: alice@peer.example\r\nTo: carol@lan.example\r\n\r\nhi\r\n";
    assert_eq!(deliveries(peer.send(&["carol@lan.example"], message))[0].content, Content::Unchanged);
    assert!(peer.reported("sent-clear", None));
    let with_bcc = delivered(peer.send(&["carol@lan.example"], MESSAGE), MESSAGE);
    assert!(!String::from_utf8_lossy(&with_bcc).contains("Bcc:") && with_bcc.ends_with(b"\r\nhello\r\n"));
}

#[test]
fn e2b_what_no_encoding_makes_seven_bit_is_signed_out_of_sight() {
    // The file name of an attachment in raw Latin-1 belongs to what is signed.
    let mut message = b"From: alice@peer.example\r\nTo: carol@lan.example\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; name=\"caf"
        .to_vec();
    message.extend(b"\xe9.txt\"\r\n\r\nhello\r\n--b--\r\n");
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.encrypt = Demand::Never;
    let wire = delivered(peer.send(&["carol@lan.example"], &message), &message);
    assert!(wire.is_ascii() && String::from_utf8_lossy(&wire).contains("smime-type=signed-data"));
    let mut lan = People::with_keys_of(&[]);
    lan.inbound.verify = Demand::Required;
    let arrived = delivered(lan.receive(&["carol@lan.example"], &wire), &wire);
    assert!(arrived.windows(9).any(|w| w == b"caf\xe9.txt\""));
}
