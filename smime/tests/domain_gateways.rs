//! Gateways sign and decrypt for whole domains (RFC 3183).

mod support;

use smime::cms::Cipher;
use smime::cms::attributes::{domain_attributes, signed_attributes};
use smime::cms::signed_data::Signer;
use smime::host::{Demand, Entry, Order};
use support::{People, certificate, delivered, forge, rejected};

const PLAIN: &[u8] = b"From: Frank <frank@peer.example>\r\nTo: gina@lan.example\r\nSubject: Lunch\r\n\
MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nAt noon?\r\n";
const SIGNING: &str = "domain-signing-authority@peer.example";
const CONFIDENTIALITY: &str = "domain-confidentiality-authority@lan.example";

fn entry(name: &str) -> Entry {
    Entry { certificate: certificate(&format!("../domains/{name}")), pinned: false, capabilities: None }
}

/// Nobody here has a key but the domain.
fn site() -> People {
    let mut people = People::with_keys_of(&[]);
    people.anchors.push(certificate("../domains/ca"));
    people.entries.insert(SIGNING.into(), vec![entry("signing")]);
    people.entries.insert(CONFIDENTIALITY.into(), vec![entry("confidentiality")]);
    people
}

fn peer() -> People {
    let mut peer = site();
    peer.keys.insert(SIGNING.into(), vec!["../domains/signing".into()]);
    peer
}

fn lan() -> People {
    let mut lan = site();
    lan.keys.insert(CONFIDENTIALITY.into(), vec!["../domains/confidentiality".into()]);
    lan.inbound.verify = Demand::Required;
    lan
}

fn text(message: Vec<u8>) -> String {
    String::from_utf8(message).expect("text")
}

fn entity(message: &str) -> String {
    let (header, body) = message.split_once("\r\n\r\n").expect("an empty line");
    let fields: String = header.split("\r\n").filter(|line| line.starts_with("Content-")).collect();
    format!("{fields}\r\n\r\n{body}")
}

#[test]
fn g7_domain_to_domain_in_every_order() {
    for order in [Order::EncryptThenSign, Order::SignThenEncrypt, Order::TripleWrap] {
        let mut peer = peer();
        peer.outbound.order = order;
        let wire = delivered(peer.send(&["gina@lan.example"], PLAIN), PLAIN);
        assert!(!text(wire.clone()).contains("noon"));
        assert!(peer.reported("domain-key-used", Some("gina@lan.example")));
        let mut lan = lan();
        let arrived = text(delivered(lan.receive(&["gina@lan.example"], &wire), &wire));
        assert!(arrived.contains("smime=pass"), "{order:?}: {arrived}");
        assert!(arrived.replace("\r\n ", " ").contains(&format!("body.smime-identifier={SIGNING}")), "{arrived}");
        assert_eq!(entity(&arrived), entity(&text(PLAIN.to_vec())), "{order:?}");
        assert!(lan.reported("signature-verified", Some("domain")));
        assert!(lan.offers.is_empty(), "an authority is filed by the operator");
    }
}

#[test]
fn g4_what_nobody_signed_gets_a_layer_without_signers_first() {
    let mut peer = peer();
    peer.outbound.encrypt = Demand::Never;
    let wire = delivered(peer.send(&["gina@lan.example"], PLAIN), PLAIN);
    let shown = text(wire.clone());
    assert!(shown.contains("multipart/signed") && shown.contains("smime-type=signed-data"));
    assert!(!shown.contains("noon"), "it lies in the layer without signers");
    let arrived = text(delivered(lan().receive(&["gina@lan.example"], &wire), &wire));
    assert!(arrived.contains("smime=pass") && arrived.ends_with("At noon?\r\n"));
}

