//! Compressed mail (RFC 3274; RFC 8551, section 3.6): opened like any layer, and
//! no bomb.

mod support;

use miniz_oxide::deflate::compress_to_vec_zlib;
use support::{People, delivered, rejected, split};

/// A value in DER.
fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let len = u32::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &len[..], contents].concat()
}

/// `CompressedData` around `content`, compressed or what passes for it.
fn compressed_data(compressed: &[u8]) -> Vec<u8> {
    const ID_CT_COMPRESSED_DATA: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9];
    const ID_ALG_ZLIB_COMPRESS: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 3, 8];
    const ID_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let content = value(0xA0, &value(4, compressed));
    let data = [&[2, 1, 0][..], &value(0x30, ID_ALG_ZLIB_COMPRESS), &value(0x30, &[ID_DATA, &content].concat())];
    value(0x30, &[ID_CT_COMPRESSED_DATA, &value(0xA0, &value(0x30, &data.concat()))].concat())
}

fn entity(compressed: &[u8]) -> Vec<u8> {
    let base64 = base64_simd::STANDARD.encode_to_string(compressed_data(compressed));
    let lines: Vec<&str> = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let header = "Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z\r\n\
                  Content-Transfer-Encoding: base64\r\n\r\n";
    format!("{header}{}\r\n", lines.join("\r\n")).into_bytes()
}

fn message(entity: &[u8]) -> Vec<u8> {
    let header = b"From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: The offer\r\nMIME-Version: 1.0\r\n";
    [&header[..], entity].concat()
}

const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nA line of text.\r\n";

#[test]
fn compressed_mail_is_delivered_as_it_was_before() {
    let mut people = People::with_keys_of(&["carol"]);
    let original = message(&entity(&compress_to_vec_zlib(TEXT, 6)));
    let delivered = delivered(people.receive(&["carol@lan.example"], &original), &original);
    let (header, body) = split(&delivered);
    assert_eq!(body, b"A line of text.\r\n");
    let header = String::from_utf8_lossy(header);
    assert!(header.contains("Content-Type: text/plain") && !header.contains("pkcs7-mime"), "{header}");
    assert!(header.contains("smime=none"), "nobody signed it: {header}");
}

#[test]
fn compression_within_compression_ends() {
    let mut nested = TEXT.to_vec();
    for _ in 0..9 {
        nested = entity(&compress_to_vec_zlib(&nested, 6));
    }
    let mut people = People::with_keys_of(&["carol"]);
    assert_eq!(rejected(&people.receive(&["carol@lan.example"], &message(&nested))), "554 5.6.0");
}

#[test]
fn t41_a_bomb_does_not_go_off() {
    // 80 MB of zeros in 80 KB, and the same once more around them.
    let bomb = compress_to_vec_zlib(&vec![0; 80 << 20], 9);
    assert!(bomb.len() < 100 << 10, "{}", bomb.len());
    let mut people = People::with_keys_of(&["carol"]);
    let begun = std::time::Instant::now();
    assert_eq!(rejected(&people.receive(&["carol@lan.example"], &message(&entity(&bomb)))), "552 5.3.4");
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn t40_what_does_not_inflate_is_damaged() {
    let good = compress_to_vec_zlib(TEXT, 6);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut people = People::with_keys_of(&["carol"]);
    for broken in [&good[..good.len() - 1], &flipped, b"", b"text"] {
        assert_eq!(rejected(&people.receive(&["carol@lan.example"], &message(&entity(broken)))), "550 5.7.7");
    }
}
