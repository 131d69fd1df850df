//! Foreign mail without S/MIME: it passes unchanged, and comes back as it was
//! when it is wrapped and unwrapped.

#[path = "support/corpora.rs"]
mod foreign;
mod support;

use foreign::corpora;
use smime::budget::Budget;
use smime::host::Demand;
use smime::mime::{Entity, canonical};
use smime::{Content, Verdict};
use support::{People, delivered};

#[test]
fn mime_torture_passes_unchanged_and_survives_wrapping() {
    let Some(folder) = corpora("mime-torture-thunderbird") else { return };
    let mut read = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("an entry").path();
        let raw = std::fs::read(&path).expect("readable");
        let mut message = crlf(&raw);
        // Some begin with the line of a mailbox file.
        if message.starts_with(b"From ") {
            let at = message.windows(2).position(|w| w == b"\r\n").expect("a line");
            message.drain(..at + 2);
        }
        match People::with_keys_of(&["carol"]).receive(&["carol@lan.example"], &message) {
            Verdict::Deliver(deliveries) => assert_eq!(deliveries[0].content, Content::Unchanged, "{path:?}"),
            other => panic!("{path:?}: {other:?}"),
        }
        wrap_and_unwrap(&message, &path);
        read += 1;
    }
    assert!(read >= 10, "the folder has its files");
}

fn wrap_and_unwrap(message: &[u8], path: &std::path::Path) {
    let mut budget = Budget::for_message(message.len());
    let parsed = Entity::parse(message, &mut budget).expect("a message");
    let mut renamed = b"From: alice@peer.example\r\n".to_vec();
    renamed.extend(parsed.header().without(&["From", "Sender", "Bcc", "To", "Cc"]));
    renamed.extend(b"To: carol@lan.example\r\n\r\n");
    renamed.extend(parsed.body());
    let mut peer = People::with_keys_of(&["alice"]);
    let wire = delivered(peer.send(&["carol@lan.example"], &renamed), &renamed);
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    let arrived = delivered(lan.receive(&["carol@lan.example"], &wire), &wire);
    let entity = canonical::take_entity(&parsed);
    let entity = Entity::parse(&entity, &mut budget).expect("an entity");
    let expected = canonical::seven_bit(&entity, &mut budget).expect("can be encoded").into_owned();
    let arrived = canonical::take_entity(&Entity::parse(&arrived, &mut budget).expect("a message"));
    assert!(arrived == expected, "{path:?}");
}

fn crlf(raw: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = raw.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    lines.join(b"\r\n".as_slice())
}
