//! Structures altered on their way, or put together to deceive: what is wrong is
//! seen, and before a key is used wherever that is possible.

use hex_literal::hex;
use smime::PrivateKey;
use smime::cms::recipient::{KeyTransport, key_transport};
use smime::cms::{Cipher, ContentInfo, Encrypted};
use smime::crypto::{Bulk, Software};
use smime::error::{CmsError, MessageError};
use smime::x509::Certificate;

use crate::attributes::{right_attributes, set};
use crate::round_trip::encrypt;
use crate::support::{certificate, decrypt, draw, key, parse, vector, verify};

/// What somebody who trusts `trusted` and nobody else learns from `encoded`:
/// content with a signature on it, or nothing.
fn learned(encoded: &[u8], detached: Option<&[u8]>, trusted: &Certificate) -> Option<Vec<u8>> {
    let Ok(ContentInfo::Signed(data)) = parse(encoded) else { return None };
    let content = match (data.content(), detached) {
        (Some(content), None) => content.join(encoded).into_owned(),
        (None, Some(content)) => content.to_vec(),
        _ => return None,
    };
    let is_good = |signer: &smime::cms::SignerInfo| {
        let digest = Software.digest(signer.digest_algorithm()?, &content);
        signer.verify(data.content_type(), &digest, &content, trusted, &Software)
    };
    let good = !data.signers().is_empty() && data.signers().iter().all(|signer| is_good(signer).is_ok());
    good.then_some(content)
}

#[test]
fn t01_bit_flip_in_a_signature() {
    let alice = certificate("alice");
    let content = vector("content.txt");
    for (name, detached) in [
        ("opaque", None),
        ("detached", Some(content.as_slice())),
        ("noattr-opaque", None),
        ("pss-sha512-opaque", None),
        ("stream-opaque", None),
        ("cades-opaque", None),
        ("keyid-detached", Some(&content)),
    ] {
        let encoded = vector(&format!("signed/{name}.der"));
        assert_eq!(learned(&encoded, detached, &alice).as_ref(), Some(&content), "{name}");
        let mut altered = encoded.clone();
        // Each bit of one, and of the others one bit of each octet.
        let each = if name == "opaque" { 0..8 } else { 0..1 };
        for at in 0..encoded.len() {
            for bit in each.clone().map(|bit| (bit + at) % 8) {
                altered[at] ^= 1 << bit;
                let found = learned(&altered, detached, &alice);
                assert!(found.is_none_or(|found| found == content), "{name}: octet {at}, bit {bit}");
                altered[at] = encoded[at];
            }
        }
    }
}

#[test]
fn t01_bit_flip_in_detached_content() {
    let (encoded, content) = (vector("signed/detached.der"), vector("content.txt"));
    let mut altered = content.clone();
    for at in 0..content.len() {
        altered[at] ^= 1;
        assert_eq!(verify(&encoded, Some(&altered), &[]).1, [Err(CmsError::Altered)]);
        altered[at] = content[at];
    }
}

#[test]
fn t01_bit_flip_in_an_authenticated_ciphertext() {
    let (carol, content) = (certificate("carol"), vector("content.txt"));
    let encoded = vector("enveloped/aes-256-gcm.der");
    let mut altered = encoded.clone();
    let mut key = key("carol");
    for at in 0..encoded.len() {
        altered[at] ^= 0x10;
        // What is named wrongly is no key of carol's, or no cipher.
        if let Ok(found) = decrypt_any(&altered, &carol, &mut key) {
            assert_eq!(found, content, "octet {at}");
        }
        altered[at] = encoded[at];
    }
}

fn decrypt_any(encoded: &[u8], certificate: &Certificate, key: &mut impl PrivateKey) -> Result<Vec<u8>, CmsError> {
    match parse(encoded) {
        Ok(ContentInfo::Enveloped(_) | ContentInfo::AuthEnveloped(_)) => decrypt(encoded, certificate, key),
        _ => Err(CmsError::Malformed),
    }
}

