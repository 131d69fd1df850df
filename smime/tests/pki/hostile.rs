//! Octets that are no certificate, or hardly one (T40).

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::{Certificate, address, path, usage};

use crate::{NOW, Octets, certificate, certificates, vector};

/// Does with a certificate all that a message can make us do with it.
fn exercise(encoded: &[u8], pool: &[Certificate], anchors: &[Certificate]) -> bool {
    let Ok(read) = Certificate::from_der(encoded) else { return false };
    let _ = (usage::may_sign(&read), usage::may_encipher(&read), address::mailboxes(&read));
    let _ = (read.subject_key_identifier(), read.fingerprint(), format!("{read:?}"));
    let mut budget = Budget::for_message(0);
    let trusted = path::validate(&read, pool, anchors, NOW, &mut budget).is_ok();
    // And as an issuer.
    let alice = certificate("alice");
    let _ = path::validate(&alice, &[read], anchors, NOW, &mut budget);
    trusted
}

#[test]
fn t01_a_flipped_bit_is_never_trusted_and_never_a_panic() {
    let (pool, anchors) = (certificates(&["intermediate"]), certificates(&["root"]));
    for name in ["alice", "san-two", "pss-sha384"] {
        let encoded = certificate(name).encoded().to_vec();
        assert!(exercise(&encoded, &pool, &anchors), "{name}");
        for at in 0..encoded.len() {
            let mut flipped = encoded.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(!exercise(&flipped, &pool, &anchors), "{name}: octet {at}");
        }
    }
    // An authority's certificate, where its own signature is not looked at.
    let intermediate = certificate("intermediate");
    for at in 0..intermediate.encoded().len() {
        let mut flipped = intermediate.encoded().to_vec();
        flipped[at] ^= 1 << (at % 8);
        assert!(!exercise(&flipped, &[], &anchors), "octet {at}");
    }
}

#[test]
fn t40_cut_off_and_extended_certificates_are_malformed() {
    let encoded = certificate("alice").encoded().to_vec();
    for len in 0..encoded.len() {
        assert_eq!(Certificate::from_der(&encoded[..len]).unwrap_err(), CertificateError::Malformed, "{len}");
    }
    let longer = [&encoded[..], &[0]].concat();
    assert_eq!(Certificate::from_der(&longer).unwrap_err(), CertificateError::Malformed);
    let huge = vec![0x30; Certificate::MAX_LEN + 1];
    assert_eq!(Certificate::from_der(&huge).unwrap_err(), CertificateError::Malformed);
}

#[test]
fn t40_random_octets_never_panic() {
    let mut octets = Octets(40);
    let (pool, anchors) = (certificates(&["intermediate"]), certificates(&["root"]));
    for _ in 0..20_000 {
        let len = octets.number(200) as u32;
        let mut noise = octets.draw(len);
        if let Some(first) = noise.first_mut() {
            *first = 0x30;
        }
        assert!(!exercise(&noise, &pool, &anchors));
    }
    // Several changes at once, so that some still parse.
    let encoded = vector("san-two.cer");
    for _ in 0..5_000 {
        let mut changed = encoded.clone();
        for _ in 0..=octets.number(4) {
            let at = octets.number(changed.len());
            changed[at] = octets.number(256) as u8;
        }
        if changed != encoded {
            assert!(!exercise(&changed, &pool, &anchors));
        }
    }
}
