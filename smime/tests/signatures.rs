//! What a signature is worth: who made it, with which certificate, when, and
//! what the reader is told.

mod support;

use der::asn1::ObjectIdentifier;
use rsa::pkcs8::DecodePrivateKey;
use smime::cms::attributes::signed_attributes;
use smime::cms::signed_data;
use smime::crypto::DigestAlgorithm;
use smime::host::{Demand, Entry};
use smime::x509::Certificate;
use support::{NOW, People, certificate, delivered, forge, key, rejected};

const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nPay mallory.\r\n";
const CAROL: [&str; 1] = ["carol@lan.example"];

/// Carol's organisation, where signatures are welcome and not required.
fn lan() -> People {
    let mut lan = People::with_keys_of(&["carol"]);
    lan.anchors.push(certificate("../defects/ca"));
    lan
}

fn strict() -> People {
    let mut lan = lan();
    lan.inbound.verify = Demand::Required;
    lan
}

/// What carol gets, with long fields on one line.
fn arrived(lan: &mut People, message: &[u8]) -> String {
    let text = String::from_utf8(delivered(lan.receive(&CAROL, message), message)).expect("text");
    text.replace("\r\n ", " ")
}

/// A message by the holder of a key, who says that this certificate is hers.
fn signed(name: &str, holder: &str) -> Vec<u8> {
    let certificate = forge::parsed(&format!("../defects/{name}"));
    let signer = forge::signer(&certificate, holder, ENTITY, signed_attributes);
    forge::message("alice@peer.example", &forge::multipart(ENTITY, &[signer], &[certificate.encoded()]))
}

/// What becomes of it where a signature is required, and where it is not.
#[track_caller]
fn refused(message: &[u8], status: &str, result: &str) {
    let mut lan = strict();
    assert_eq!(rejected(&lan.receive(&CAROL, message)), status);
    assert_eq!(lan.private_key_operations(), 0);
    let mut lan = self::lan();
    let arrived = arrived(&mut lan, message);
    assert!(arrived.contains(&format!("smime={result}")) && !arrived.contains("smime=pass"), "{arrived}");
    assert!(lan.offers.is_empty());
}

#[test]
fn t30_a_whole_message_of_a_certificate_that_does_not_hold_is_refused() {
    assert!(arrived(&mut strict(), &signed("good", "alice")).contains("smime=pass"));
    for (name, result) in [
        ("expired", "policy (certificate-expired)"),
        ("future", "policy (certificate-not-yet-valid)"),
        ("encipher-only", "policy (certificate-usage)"),
        ("server-only", "policy (certificate-usage)"),
        ("strange", "policy (certificate-unjudged)"),
    ] {
        refused(&signed(name, "alice"), "550 5.7.1", result);
    }
    let mut elsewhere = strict();
    elsewhere.anchors.pop();
    assert_eq!(rejected(&elsewhere.receive(&CAROL, &signed("good", "alice"))), "550 5.7.1");
}

#[test]
fn t30_keys_that_are_too_small_or_off_their_curve_are_refused() {
    // Our own keys are not that small, so another program has to sign.
    let small = forge::parsed("../defects/small");
    let signer = forge::signer(&small, "alice", ENTITY, signed_attributes);
    let key = rsa::RsaPrivateKey::from_pkcs8_der(&key("../defects/small")).expect("a key");
    let digest = DigestAlgorithm::Sha256.compute(&signer.attributes);
    let signature = key.sign(rsa::Pkcs1v15Sign::new::<sha2::Sha256>(), &digest).expect("signs");
    let entity = forge::multipart(ENTITY, &[signed_data::Signer { signature, ..signer }], &[small.encoded()]);
    refused(&forge::message("alice@peer.example", &entity), "550 5.7.6", "policy (algorithm)");
    // Her certificate with another point: the second coordinate ends the key.
    let message = signed("curve", "../defects/curve");
    assert!(arrived(&mut strict(), &message).contains("smime=pass"));
    let certificate = forge::parsed("../defects/curve");
    let mut altered = certificate.encoded().to_vec();
    let key = certificate.public_key().subject_public_key.raw_bytes();
    let end = altered.windows(key.len()).position(|w| w == key).expect("the key") + key.len();
    altered[end - 1] ^= 1;
    let altered = Certificate::from_der(&altered).expect("a certificate");
    let signer = forge::signer(&altered, "../defects/curve", ENTITY, signed_attributes);
    let entity = forge::multipart(ENTITY, &[signer], &[altered.encoded()]);
    refused(&forge::message("alice@peer.example", &entity), "550 5.7.6", "policy (algorithm)");
}

