//! T10 to T15: nobody learns anything from what the gateway answers.

use super::*;
use crate::attacks::der::{self, tlv};
use crate::support::openssl::encrypt_der;

/// A word that must never leave for anyone but carol.
const MARKER: &str = "stands until Friday";

#[test]
fn t10_readdressed_ciphertext() {
    if !here("t10_readdressed_ciphertext") {
        return;
    }
    let site = Site::new();
    let required = Site::with(
        "[tenant.lan.inbound]\nverify = \"opportunistic\"\ndecrypt = \"required\"\nauthserv-id = \"mail.lan.example\"",
    );
    let sealed = encrypt(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
    let captured = message(MALLORY, DAVE, &sign("mallory", &sealed, &[]));
    for captured in [captured, from_alice(&sealed)] {
        // To dave alone: it stays closed, and carol's key untouched.
        let outcome = site.inbound(MALLORY, &[DAVE], &captured);
        outcome.without_key();
        assert!(!contains(got(&outcome), MARKER));
        assert!(contains(got(&outcome), "enveloped-data"), "he gets the ciphertext");
        required.inbound(MALLORY, &[DAVE], &captured).refused("550 5.7.5").without_key();
    }
    // To both: clear for carol, closed for dave.
    let outcome = site.inbound(ALICE, &[DAVE, CAROL], &from_alice(&sealed));
    assert_eq!(outcome.deliveries.len(), 2, "{}", outcome.json);
    for delivery in &outcome.deliveries {
        let clear = delivery.recipients == [CAROL];
        assert_eq!(contains(&delivery.bytes, MARKER), clear, "{:?}", delivery.recipients);
    }
    required.inbound(ALICE, &[DAVE, CAROL], &from_alice(&sealed)).refused("550 5.7.5");
}

/// A ciphertext that is one part of something else is not opened.
#[test]
fn t12_reply_leak() {
    if !here("t12_reply_leak") {
        return;
    }
    let sealed = encrypt(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
    let sealed = String::from_utf8(sealed).expect("text").replace("MIME-Version: 1.0\r\n", "");
    let mixed = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease answer.\r\n\
         --b\r\n{sealed}\r\n--b--\r\n"
    );
    let forwarded =
        format!("Content-Type: message/rfc822\r\n\r\nFrom: alice@peer.example\r\nMIME-Version: 1.0\r\n{sealed}");
    let site = Site::new();
    for entity in [mixed, forwarded] {
        let signed = sign("mallory", entity.as_bytes(), &[]);
        for protected in [entity.as_bytes(), &signed] {
            let outcome = site.inbound(MALLORY, &[CAROL], &message(MALLORY, CAROL, protected));
            outcome.without_key();
            assert!(!contains(got(&outcome), MARKER));
            assert_eq!(entity_of(got(&outcome)), entity.as_bytes());
        }
    }
}

/// RSAES-PKCS1-v1_5 probes: one answer, whatever is wrong with the padding.
#[test]
fn t13_million_messages() {
    if !here("t13_million_messages") {
        return;
    }
    let site = Site::new();
    let signed = sign("alice", TEXT, &[]);
    let original = encrypt_der(&["carol"], &signed, "aes-256-cbc", &[]);
    let mut answers = Vec::new();
    for probe in 0..12_u8 {
        // Another ciphertext is another plaintext: padding wrong, length wrong, or both.
        let probe = with_encrypted_key(&original, |key| key[200] ^= probe + 1);
        let outcome = to_carol(&site, &from_alice(&pkcs7_mime("enveloped-data", &probe)));
        assert_eq!(outcome.private_key_operations(), 1);
        answers.push((outcome.reply(), outcome.text().to_owned()));
    }
    // A key of the wrong length under good padding: 16 octets for AES-256.
    let short = encrypt_der(&["carol"], &signed, "aes-128-cbc", &[]);
    let mut relabelled = short.clone();
    let aes128 = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
    let at = find(&relabelled, &aes128).expect("AES-128-CBC");
    relabelled[at..at + 11].copy_from_slice(&der::AES256_CBC);
    let outcome = to_carol(&site, &from_alice(&pkcs7_mime("enveloped-data", &relabelled)));
    answers.push((outcome.reply(), outcome.text().to_owned()));
    // The right key, and a ciphertext that is not alice's.
    let mut broken = original;
    *broken.last_mut().expect("a ciphertext") ^= 0x80;
    let outcome = to_carol(&site, &from_alice(&pkcs7_mime("enveloped-data", &broken)));
    answers.push((outcome.reply(), outcome.text().to_owned()));
    assert_eq!(answers[0].0, "550 5.7.7");
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

/// The encrypted key of the only recipient, changed.
fn with_encrypted_key(cms: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let enveloped = der::inside(cms);
    let mut parts: Vec<Vec<u8>> = der::children(&enveloped).iter().map(|part| part.to_vec()).collect();
    let recipient = der::children(&parts[1])[0].to_vec();
    parts[1] = tlv(0x31, &changed(&recipient, change));
    der::content_info(&der::ENVELOPED, &tlv(0x30, &parts.concat()))
}

fn changed(recipient: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = der::children(recipient).iter().map(|field| field.to_vec()).collect();
    let mut key = der::content(&fields[3]).to_vec();
    change(&mut key);
    fields[3] = tlv(4, &key);
    tlv(0x30, &fields.concat())
}

/// Probes beside a valid recipient: one use of the key, and the probe decides nothing.
#[test]
fn t14_second_recipient_info() {
    if !here("t14_second_recipient_info") {
        return;
    }
    let site = Site::new();
    let cms = encrypt_der(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
    let enveloped = der::inside(&cms);
    let parts = der::children(&enveloped);
    let valid = der::children(parts[1])[0];
    for first in [true, false] {
        let mut answers = Vec::new();
        for count in [1, 2, 50] {
            for flip in [1, 0x40] {
                let probes: Vec<u8> = (0..count).flat_map(|n| changed(valid, |key| key[100 + n] ^= flip)).collect();
                let infos = if first { [valid, &probes].concat() } else { [&probes, valid].concat() };
                let cms = [parts[0], &tlv(0x31, &infos), parts[2]].concat();
                let cms = der::content_info(&der::ENVELOPED, &tlv(0x30, &cms));
                let outcome = to_carol(&site, &from_alice(&pkcs7_mime("enveloped-data", &cms)));
                assert!(outcome.private_key_operations() <= 1, "{}", outcome.json);
                answers.push((outcome.reply(), outcome.text().to_owned()));
            }
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "valid first: {first}: {answers:?}");
    }
}

/// Every last octet of the padding: nothing tells one from another.
#[test]
fn t15_cbc_padding() {
    if !here("t15_cbc_padding") {
        return;
    }
    let site = Site::new();
    let cms = encrypt_der(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
    let mut answers = Vec::new();
    for value in (1..=255_u8).step_by(6) {
        let mut probe = cms.clone();
        // The block before the last: its last octet flips that of the padding.
        let at = probe.len() - 17;
        probe[at] ^= value;
        let sealed = pkcs7_mime("enveloped-data", &probe);
        let outcome = to_carol(&site, &from_alice(&sealed));
        assert!(outcome.private_key_operations() <= 1);
        answers.push((outcome.reply(), outcome.text().to_owned()));
        if value % 60 == 1 {
            let resigned = message(MALLORY, CAROL, &sign("mallory", &sealed, &[]));
            let outcome = site.inbound(MALLORY, &[CAROL], &resigned);
            answers.push((outcome.reply(), outcome.text().to_owned()));
        }
    }
    assert_eq!(answers[0].0, "550 5.7.7");
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}
