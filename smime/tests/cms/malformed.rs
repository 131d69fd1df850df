//! Octets made to hurt a reader.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use smime::budget::{Budget, Limit};
use smime::cms::recipient::KeyTransport;
use smime::cms::{Cipher, ContentInfo, Encrypted};
use smime::crypto::Software;
use smime::error::{CmsError, MessageError};

use crate::round_trip::encrypt;
use crate::support::{parse, sign, vector};

/// Everything that can be done without knowing who it is for.
fn use_all(encoded: &[u8]) {
    match parse(encoded) {
        Ok(ContentInfo::Signed(data)) => {
            let content = data.content().map(|content| content.join(encoded)).unwrap_or_default();
            let alice = crate::support::certificate("alice");
            for signer in data.signers() {
                let _ = (signer.signing_time(), signer.capabilities(), signer.identifies(&alice));
                let _ = signer.verify(data.content_type(), &[0; 32], &content, &alice, &Software);
            }
        }
        Ok(ContentInfo::Enveloped(data)) => assert_useless(data, encoded),
        Ok(ContentInfo::AuthEnveloped(data)) => assert_useless(data, encoded),
        _ => {}
    }
}

fn assert_useless(data: impl Encrypted, encoded: &[u8]) {
    let len = data.key_len().unwrap_or(1);
    if let Ok(content) = data.decrypt(encoded.to_vec(), &vec![0; len], &Software) {
        // CBC decrypts to something one time in 256.
        assert!(content.len() < encoded.len());
    }
}

proptest! {
    #[test]
    fn t40_random_octets_are_no_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        use_all(&octets);
    }

    #[test]
    fn t40_damaged_structures_are_no_harm(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        whether_cut: bool,
    ) {
        let names = ["signed/opaque", "signed/stream-opaque", "signed/cades-opaque", "enveloped/two-recipients",
            "enveloped/aes-128-gcm", "enveloped/key-agreement"];
        let mut encoded = vector(&format!("{}.der", names[which]));
        for (at, value) in changes {
            let at = at.index(encoded.len());
            encoded[at] = value;
        }
        if whether_cut {
            encoded.truncate(cut.index(encoded.len()));
        }
        use_all(&encoded);
    }
}

#[test]
fn t40_nesting_without_end_is_malformed() {
    for open in [&[0x30, 0x80][..], &[0xA0, 0x80], &[0x24, 0x80], &[0x31, 0x80]] {
        assert!(matches!(parse(&open.repeat(100_000)), Err(MessageError::Cms(CmsError::Malformed))));
    }
    // Inside each place where something is skipped or walked over.
    let encoded = sign("alice", b"content", false);
    let bomb = [[0x30, 0x80].repeat(100_000), [0, 0].repeat(100_000)].concat();
    for at in (0..encoded.len()).step_by(3) {
        use_all(&[&encoded[..at], &bomb, &encoded[at..]].concat());
    }
}

/// `parts` in a value with an indefinite length.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], &parts.concat()[..], &[0, 0]].concat()
}

fn signed_data(content: &[u8], certificates: &[u8], signers: &[u8]) -> Vec<u8> {
    let (signed, data) = (&[6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 2], &[6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1]);
    let content = value(0x30, &[data, &value(0xA0, &[content])]);
    let parts = [&[2, 1, 1][..], &[0x31, 0], &content, &value(0xA0, &[certificates]), &value(0x31, &[signers])];
    value(0x30, &[signed, &value(0xA0, &[&value(0x30, &parts)])])
}

#[test]
fn t41_too_many_of_anything_pass_a_limit() {
    let limit = |encoded: &[u8]| match parse(encoded) {
        Err(MessageError::Limit(limit)) => limit,
        other => panic!("{other:?}"),
    };
    let certificates = [0x30, 0].repeat(100_000);
    assert_eq!(limit(&signed_data(&[4, 0], &certificates, b"")), Limit::Certificates);
    let other_kinds = [0xA1, 0].repeat(100_000);
    assert_eq!(limit(&signed_data(&[4, 0], &other_kinds, b"")), Limit::Certificates);

    let one = sign("alice", b"content", false);
    let Ok(ContentInfo::Signed(_)) = parse(&one) else { panic!() };
    let signer = one.windows(5).rposition(|w| w[0] == 0x30 && w[1] == 0x82 && w[4] == 2).unwrap();
    assert_eq!(limit(&signed_data(&[4, 0], b"", &one[signer..].repeat(100))), Limit::Signers);

    let recipients = 2_001;
    let names = vec!["carol"; recipients];
    let many = encrypt_many(&names);
    assert_eq!(limit(&many), Limit::Recipients);

    let mut small = Budget::for_message(0);
    small.octets(1 << 20).unwrap();
    assert!(matches!(ContentInfo::parse(&one, &mut small), Err(MessageError::Limit(Limit::Octets))));
}

/// To the same recipient as often as it is named, with one computation.
fn encrypt_many(names: &[&str]) -> Vec<u8> {
    use smime::cms::enveloped_data;
    use smime::cms::recipient::key_transport;
    let carol = crate::support::certificate("carol");
    let recipient = key_transport(&carol, KeyTransport::Pkcs1v15, &[1; 16], &mut crate::support::draw).unwrap();
    let recipients = vec![recipient; names.len()];
    enveloped_data::write(&recipients, Cipher::Aes128Cbc, &[1; 16], &[1; 16], vec![1], &Software).unwrap()
}

#[test]
fn t41_millions_of_segments_take_neither_memory_nor_time() {
    let content = [4, 1, b'x'].repeat(1_000_000);
    let encoded = signed_data(&value(0x24, &[&content]), b"", b"");
    let begun = Instant::now();
    let Ok(ContentInfo::Signed(data)) = parse(&encoded) else { panic!() };
    let segments = data.content().unwrap();
    assert_eq!(segments.len(), 1_000_000);
    assert_eq!(segments.clone().take(encoded.clone()), vec![b'x'; 1_000_000]);
    assert_eq!(segments.join(&encoded).len(), 1_000_000);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn t40_what_follows_or_is_missing_is_malformed() {
    for encoded in [
        sign("alice", b"content", false),
        vector("signed/stream-opaque.der"),
        encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes256Cbc, b"content"),
        encrypt(&["carol"], KeyTransport::Pkcs1v15, Cipher::Aes256Gcm, b"content"),
    ] {
        assert!(parse(&encoded).is_ok());
        for more in [&[0][..], &[0, 0], &[5, 0], b"\r\n"] {
            assert!(parse(&[&encoded[..], more].concat()).is_err());
        }
        for len in 0..encoded.len() {
            assert!(parse(&encoded[..len]).is_err(), "{len}");
        }
    }
}