#[test]
fn r7c_what_was_valid_when_it_was_signed_is_judged_today() {
    let message = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
    let mut later = strict();
    assert!(arrived(&mut later, &message).contains("smime=pass"));
    // 2060-01-01: her certificate is over, the signing time is what it was.
    later.now = 2_840_140_800;
    assert_eq!(rejected(&later.receive(&CAROL, &message)), "550 5.7.1");
}

#[test]
fn r14_a_revoked_signer_fails_and_one_that_cannot_be_asked_about_is_a_temporary_error() {
    let list = |name: &str| Some(vec![support::octets(&format!("../defects/{name}.crl"))]);
    for (lists, name, result) in [
        (list("good"), "revoked", "smime=fail (certificate-revoked)"),
        (list("good"), "good", "smime=pass"),
        (list("stale"), "good", "smime=temperror (certificate-revocation-unknown)"),
        (None, "good", "smime=temperror (certificate-revocation-unknown)"),
    ] {
        let mut lan = lan();
        lan.revocation_lists = lists;
        let arrived = arrived(&mut lan, &signed(name, "alice"));
        assert!(arrived.contains(result), "{arrived}");
        assert_eq!(lan.offers.is_empty(), !result.contains("pass"));
    }
    let mut strict = strict();
    strict.revocation_lists = list("good");
    assert_eq!(rejected(&strict.receive(&CAROL, &signed("revoked", "alice"))), "550 5.7.1");
    strict.revocation_lists = list("stale");
    assert_eq!(support::deferred(&strict.receive(&CAROL, &signed("good", "alice"))), "451 4.7.5");
}

#[test]
fn e9_a_signing_time_in_the_future_is_refused_and_nothing_of_it_is_kept() {
    let message = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
    for (clock, result) in [(NOW - 80_000, "smime=pass"), (NOW - 90_000, "smime=policy (signing-time)")] {
        let mut lan = lan();
        lan.now = clock;
        let arrived = arrived(&mut lan, &message);
        assert!(arrived.contains(result), "{arrived}");
        assert_eq!(lan.offers.len(), usize::from(result.contains("pass")));
    }
    let mut strict = strict();
    strict.now = NOW - 90_000;
    assert_eq!(rejected(&strict.receive(&CAROL, &message)), "550 5.7.1");
}

#[test]
fn r9_a_whole_message_without_certificates_is_verified_with_one_on_file() {
    let alice = forge::parsed("alice");
    let signer = forge::signer(&alice, "alice", ENTITY, signed_attributes);
    let message = forge::message("alice@peer.example", &forge::multipart(ENTITY, &[signer], &[]));
    assert!(arrived(&mut strict(), &message).contains("smime=pass"));
    // The certificate cannot be had: that may be told apart, since no key was used.
    let mut stranger = strict();
    stranger.entries.clear();
    assert_eq!(rejected(&stranger.receive(&CAROL, &message)), "550 5.7.5");
    assert!(stranger.reported("message-rejected", Some("no-certificate")));
    stranger.inbound.verify = Demand::Opportunistic;
    assert!(arrived(&mut stranger, &message).contains("smime=permerror (no-certificate)"));
}

/// The certificate of someone with a key that is not hers, of the same length.
fn likeness(name: &str, other: &str) -> Vec<u8> {
    let [own, other] = [name, other].map(forge::parsed);
    let [own_key, other_key] =
        [&own, &other].map(|certificate| certificate.public_key().subject_public_key.raw_bytes().to_vec());
    let mut encoded = own.encoded().to_vec();
    let at = encoded.windows(own_key.len()).position(|w| w == own_key).expect("the key");
    encoded[at..at + own_key.len()].copy_from_slice(&other_key);
    encoded
}

