//! Mail goes out of one organisation and into another, and arrives as it was.

mod support;

use smime::host::{Assumption, Demand, Order, SignatureForm};
use smime::{Content, Verdict};
use support::{People, delivered, rejected, split};

const PLAIN: &[u8] = b"From: Alice <alice@peer.example>\r\nTo: carol@lan.example\r\nSubject: Lunch\r\n\
MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nAt noon?\r\n-- \r\nAlice\r\n";

fn entity(message: &[u8]) -> Vec<u8> {
    let (header, body) = split(message);
    let header = String::from_utf8_lossy(header).into_owned();
    let fields: String = header.split_inclusive("\r\n").filter(|line| line.starts_with("Content-")).collect();
    [fields.as_bytes(), b"\r\n", body].concat()
}

/// Sends from the peer to the LAN, and gives what is on the wire and what
/// arrives.
fn exchange(peer: &mut People, lan: &mut People, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let wire = delivered(peer.send(&["carol@lan.example"], message), message);
    let arrived = delivered(lan.receive(&["carol@lan.example"], &wire), &wire);
    (wire, arrived)
}

#[test]
fn every_order_and_cipher_arrives_as_it_was_sent() {
    for order in [Order::EncryptThenSign, Order::SignThenEncrypt, Order::TripleWrap] {
        for unknown_peer in [Assumption::Compatible, Assumption::Modern] {
            for form in [SignatureForm::Detached, SignatureForm::Opaque] {
                let mut peer = People::with_keys_of(&["alice"]);
                peer.outbound.order = order;
                peer.outbound.unknown_peer = unknown_peer;
                peer.outbound.form = form;
                let mut lan = People::with_keys_of(&["carol"]);
                lan.inbound.verify = Demand::Required;
                let (wire, arrived) = exchange(&mut peer, &mut lan, PLAIN);
                assert!(!String::from_utf8_lossy(&wire).contains("noon"), "clear text on the wire");
                assert_eq!(entity(&arrived), entity(PLAIN), "{order:?} {unknown_peer:?} {form:?}");
                assert!(String::from_utf8_lossy(&arrived).contains("smime=pass"));
                assert_eq!(lan.private_key_operations(), 1);
                assert_eq!(lan.offers.first().map(|(owner, _)| owner.as_str()), Some("alice@peer.example"));
            }
        }
    }
}

#[test]
fn a_pss_key_signs_with_its_own_scheme() {
    let message = String::from_utf8_lossy(PLAIN).replace("alice@peer", "erin@peer").into_bytes();
    let mut peer = People::with_keys_of(&["erin"]);
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    let (_, arrived) = exchange(&mut peer, &mut lan, &message);
    assert_eq!(entity(&arrived), entity(&message));
}

#[test]
fn signed_only_is_read_by_everybody_and_verified_by_us() {
    for form in [SignatureForm::Detached, SignatureForm::Opaque] {
        let mut peer = People::with_keys_of(&["alice"]);
        peer.outbound.encrypt = Demand::Never;
        peer.outbound.form = form;
        let mut lan = People::with_keys_of(&[]);
        lan.inbound.verify = Demand::Required;
        let (wire, arrived) = exchange(&mut peer, &mut lan, PLAIN);
        assert_eq!(String::from_utf8_lossy(&wire).contains("noon"), form == SignatureForm::Detached);
        assert_eq!(entity(&arrived), entity(PLAIN));
        assert_eq!(lan.private_key_operations(), 0);
    }
}

#[test]
fn eight_bit_text_arrives_with_the_same_meaning() {
    let message = "From: alice@peer.example\r\nTo: carol@lan.example\r\nContent-Type: text/plain; charset=utf-8\r\n\
                   Content-Transfer-Encoding: 8bit\r\n\r\n\u{4eca}\u{65e5}\u{306f}\r\n"
        .as_bytes();
    let mut peer = People::with_keys_of(&["alice"]);
    let mut lan = People::with_keys_of(&["carol"]);
    let (wire, arrived) = exchange(&mut peer, &mut lan, message);
    assert!(wire.is_ascii());
    let mut budget = smime::budget::Budget::for_message(arrived.len());
    let parsed = smime::mime::Entity::parse(&arrived, &mut budget).expect("a message");
    let body = parsed.decoded_body(&mut budget).expect("decodes");
    assert_eq!(body.as_ref(), "\u{4eca}\u{65e5}\u{306f}\r\n".as_bytes());
}

#[test]
fn keep_signature_delivers_it_as_it_came_and_says_so() {
    let mut peer = People::with_keys_of(&["alice"]);
    peer.outbound.encrypt = Demand::Never;
    let mut lan = People::with_keys_of(&[]);
    lan.inbound.keep_signature = true;
    let (wire, arrived) = exchange(&mut peer, &mut lan, PLAIN);
    assert!(arrived.ends_with(&wire));
    assert!(arrived.starts_with(b"Authentication-Results: mail.lan.example; smime=pass"));
}

#[test]
fn mail_without_smime_is_unchanged_bit_for_bit() {
    let mut lan = People::with_keys_of(&["carol"]);
    match lan.receive(&["carol@lan.example", "dave@lan.example"], PLAIN) {
        Verdict::Deliver(deliveries) => {
            assert_eq!(deliveries.len(), 1);
            assert_eq!(
                (deliveries[0].recipients.as_slice(), &deliveries[0].content),
                (&[0, 1][..], &Content::Unchanged)
            );
        }
        other => panic!("{other:?}"),
    }
    lan.inbound.verify = Demand::Required;
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], PLAIN)), "550 5.7.1");
}
