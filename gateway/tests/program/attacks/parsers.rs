//! T40 to T42: hostile encodings, multiplied structure, line ends.

use super::*;
use crate::attacks::der::{self, tlv};
use crate::support::openssl::{Signing, encrypt_der};

#[test]
fn t40_asn1() {
    if !here("t40_asn1") {
        return;
    }
    let site = Site::new();
    let sealed = encrypt_der(&["carol"], TEXT, "aes-256-cbc", &[]);
    let signed = Signing { options: &["-nodetach"], ..Signing::ALICE }.der(TEXT);
    let mut hostile: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("one octet", vec![0x30]),
        ("indefinite, nested 10^5 deep", [0x30, 0x80].repeat(100_000)),
        ("indefinite, nested and closed", [[0x30, 0x80].repeat(50_000), vec![0; 100_000]].concat()),
        ("length 2^63", vec![0x30, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]),
        ("length of nine octets", vec![0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("length 2^32 - 1", vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1]),
        ("an OID of 100 000 octets", der::content_info(&tlv(6, &[0x81; 100_000]), b"")),
        ("an unknown content type", der::content_info(&[6, 3, 42, 3, 4], &tlv(4, b"x"))),
        ("a tag that never ends", vec![0x3f; 10_000]),
        ("octets after the end", [&signed[..], b"\0\0\0\0"].concat()),
        ("no recipients", der::enveloped(&tlv(0x31, b""), &[0; 16], &[0; 32])),
        ("no ciphertext block", der::enveloped(&tlv(0x31, b""), &[0; 16], &[])),
        ("an initialisation vector of 15 octets", der::enveloped(&recipients(&sealed), &[0; 15], &[0; 32])),
        ("an initialisation vector of 64 octets", der::enveloped(&recipients(&sealed), &[0; 64], &[0; 32])),
        ("a ciphertext of 31 octets", der::enveloped(&recipients(&sealed), &[0; 16], &[0; 31])),
    ];
    // A signer with a SET of no attributes, and one whose version has a million octets.
    for (what, at, replaced) in
        [("no attributes", 3, tlv(0xa0, b"")), ("an INTEGER of 10^6 octets", 0, tlv(2, &[1; 1_000_000]))]
    {
        hostile.push((what, with_signer(&signed, |fields| fields[at] = replaced)));
    }
    for whole in [&signed, &sealed] {
        for cut in [1, 2, 50, whole.len() / 2] {
            hostile.push(("cut off", whole[..whole.len() - cut].to_vec()));
        }
    }
    for (what, cms) in hostile {
        for smime_type in ["signed-data", "enveloped-data", "authEnveloped-data"] {
            let outcome = to_carol(&site, &from_alice(&pkcs7_mime(smime_type, &cms)));
            let reply = outcome.reply();
            let unknown = outcome.status == 0 && outcome.delivered().unchanged;
            assert!(reply.starts_with("55") || (unknown && what.contains("unknown")), "{what}: {}", outcome.json);
        }
    }
    // The next mail is served.
    assert_eq!(results(got(&to_carol(&site, &from_alice(&sign("alice", TEXT, &[]))))), ["pass"]);
}

/// Signed data whose one signer has other fields.
fn with_signer(signed: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let inside = der::inside(signed);
    let mut parts: Vec<Vec<u8>> = der::children(&inside).iter().map(|part| part.to_vec()).collect();
    let signers = parts.pop().expect("the signers");
    let mut fields = der::children(der::content(&signers)).iter().map(|field| field.to_vec()).collect();
    change(&mut fields);
    parts.push(tlv(0x31, &tlv(0x30, &fields.concat())));
    der::content_info(&der::SIGNED, &tlv(0x30, &parts.concat()))
}

fn recipients(cms: &[u8]) -> Vec<u8> {
    der::children(&der::inside(cms))[1].to_vec()
}

