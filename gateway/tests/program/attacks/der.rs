//! Just enough DER to take a CMS structure of OpenSSL apart and put another
//! together: definite lengths, tags of one octet.

use crate::support::find;

/// `aes256-CBC`, as tag, length and value.
pub const AES256_CBC: [u8; 11] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
/// `id-data`, `id-signedData`, `id-envelopedData`.
pub const DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 7, 1];
pub const SIGNED: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 7, 2];
pub const ENVELOPED: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 7, 3];

/// A value with its tag and length.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 128 {
        out.push(content.len() as u8);
    } else {
        let len: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        out.push(0x80 | len.len() as u8);
        out.extend(len);
    }
    out.extend_from_slice(content);
    out
}

/// The content of the first value in `der`.
pub fn content(der: &[u8]) -> &[u8] {
    let (header, len) = lengths(der);
    &der[header..header + len]
}

/// The values inside the first value of `der`, each whole.
pub fn children(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = content(der);
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (header, len) = lengths(rest);
        let (child, next) = rest.split_at(header + len);
        out.push(child);
        rest = next;
    }
    out
}

fn lengths(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..128 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, der[2..2 + count].iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
    }
}

/// A `ContentInfo`.
pub fn content_info(content_type: &[u8], content: &[u8]) -> Vec<u8> {
    tlv(0x30, &[content_type, &tlv(0xa0, content)].concat())
}

/// What stands in a `ContentInfo`.
pub fn inside(content_info: &[u8]) -> Vec<u8> {
    content(children(content_info)[1]).to_vec()
}

/// The initialisation vector of AES-256-CBC, in place.
pub fn iv(der: &mut [u8]) -> &mut [u8] {
    let at = find(der, &AES256_CBC).expect("AES-256-CBC") + AES256_CBC.len() + 2;
    &mut der[at..at + 16]
}

/// An `EnvelopedData` of AES-256-CBC with recipients, vector and ciphertext of choice.
pub fn enveloped(recipient_infos: &[u8], iv: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &[&AES256_CBC[..], &tlv(4, iv)].concat());
    let encrypted = tlv(0x30, &[&DATA[..], &algorithm, &tlv(0x80, ciphertext)].concat());
    content_info(&ENVELOPED, &tlv(0x30, &[&[2, 1, 0], recipient_infos, &encrypted].concat()))
}