#[test]
fn t08_a_tag_of_another_length_is_seen_before_a_key_is_used() {
    let encoded = encrypt(&["carol"], KeyTransport::OaepSha256, Cipher::Aes256Gcm, &[7; 50]);
    let mac_header = encoded.len() - 18;
    assert_eq!(encoded[mac_header..mac_header + 2], [0x04, 16]);
    for len in [0, 1, 4, 11, 12, 15] {
        let mut cut = encoded[..mac_header].to_vec();
        cut.extend([0x04, len as u8]);
        cut.extend(&encoded[mac_header + 2..mac_header + 2 + len]);
        let cut = indefinite(&cut, b"");
        assert!(matches!(parse(&cut), Err(MessageError::Cms(CmsError::Altered))), "{len}");
    }
}

/// The same with the three outermost lengths indefinite, whatever they were, and
/// with `end` at the end of the third.
fn indefinite(encoded: &[u8], end: &[u8]) -> Vec<u8> {
    let oid = 1 + length_len(encoded[1]);
    let explicit = oid + 2 + usize::from(encoded[oid + 1]);
    let sequence = explicit + 1 + length_len(encoded[explicit + 1]);
    let inner = sequence + 1 + length_len(encoded[sequence + 1]);
    [&[0x30, 0x80], &encoded[oid..explicit], &[0xA0, 0x80, 0x30, 0x80], &encoded[inner..], end, &[0; 6]].concat()
}

/// The same with the length of the encrypted content info indefinite too.
fn in_segments(encoded: &[u8]) -> Vec<u8> {
    let oid_of_data = [6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1];
    let content_type = encoded.windows(oid_of_data.len()).position(|w| w == oid_of_data).unwrap();
    let header = encoded[..content_type].iter().rposition(|octet| *octet == 0x30).unwrap();
    indefinite(&[&encoded[..header], &[0x30, 0x80], &encoded[content_type..]].concat(), &[0, 0])
}

fn length_len(first: u8) -> usize {
    if first < 0x80 { 1 } else { 1 + usize::from(first & 0x7F) }
}

#[test]
fn t08_gcm_under_the_name_of_cbc_is_closed_before_a_key_is_used() {
    // The octets of an identifier tell CBC (42) from GCM (46) with 256 bits.
    let encoded = vector("enveloped/aes-256-gcm.der");
    let gcm = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2E];
    let at = encoded.windows(9).position(|w| w == gcm).unwrap() + 8;
    let mut relabelled = encoded.clone();
    relabelled[at] = 0x2A;
    let Ok(ContentInfo::AuthEnveloped(data)) = parse(&relabelled) else { panic!() };
    assert_eq!(data.key_len(), Err(CmsError::Algorithm));

    let encoded = vector("enveloped/aes256.der");
    let cbc = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A];
    let at = encoded.windows(9).position(|w| w == cbc).unwrap() + 8;
    let mut relabelled = encoded.clone();
    relabelled[at] = 0x2E;
    let Ok(ContentInfo::Enveloped(data)) = parse(&relabelled) else { panic!() };
    assert_eq!(data.key_len(), Err(CmsError::Algorithm));
}

#[test]
fn t15_every_failure_of_a_ciphertext_is_the_same() {
    let (carol, mut key) = (certificate("carol"), key("carol"));
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes128Cbc, &[b'x'; 100]);
    let mut altered = encoded.clone();
    let before_last_block = encoded.len() - 17;
    for value in 0..=255 {
        altered[before_last_block] = value;
        match decrypt(&altered, &carol, &mut key) {
            Err(e) => assert_eq!(e, CmsError::Undecipherable),
            Ok(content) => assert!(value == encoded[before_last_block] || content != [b'x'; 100], "{value}"),
        }
    }
    // Content that is no whole number of blocks needs no key to be refused.
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes128Cbc, b"");
    let at = encoded.len() - 18;
    assert_eq!(encoded[at..at + 2], [0x80, 16]);
    for len in [0, 1, 15] {
        let segment = [&[0xA0, 0x80, 4, len as u8], &[7; 16][..len], &[0, 0]].concat();
        let cut = in_segments(&[&encoded[..at], &segment].concat());
        assert!(matches!(parse(&cut), Err(MessageError::Cms(CmsError::Malformed))), "{len}");
    }
    let segment = [&[0xA0, 0x80, 4, 16][..], &encoded[at + 2..], &[0, 0]].concat();
    let whole = in_segments(&[&encoded[..at], &segment].concat());
    assert_eq!(decrypt(&whole, &carol, &mut key), Ok(Vec::new()));
}