#[test]
fn g5_a_domain_signs_around_good_signatures_only() {
    let entity = b"Content-Type: text/plain\r\n\r\nAt noon?\r\n";
    // Alice signed herself, elsewhere; here she has no key.
    let signed = forge::message("alice@peer.example", &forge::sign("alice", entity));
    let wire = delivered(peer().send(&["gina@lan.example"], &signed), &signed);
    let arrived = text(delivered(lan().receive(&["gina@lan.example"], &wire), &wire));
    assert!(arrived.contains("smime=pass") && arrived.contains("alice@peer.example"));
    // A signature by somebody else under alice's name.
    let forged = forge::message("alice@peer.example", &forge::sign("mallory", entity));
    assert_eq!(rejected(&peer().send(&["gina@lan.example"], &forged)), "550 5.7.5");
    // An altered one.
    let altered = text(signed).replace("noon", "once").into_bytes();
    assert_eq!(rejected(&peer().send(&["gina@lan.example"], &altered)), "550 5.7.7");
}

#[test]
fn g6_only_the_authority_on_file_speaks_for_its_domain() {
    let wire = delivered(peer().send(&["gina@lan.example"], PLAIN), PLAIN);
    // Not on file here.
    let mut lan_without = lan();
    lan_without.entries.remove(SIGNING);
    assert_eq!(rejected(&lan_without.receive(&["gina@lan.example"], &wire)), "550 5.7.1");
    // Somebody who could have that address, and is on file for it.
    let mut fooled = peer();
    fooled.keys.insert(SIGNING.into(), vec!["../domains/somebody".into()]);
    let wire = delivered(fooled.send(&["gina@lan.example"], PLAIN), PLAIN);
    let mut lan_with = lan();
    lan_with.entries.insert(SIGNING.into(), vec![entry("somebody")]);
    assert_eq!(rejected(&lan_with.receive(&["gina@lan.example"], &wire)), "550 5.7.1");
    // For another domain.
    let other = text(PLAIN.to_vec()).replace("frank@peer.example", "frank@evil.example").into_bytes();
    let mut lan = lan();
    lan.entries.insert("domain-signing-authority@evil.example".into(), vec![entry("signing")]);
    let mut evil = peer();
    evil.keys.insert("domain-signing-authority@evil.example".into(), vec!["../domains/signing".into()]);
    let wire = delivered(evil.send(&["gina@lan.example"], &other), &other);
    assert_eq!(rejected(&lan.receive(&["gina@lan.example"], &wire)), "550 5.7.1");
}

#[test]
fn g1_a_second_common_name_beside_the_word_speaks_for_nobody() {
    let two_names = "../defects/two-names";
    let mut lan = lan();
    lan.anchors.push(certificate("../defects/ca"));
    lan.entries.insert(SIGNING.into(), vec![Entry { certificate: certificate(two_names), ..entry("signing") }]);
    let signed = |name: &str, holder: &str| {
        let certificate = forge::parsed(name);
        let content = b"Content-Type: text/plain\r\n\r\nAt noon?\r\n";
        let signer = forge::signer(&certificate, holder, content, domain_attributes);
        forge::message("frank@peer.example", &forge::multipart(content, &[signer], &[certificate.encoded()]))
    };
    let message = signed(two_names, "alice");
    assert_eq!(rejected(&lan.receive(&["gina@lan.example"], &message)), "550 5.7.1");
    lan.entries.insert(SIGNING.into(), vec![entry("signing")]);
    let message = signed("../domains/signing", "../domains/signing");
    assert!(text(delivered(lan.receive(&["gina@lan.example"], &message), &message)).contains("smime=pass"));
}