#[test]
fn r4_each_certificate_that_the_signer_may_mean_is_tried() {
    let alice = forge::parsed("alice");
    let false_one = likeness("alice", "mallory");
    let signer = || forge::signer(&alice, "alice", ENTITY, signed_without_certificate);
    for certificates in [[false_one.as_slice(), alice.encoded()], [alice.encoded(), &false_one]] {
        let message = forge::message("alice@peer.example", &forge::multipart(ENTITY, &[signer()], &certificates));
        let mut lan = strict();
        lan.entries.clear();
        assert!(arrived(&mut lan, &message).contains("smime=pass"));
    }
    let message = forge::message("alice@peer.example", &forge::multipart(ENTITY, &[signer()], &[&false_one]));
    let mut lan = strict();
    lan.entries.clear();
    assert_eq!(rejected(&lan.receive(&CAROL, &message)), "550 5.7.7");
    // On file likewise: what is there is tried before what came.
    let entry = |certificate: &[u8]| Entry { certificate: certificate.to_vec(), pinned: false, capabilities: None };
    lan.entries.insert("alice@peer.example".into(), vec![entry(&false_one), entry(alice.encoded())]);
    assert!(arrived(&mut lan, &message).contains("smime=pass"));
}

/// The attributes that have to be, and no digest of the certificate.
fn signed_without_certificate(
    content_type: ObjectIdentifier,
    digest: &[u8],
    time: u64,
    certificate: &Certificate,
    algorithm: DigestAlgorithm,
) -> Vec<u8> {
    let all = signed_attributes(content_type, digest, time, certificate, algorithm);
    let members: Vec<der::Any> = der::Decode::from_der(&[&[0x30], &all[1..]].concat()).expect("attributes");
    let signing_certificate = hex_literal::hex!("060b2a864886f70d010910022f");
    let kept = members.iter().filter(|member| !member.value().starts_with(&signing_certificate));
    let kept: Vec<u8> = kept.flat_map(|member| der::Encode::to_der(member).expect("encodes")).collect();
    der::Encode::to_der(&der::Any::new(der::Tag::Set, kept).expect("a set")).expect("encodes")
}

#[test]
fn r14c_results_in_our_name_go_in_whatever_labels_it_is_spelled() {
    for (ours, theirs) in
        [("mail.xn--bcher-kva.example", "mail.bücher.example"), ("mail.bücher.example", "mail.xn--BCHER-kva.example")]
    {
        let mut lan = lan();
        lan.inbound.authserv_id = ours.to_owned();
        let message = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
        let forged = format!("Authentication-Results: {theirs}; smime=pass header.d=evil\r\n");
        let arrived = arrived(&mut lan, &[forged.as_bytes(), &message].concat());
        assert!(!arrived.contains("header.d=evil") && arrived.matches("smime=pass").count() == 1, "{arrived}");
    }
}

#[test]
fn r21_a_message_that_is_a_bag_of_certificates_is_delivered_as_it_came() {
    let bag = signed_data::write(None, &[], &[&certificate("alice")]);
    let message = forge::message("alice@peer.example", &smime::mime::writer::pkcs7_mime(bag, "certs-only"));
    let mut lan = lan();
    assert!(delivered(lan.receive(&CAROL, &message), &message) == message);
    assert!(lan.offers.is_empty(), "nobody signed it");
    assert_eq!(rejected(&strict().receive(&CAROL, &message)), "550 5.7.1");
}

#[test]
fn r1b_octets_that_are_named_as_smime_are_smime() {
    let body = |der: &[u8]| {
        let mut body = Vec::new();
        smime::mime::writer::append_base64(&mut body, der);
        String::from_utf8(body).expect("base64")
    };
    let opaque = body(&forge::signature("alice", ENTITY, true));
    let entity = |name: &str, body: &str| {
        let head = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n";
        format!("{head}Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{body}")
    };
    for name in ["smime.p7m", "smime.p7s", "SMIME.P7C", "a.name.p7z"] {
        let message = forge::message("alice@peer.example", entity(name, &opaque).as_bytes());
        assert!(arrived(&mut strict(), &message).contains("smime=pass"), "{name}");
    }
    for name in ["smime.p7x", "p7m", "smime.p7m.txt"] {
        let message = forge::message("alice@peer.example", entity(name, &opaque).as_bytes());
        assert_eq!(rejected(&strict().receive(&CAROL, &message)), "550 5.7.1", "{name}");
        assert!(delivered(lan().receive(&CAROL, &message), &message) == message, "{name}");
    }
}