#[test]
fn e01_content_of_another_type_is_no_message() {
    // What was signed or encrypted for another purpose: the type alone differs.
    let data = [6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1];
    for name in ["signed/noattr-opaque", "enveloped/aes128", "enveloped/aes-128-gcm"] {
        let mut encoded = vector(&format!("{name}.der"));
        let at = encoded.windows(data.len()).rposition(|w| w == data).unwrap();
        encoded[at + data.len() - 1] = 2;
        match parse(&encoded) {
            Ok(ContentInfo::Signed(_)) => assert_eq!(verify(&encoded, None, &[]).1, [Err(CmsError::ContentType)]),
            Ok(ContentInfo::Enveloped(data)) => assert_eq!(data.cipher(), Err(CmsError::ContentType)),
            Ok(ContentInfo::AuthEnveloped(data)) => assert_eq!(data.cipher(), Err(CmsError::ContentType)),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// `parts` in a value with an indefinite length.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], &parts.concat()[..], &[0, 0]].concat()
}

#[test]
fn e13_authenticated_attributes_are_authenticated() {
    let (carol, mut key) = (certificate("carol"), key("carol"));
    let attributes = right_attributes(b"content");
    let mut reversed = attributes.clone();
    reversed.reverse();
    let sealed = Software.aes_gcm_seal(&[1; 16], &[2; 12], &set(&attributes), b"content".to_vec());
    let (ciphertext, mac) = sealed.split_at(7);
    let ktri = key_transport(&carol, KeyTransport::Pkcs1v15, &[1; 16], &mut draw).unwrap();
    let algorithm = [&hex!("301e 0609608648016503040106 3011 040c")[..], &[2; 12], &[2, 1, 16]].concat();
    let encrypted = |segment: &[u8]| value(0xA0, &[&[4, segment.len() as u8], segment]);
    let build = |attributes: &[Vec<u8>]| {
        let info = value(0x30, &[&hex!("06092a864886f70d010701"), &algorithm, &encrypted(ciphertext)]);
        let parts =
            [&[2, 1, 0], &value(0x31, &[&ktri])[..], &info, &value(0xA1, &[&attributes.concat()]), &[4, 16], mac];
        let oid = hex!("060b2a864886f70d0109100117");
        value(0x30, &[&oid, &value(0xA0, &[&value(0x30, &parts)])])
    };
    // In whatever order and encoding they come, it is their DER that counts.
    for attributes in [&attributes, &reversed] {
        assert_eq!(decrypt(&build(attributes), &carol, &mut key).as_deref(), Ok(&b"content"[..]));
    }
    for attributes in [&attributes[1..], &right_attributes(b"other")] {
        assert_eq!(decrypt(&build(attributes), &carol, &mut key), Err(CmsError::Undecipherable));
    }
}

#[test]
fn e13_authenticated_content_is_of_version_0_alone() {
    let encoded = encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes256Gcm, b"content");
    // What is first in the structure, after three headers of four octets and the content type.
    assert_eq!(encoded[25..28], hex!("020100"));
    for version in 1..5 {
        let mut other = encoded.clone();
        other[27] = version;
        assert!(matches!(parse(&other), Err(MessageError::Cms(CmsError::Malformed))), "{version}");
    }
}

#[test]
fn t20_one_bad_signer_among_good_ones_is_told() {
    let content = vector("content.txt");
    let encoded = vector("signed/two-signers-detached.der");
    // Within the last signature value.
    let mut altered = encoded.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    let mut results = verify(&altered, Some(&content), &[]).1;
    results.sort_by_key(|result| result.is_err());
    assert_eq!(results, [Ok(()), Err(CmsError::Altered)]);
}
