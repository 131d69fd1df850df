//! What holds for any message: it arrives as it was sent, whatever the layers;
//! and no octet of it can be changed on the way.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use smime::Verdict;
use smime::budget::Budget;
use smime::host::{Assumption, Demand, Order, OutboundPolicy, SignatureForm};
use smime::mime::{Entity, canonical};
use support::{OUTBOUND, People, delivered};

/// Any text or octets as the body of a leaf.
fn leaf() -> impl Strategy<Value = Vec<u8>> {
    let text = vec("[ -~]{0,100}", 0..8).prop_map(|lines| {
        let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{body}").into_bytes()
    });
    let utf8 = vec("\\PC{0,60}", 1..5).prop_map(|lines| {
        let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}").into_bytes()
    });
    let long = (1000usize..3000).prop_map(|len| {
        format!("Content-Type: text/html\r\nContent-Disposition: inline\r\n\r\n{}\r\n", "x".repeat(len)).into_bytes()
    });
    let base64 = vec(any::<u8>(), 0..400).prop_map(|octets| {
        let mut entity =
            b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
        smime::mime::writer::append_base64(&mut entity, &octets);
        entity
    });
    let bare = "[ -~]{0,40}".prop_map(|line| format!("\r\n{line}\r\n").into_bytes());
    prop_oneof![text, utf8, long, base64, bare]
}

/// Any entity: leaves in multiparts in multiparts, or in attached messages.
fn entity() -> impl Strategy<Value = Vec<u8>> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let multipart = (vec(inner.clone(), 1..4), 0u32..1_000_000).prop_map(|(parts, id)| {
            let mut out =
                format!("Content-Type: multipart/mixed; boundary=\"b{id}x\"\r\n\r\npreamble\r\n").into_bytes();
            for part in parts {
                out.extend(format!("--b{id}x\r\n").bytes());
                out.extend(part);
                out.extend(b"\r\n");
            }
            out.extend(format!("--b{id}x--\r\nepilogue\r\n").bytes());
            out
        });
        let attached = inner
            .prop_map(|entity| [b"Content-Type: message/rfc822\r\n\r\nFrom: x@y\r\n".as_slice(), &entity].concat());
        prop_oneof![3 => multipart, 1 => attached]
    })
}

fn policy() -> impl Strategy<Value = OutboundPolicy> {
    let order = prop_oneof![Just(Order::EncryptThenSign), Just(Order::SignThenEncrypt), Just(Order::TripleWrap)];
    let assumption = prop_oneof![Just(Assumption::Compatible), Just(Assumption::Modern)];
    let form = prop_oneof![Just(SignatureForm::Detached), Just(SignatureForm::Opaque)];
    let encrypt = prop_oneof![1 => Just(Demand::Never), 4 => Just(Demand::Required)];
    (order, assumption, form, encrypt).prop_map(|(order, unknown_peer, form, encrypt)| OutboundPolicy {
        order,
        unknown_peer,
        form,
        encrypt,
        ..OUTBOUND
    })
}

fn message(entity: &[u8]) -> Vec<u8> {
    [b"From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: any\r\nMIME-Version: 1.0\r\n", entity].concat()
}

fn entity_of(message: &[u8]) -> Vec<u8> {
    let mut budget = Budget::for_message(message.len());
    canonical::take_entity(&Entity::parse(message, &mut budget).expect("a message"))
}

fn seven_bit(entity: &[u8]) -> Vec<u8> {
    let mut budget = Budget::for_message(entity.len());
    let parsed = Entity::parse(entity, &mut budget).expect("an entity");
    canonical::seven_bit(&parsed, &mut budget).expect("can be encoded").into_owned()
}

fn strict() -> People {
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    lan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Out and in again gives the same entity, bit for bit: what was sent if a
    /// relay could carry it, else its 7-bit form, which means the same.
    #[test]
    fn any_message_arrives_as_it_was_sent(entity in entity(), policy in policy()) {
        let message = message(&entity);
        let mut peer = People::with_keys_of(&["alice"]);
        peer.outbound = policy;
        let wire = delivered(peer.send(&["carol@lan.example"], &message), &message);
        prop_assert!(wire.is_ascii());
        let arrived = delivered(strict().receive(&["carol@lan.example"], &wire), &wire);
        let expected = seven_bit(&entity);
        // A label that says 8bit over content that is not is corrected.
        if canonical::is_seven_bit(&entity) && !entity.windows(4).any(|w| w == b"8bit") {
            prop_assert_eq!(&expected, &entity);
        }
        prop_assert_eq!(entity_of(&arrived), expected);
    }

    /// T1: any one bit flipped anywhere; what arrives, if it does, is the same.
    #[test]
    fn t01_any_flipped_bit_is_refused_or_changes_nothing(
        entity in leaf(), policy in policy(), at in any::<prop::sample::Index>(), bit in 0u8..8
    ) {
        let message = message(&entity);
        let mut peer = People::with_keys_of(&["alice"]);
        peer.outbound = policy;
        let wire = delivered(peer.send(&["carol@lan.example"], &message), &message);
        let expected = delivered(strict().receive(&["carol@lan.example"], &wire), &wire);
        let mut altered = wire.clone();
        let at = at.index(altered.len());
        altered[at] ^= 1 << bit;
        let mut lan = strict();
        if let Verdict::Deliver(_) = lan.receive(&["carol@lan.example"], &altered) {
            let arrived = delivered(strict().receive(&["carol@lan.example"], &altered), &altered);
            prop_assert_eq!(entity_of(&arrived), entity_of(&expected));
        }
    }

    /// Octets that are no message at all get an answer.
    #[test]
    fn any_octets_get_a_verdict(octets in vec(any::<u8>(), 0..600)) {
        let mut lan = strict();
        lan.receive(&["carol@lan.example"], &octets);
        let mut peer = People::with_keys_of(&["alice"]);
        peer.send(&["carol@lan.example"], &octets);
    }
}
