//! Any octets as a message, in both directions, and as the CMS structure in
//! one: the verdict covers every recipient, its reply keeps the rules, and what
//! goes out comes in again as it was.
#![no_main]

#[path = "../../smime/tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use smime::budget::Budget;
use smime::mime::{Entity, canonical};
use smime::{Content, Reply, Verdict};
use support::People;

const RECIPIENTS: [&str; 2] = ["carol@lan.example", "dave@lan.example"];

fuzz_target!(|data: &[u8]| {
    // The length picks the way, so that any message is a seed as it is.
    match data.len() % 4 {
        0 => check(&People::with_keys_of(&["carol", "dave"]).receive(&RECIPIENTS, data)),
        1 => check(&People::with_keys_of(&["carol"]).send(&["alice@peer.example", "bob@peer.example"], data)),
        2 => {
            let mut message = b"From: alice@peer.example\r\nMIME-Version: 1.0\r\n\
                Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                .to_vec();
            for line in base64_simd::STANDARD.encode_to_string(data).as_bytes().chunks(76) {
                message.extend_from_slice(line);
                message.extend_from_slice(b"\r\n");
            }
            check(&People::with_keys_of(&["carol", "dave"]).receive(&RECIPIENTS, &message));
        }
        _ => out_and_in(data),
    }
});

/// What the contract asks of any verdict.
fn check(verdict: &Verdict) {
    match verdict {
        Verdict::Deliver(deliveries) => {
            let mut covered: Vec<u32> = deliveries.iter().flat_map(|delivery| delivery.recipients.clone()).collect();
            covered.sort_unstable();
            assert_eq!(covered, [0, 1]);
        }
        Verdict::Reject(reply) => keeps_the_rules(reply, 5),
        Verdict::Defer(reply) => keeps_the_rules(reply, 4),
    }
}

fn keeps_the_rules(reply: &Reply, class: u16) {
    assert_eq!(reply.code / 100, class);
    assert!(reply.text.len() <= 480 && reply.text.chars().all(|c| c.is_ascii_graphic() || c == ' '));
}

/// carol sends `data` as an entity to alice.
fn out_and_in(data: &[u8]) {
    let header = b"From: carol@lan.example\r\nTo: alice@peer.example\r\nMIME-Version: 1.0\r\n";
    let lower = data.to_ascii_lowercase();
    if ["pkcs7", "multipart/signed", ".p7"].iter().any(|word| lower.windows(word.len()).any(|w| w == word.as_bytes())) {
        // It may be S/MIME already, and then nobody knows what becomes of it.
        return;
    }
    let message = [&header[..], data].concat();
    let Verdict::Deliver(sent) = People::with_keys_of(&["carol"]).send(&["alice@peer.example"], &message) else {
        return;
    };
    let [sent] = sent.as_slice() else { panic!("one recipient, one delivery") };
    let Content::Rewritten(sent) = &sent.content else { panic!("it was to be protected") };
    let received = support::delivered(People::with_keys_of(&["alice"]).receive(&["alice@peer.example"], sent), sent);
    let entity = |message: &[u8]| {
        let mut budget = Budget::for_message(message.len());
        let entity = canonical::take_entity(&Entity::parse(message, &mut budget).expect("an entity"));
        let parsed = Entity::parse(&entity, &mut budget).expect("an entity");
        canonical::seven_bit(&parsed, &mut budget).expect("7-bit").into_owned()
    };
    assert_eq!(entity(&received), entity(&message));
}