#[test]
fn t41_bombs() {
    if !here("t41_bombs") {
        return;
    }
    let site = Site::new();
    // S/MIME layers.
    let mut onion = TEXT.to_vec();
    for _ in 0..20 {
        let signed = tlv(
            0x30,
            &[
                &[2, 1, 1][..],
                &[0x31, 0],
                &tlv(0x30, &[&der::DATA[..], &tlv(0xa0, &tlv(4, &onion))].concat()),
                &[0x31, 0],
            ]
            .concat(),
        );
        onion = pkcs7_mime("signed-data", &der::content_info(&der::SIGNED, &signed));
    }
    to_carol(&site, &from_alice(&onion)).refused("554 5.6.0").without_key();
    // Behind a ciphertext that nothing proves it is refused as all else there; behind a tag, as it is.
    for (cipher, reply) in [("aes-256-cbc", "550 5.7.7"), ("aes-256-gcm", "554 5.6.0")] {
        let outcome = to_carol(&site, &from_alice(&encrypt(&["carol"], &onion, cipher, &[])));
        assert_eq!(outcome.refused(reply).private_key_operations(), 1);
    }
    // MIME depth and parts.
    let deep: String =
        (0..1000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let wide =
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n", "--b\r\n\r\nx\r\n".repeat(100_000));
    for entity in [deep, wide] {
        let signed = sign("alice", entity.as_bytes(), &[]);
        for message in [from_alice(entity.as_bytes()), from_alice(&signed)] {
            let outcome = to_carol(&site, &message);
            assert!(outcome.status == 0 || outcome.reply() == "554 5.6.0", "{}", outcome.json);
        }
    }
    // Recipients, signers, certificates, header fields.
    let cms = encrypt_der(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
    let infos = tlv(0x31, &der::content(&recipients(&cms)).repeat(5_000));
    let many = der::enveloped(&infos, &[0; 16], &[0; 32]);
    to_carol(&site, &from_alice(&pkcs7_mime("enveloped-data", &many))).refused("554 5.6.0").without_key();
    let signed = Signing { options: &["-nodetach"], ..Signing::ALICE }.der(TEXT);
    let inside = der::inside(&signed);
    let parts: Vec<Vec<u8>> = der::children(&inside).iter().map(|p| p.to_vec()).collect();
    for (index, tag) in [(3, 0xa0), (4, 0x31)] {
        let mut parts = parts.clone();
        parts[index] = tlv(tag, &der::content(&parts[index]).repeat(1_000));
        let cms = der::content_info(&der::SIGNED, &tlv(0x30, &parts.concat()));
        to_carol(&site, &from_alice(&pkcs7_mime("signed-data", &cms))).refused("554 5.6.0").without_key();
    }
    let fields = [b"X-Many: x\r\n".repeat(100_000), from_alice(TEXT)].concat();
    to_carol(&site, &fields).refused("554 5.6.0").without_key();
}

#[test]
fn t42_line_ends() {
    if !here("t42_line_ends") {
        return;
    }
    let site = Site::new();
    for (direction, from, to) in [("inbound", ALICE, CAROL), ("outbound", CAROL, ALICE)] {
        for bare in ["one\ntwo\r\n", "one\rtwo\r\n", "\n.\r\n", "one\r\r\n", "\r\n.\n", "end\r", "end\n"] {
            let entity = format!("Content-Type: text/plain\r\n\r\n{bare}");
            let message = message(from, to, entity.as_bytes());
            let args: &[&str] = if direction == "outbound" { &["--submitter", from] } else { &[] };
            site.process(direction, args, from, &[to], &message).refused("550 5.5.2").without_key();
        }
    }
    // What is odd but sound survives both ways: no final line end, a lone dot,
    // blanks at the end of lines, 8-bit and long lines.
    let round = Site::with("[tenant.lan.outbound]\nsign = \"required\"\nencrypt = \"required\"");
    for body in ["no final line end", ".\r\n..\r\n", "trailing \t \r\n \r\n\r\n", "", "\r\n\r\n"] {
        let entity = format!("Content-Type: text/plain\r\n\r\n{body}");
        let outcome = round.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, entity.as_bytes()));
        let sent = got(&outcome);
        assert!(sent.split(|b| *b == b'\n').all(|line| line.len() <= 999 && line.is_ascii()));
        assert_eq!(openssl::peel("alice", sent).1, entity.as_bytes(), "{body:?}");
    }
    for body in ["é".repeat(10), "x".repeat(5000), "\0".to_owned()] {
        let entity =
            format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n");
        let outcome = round.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, entity.as_bytes()));
        let inner = openssl::peel("alice", got(&outcome)).1;
        assert!(inner.is_ascii() && inner.split(|b| *b == b'\n').all(|line| line.len() <= 999), "{body:.20}");
    }
}

/// A hop that refolds, reorders and renames the fields of a message, and adds some: what we made survives it. There is
/// nothing in it to convert from 8 bits to 7.
#[test]
fn t42_what_we_make_survives_a_hop_that_rewrites_headers() {
    if !here("t42_what_we_make_survives_a_hop_that_rewrites_headers") {
        return;
    }
    let eight_bit =
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n見積書 – café\r\n";
    for policy in ["encrypt = \"never\"", "order = \"encrypt-then-sign\"", "order = \"triple-wrap\"\nform = \"opaque\""]
    {
        let site = Site::with(&format!("[tenant.lan.outbound]\n{policy}"));
        for entity in [eight_bit.as_bytes(), MIXED] {
            let outcome = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, entity));
            let sent = String::from_utf8(got(&outcome).to_vec()).expect("text");
            assert!(sent.is_ascii());
            let (header, body) = sent.split_once("\r\n\r\n").expect("an empty line");
            let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
            let mut fields: Vec<String> = unfolded
                .split("\r\n")
                .map(|field| {
                    let (name, value) = field.split_once(':').expect("a field");
                    format!("{}:{}", name.to_ascii_uppercase(), value.replace("; ", ";\r\n\t"))
                })
                .collect();
            fields.reverse();
            fields
                .insert(0, "Received: from gw.lan.example by mx.peer.example; Sun, 22 Nov 2026 12:00:01 +0000".into());
            let rewritten = format!("{}\r\n\r\n{body}", fields.join("\r\n"));
            let (_, before) = openssl::peel("alice", sent.as_bytes());
            let (layers, after) = openssl::peel("alice", rewritten.as_bytes());
            assert!(!layers.is_empty() && before == after, "{policy}");
        }
    }
}