#[test]
fn g3_signers_who_disagree_about_what_they_sign_for_are_refused() {
    let content = b"Content-Type: text/plain\r\n\r\nAt noon?\r\n";
    let (signing, alice) = (forge::parsed("../domains/signing"), forge::parsed("alice"));
    let by_domain = || forge::signer(&signing, "../domains/signing", content, domain_attributes);
    let by_alice = |attributes| forge::signer(&alice, "alice", content, attributes);
    let message = |signers: &[Signer<'_>]| {
        let certificates = [signing.encoded(), alice.encoded()];
        forge::message("alice@peer.example", &forge::multipart(content, signers, &certificates))
    };
    let agreed = message(&[by_domain(), by_alice(domain_attributes)]);
    assert!(text(delivered(lan().receive(&["gina@lan.example"], &agreed), &agreed)).contains("smime=pass"));
    let mut lan = lan();
    let mixed = message(&[by_domain(), by_alice(signed_attributes)]);
    assert_eq!(rejected(&lan.receive(&["gina@lan.example"], &mixed)), "550 5.7.7");
    assert_eq!(lan.private_key_operations(), 0);
}

#[test]
fn g2_a_domain_speaks_for_those_below_it() {
    let below = text(PLAIN.to_vec()).replace("frank@peer.example", "frank@sales.peer.example").into_bytes();
    let mut peer = peer();
    peer.keys.insert("domain-signing-authority@sales.peer.example".into(), vec!["../domains/signing".into()]);
    let wire = delivered(peer.send(&["gina@lan.example"], &below), &below);
    let mut lan = lan();
    lan.entries.insert("domain-signing-authority@sales.peer.example".into(), vec![entry("signing")]);
    assert!(text(delivered(lan.receive(&["gina@lan.example"], &wire), &wire)).contains("smime=pass"));
}

#[test]
fn g7_a_user_with_a_key_is_encrypted_to_and_the_domain_is_not() {
    let mut peer = peer();
    let to_carol = text(PLAIN.to_vec()).replace("gina@", "carol@").into_bytes();
    let wire = delivered(peer.send(&["carol@lan.example"], &to_carol), &to_carol);
    assert!(!peer.reported("domain-key-used", None));
    let mut lan = lan();
    lan.inbound.decrypt = Demand::Required;
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &wire)), "550 5.7.5");
}

#[test]
fn t10_the_key_of_a_domain_opens_nothing_for_another_domain() {
    let ciphertext =
        forge::encrypt(&["../domains/confidentiality"], b"Content-Type: text/plain\r\n\r\nHi.\r\n", Cipher::Aes256Gcm);
    let message = forge::message("alice@peer.example", &ciphertext);
    let mut lan = lan();
    lan.inbound.verify = Demand::Opportunistic;
    let arrived = delivered(lan.receive(&["gina@elsewhere.example"], &message), &message);
    assert_eq!(arrived, message);
    assert_eq!(lan.private_key_operations(), 0);
    assert!(text(delivered(lan.receive(&["gina@lan.example"], &message), &message)).ends_with("Hi.\r\n"));
}

#[test]
fn a_domain_is_asked_about_where_its_key_may_count() {
    let entity = b"Content-Type: text/plain\r\n\r\nAt noon?\r\n";
    let asked = |message: &[u8], recipient: &str| {
        let mut lan = lan();
        lan.keys.insert("carol@lan.example".into(), vec!["carol".into()]);
        let arrived = text(delivered(lan.receive(&[recipient], message), message));
        assert!(arrived.contains("smime=pass"), "{arrived}");
        lan.asked.contains(&SIGNING.to_owned())
    };
    let signed = forge::sign("alice", entity);
    let sealed = |entity: &[u8]| forge::encrypt(&["carol"], entity, Cipher::Aes256Gcm);
    let bound = [b"From: alice@peer.example\r\n", entity.as_slice()].concat();
    for (entity, expected) in [
        (signed.clone(), false),
        (forge::sign("alice", &sealed(&bound)), false),
        // Who signed inside is not to be seen before a key is used.
        (sealed(&signed), true),
    ] {
        assert_eq!(asked(&forge::message("alice@peer.example", &entity), "carol@lan.example"), expected);
    }
    let wire = delivered(peer().send(&["gina@lan.example"], PLAIN), PLAIN);
    assert!(asked(&wire, "gina@lan.example"));
}
