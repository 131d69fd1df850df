//! T17 to T22: who is the author, and what exactly was signed.

use super::*;
use crate::attacks::der::{self, tlv};
use crate::support::openssl::Signing;

/// A message with a header of choice over an entity that `signer` signed.
fn headed(header: &str, signer: &str) -> Vec<u8> {
    let signed = sign(signer, TEXT, &[]);
    [header.as_bytes(), b"\r\nTo: carol@lan.example\r\nSubject: The offer\r\n", &signed].concat()
}

#[test]
fn t17_from_forms() {
    if !here("t17_from_forms") {
        return;
    }
    let strict = Site::with(STRICT);
    // Two parsers could see two authors, or none: refused, whoever signed.
    let unclear = [
        "From: alice@peer.example\r\nFrom: mallory@evil.example",
        "From: mallory@evil.example\r\nFrom: alice@peer.example",
        "From: friends: alice@peer.example;",
        "From: friends:;",
        "From: ",
        "From: <>",
        "X-From: alice@peer.example",
        "Sender: alice@peer.example",
        "From: alice@peer.example, bob@peer.example",
        "From: alice@peer.example<mallory@evil.example>",
        "From: alice@peer.example mallory@evil.example",
        "From: alice@peer.example\0",
        "From: \"alice@peer.example\" mallory@evil.example",
        "From: alice@peer.example>",
        "From: <alice@peer.example",
        "From: alice @ peer.example <mallory@evil.example",
        "From: alice@peer.example, bob@peer.example\r\nSender: alice@peer.example\r\nSender: bob@peer.example",
    ];
    for header in unclear {
        for signer in ["alice", "mallory"] {
            let outcome = to_carol(&strict, &headed(header, signer));
            assert!(["550 5.7.1", "554 5.6.0"].contains(&outcome.reply().as_str()), "{header}: {}", outcome.json);
            outcome.without_key();
        }
    }
    // The addr-spec is alice's: her signature counts, mallory's does not.
    let hers = [
        "From: alice@peer.example",
        "From: <alice@peer.example>",
        "From: \"mallory@evil.example\" <alice@peer.example>",
        "From: Alice (mallory@evil.example) <alice@peer.example>",
        "From: alice@PEER.Example",
        "From: =?utf-8?q?mallory=40evil=2Eexample?= <alice@peer.example>",
        "From: Alice\r\n <alice@peer.example>",
        "FROM: alice@peer.example",
        "From: alice@peer.example, bob@peer.example\r\nSender: alice@peer.example",
        "From: \"alice\"@peer.example",
    ];
    for header in hers {
        let outcome = to_carol(&strict, &headed(header, "alice"));
        assert_eq!(results(got(&outcome)), ["pass"], "{header}: {}", outcome.json);
        to_carol(&strict, &headed(header, "mallory")).refused("550 5.7.1").without_key();
    }
    // The addr-spec is not alice's, however it looks.
    let others = [
        "From: \"alice@peer.example\" <mallory@evil.example>",
        "From: alice@peer.example.evil",
        "From: alice@peer.examp1e",
        "From: ALICE@peer.example",
        "From: alice+x@peer.example",
        "From: \"alice \"@peer.example",
        "From: =?utf-8?q?alice=40peer=2Eexample?= <mallory@evil.example>",
        "From: mallory@evil.example, bob@peer.example\r\nSender: mallory@evil.example",
        "From: \u{430}lice@peer.example",
    ];
    for header in others {
        to_carol(&strict, &headed(header, "alice")).refused("550 5.7.1").without_key();
    }
}

#[test]
fn t18_from_not_signer() {
    if !here("t18_from_not_signer") {
        return;
    }
    let headers = [
        "From: alice@peer.example",
        "From: Mallory <alice@peer.example>\r\nSender: mallory@evil.example",
        "From: alice@peer.example\r\nReply-To: mallory@evil.example",
    ];
    for header in headers {
        let forged = headed(header, "mallory");
        to_carol(&Site::with(STRICT), &forged).refused("550 5.7.1").without_key();
        let outcome = to_carol(&Site::new(), &forged);
        outcome.without_key();
        assert_eq!(results(got(&outcome)), ["policy"], "{header}");
    }
}

#[test]
fn t19_certificate_address() {
    if !here("t19_certificate_address") {
        return;
    }
    let (strict, open) = (Site::with(STRICT), Site::new());
    for signer in ["second", "subject"] {
        let outcome = to_carol(&strict, &from_alice(&sign(signer, TEXT, &[])));
        assert_eq!(results(got(&outcome)), ["pass"], "{signer}: any address of the certificate may be the author's");
    }
    for signer in ["noaddress", "common-name", "space", "bob"] {
        let message = from_alice(&sign(signer, TEXT, &[]));
        to_carol(&strict, &message).refused("550 5.7.1").without_key();
        assert_eq!(results(got(&to_carol(&open, &message))), ["policy"], "{signer}");
    }
    // Pinned, a certificate without address speaks for its owner.
    let pinned = Site::with(STRICT);
    pinned.import(&["--pin", "--address", ALICE, &pki("noaddress.pem")]);
    let outcome = to_carol(&pinned, &from_alice(&sign("noaddress", TEXT, &[])));
    assert_eq!(results(got(&outcome)), ["pass"]);
    // and nobody else does any more, however good the certificate.
    to_carol(&pinned, &from_alice(&sign("alice-new", TEXT, &[]))).refused("550 5.7.7").without_key();
}

/// The parts of a `SignedData` of OpenSSL, as values of their own.
fn signed_parts(cms: &[u8]) -> Vec<Vec<u8>> {
    der::children(&der::inside(cms)).iter().map(|part| part.to_vec()).collect()
}

fn signed_data(parts: &[Vec<u8>]) -> Vec<u8> {
    der::content_info(&der::SIGNED, &tlv(0x30, &parts.concat()))
}

#[test]
fn t20_cms_confusion() {
    if !here("t20_cms_confusion") {
        return;
    }
    let (strict, open) = (Site::with(STRICT), Site::new());
    let detached = Signing { options: &[], ..Signing::ALICE }.der(TEXT);
    let attached = Signing { options: &["-nodetach"], ..Signing::ALICE }.der(TEXT);
    let both = |message: &[u8], reply: &str| {
        for site in [&strict, &open] {
            to_carol(site, message).refused(reply).without_key();
        }
    };
    // Another text in the eContent of a detached signature than in the part.
    let other = [&TEXT[..TEXT.len() - 2], b" changed\r\n"].concat();
    both(&from_alice(&multipart_signed(&other, "sha-256", &attached)), "550 5.7.7");
    both(&from_alice(&multipart_signed(TEXT, "sha-256", &attached)), "550 5.7.7");
    // A detached signature where the content should be inside: a signature of nothing.
    let hollow = from_alice(&pkcs7_mime("signed-data", &detached));
    let outcome = to_carol(&strict, &hollow);
    assert!(["550 5.7.1", "550 5.7.7"].contains(&outcome.reply().as_str()), "{}", outcome.json);
    outcome.without_key();
    let outcome = to_carol(&open, &hollow);
    assert!(outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()), "{}", outcome.json);
    // Two signers, of which one does not verify, in either order.
    for position in [0, 1] {
        let two = Signing { signers: &["alice", "bob"], options: &["-nodetach"], digest: "sha256" }.der(TEXT);
        let mut parts = signed_parts(&two);
        let last = parts.len() - 1;
        let mut infos: Vec<Vec<u8>> = der::children(&parts[last]).iter().map(|info| info.to_vec()).collect();
        *infos[position].last_mut().expect("a signature") ^= 1;
        parts[last] = tlv(0x31, &infos.concat());
        both(&from_alice(&pkcs7_mime("signed-data", &signed_data(&parts))), "550 5.7.7");
    }
    // No signer at all is no signature.
    let mut parts = signed_parts(&attached);
    let last = parts.len() - 1;
    parts[last] = tlv(0x31, b"");
    let bag = from_alice(&pkcs7_mime("signed-data", &signed_data(&parts)));
    to_carol(&strict, &bag).refused("550 5.7.1").without_key();
    let outcome = to_carol(&open, &bag);
    assert!(outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()), "{}", outcome.json);
    // An eContentType that the signed attributes do not name.
    let mut parts = signed_parts(&attached);
    let at = find(&parts[2], &der::DATA).expect("id-data");
    parts[2][at + 10] = 3;
    both(&from_alice(&pkcs7_mime("signed-data", &signed_data(&parts))), "550 5.7.7");
    // The signed attributes themselves, passed off as the content.
    let infos = der::children(&parts[last]).iter().map(|info| info.to_vec()).collect::<Vec<_>>();
    let fields: Vec<Vec<u8>> = der::children(&infos[0]).iter().map(|field| field.to_vec()).collect();
    let attributes = tlv(0x31, der::content(&fields[3]));
    let without = [&fields[..3], &fields[4..]].concat().concat();
    let mut parts = signed_parts(&attached);
    parts[2] = tlv(0x30, &[&der::DATA[..], &tlv(0xa0, &tlv(4, &attributes))].concat());
    parts[last] = tlv(0x31, &tlv(0x30, &without));
    let outcome = to_carol(&open, &from_alice(&pkcs7_mime("signed-data", &signed_data(&parts))));
    assert!(["550 5.7.7", "554 5.6.0"].contains(&outcome.reply().as_str()), "{}", outcome.json);
}

/// Own text around alice's signed part: the message is not hers.
#[test]
fn t21_partial_signature() {
    if !here("t21_partial_signature") {
        return;
    }
    let signed = String::from_utf8(sign("alice", TEXT, &[])).expect("text").replace("MIME-Version: 1.0\r\n", "");
    let own = "Content-Type: text/plain\r\n\r\nSend the money to mallory.\r\n";
    let frame = |parts: &[&str]| {
        let body: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}--b--\r\n")
    };
    let wrapped = [
        frame(&[own, &signed]),
        frame(&[&signed, own]),
        frame(&[&signed]),
        frame(&[own, &frame(&[&signed]), own])
            .replacen("boundary=b", "boundary=c", 1)
            .replace("--b\r\nContent-Type: text/plain\r\n\r\nSend", "--c\r\nContent-Type: text/plain\r\n\r\nSend"),
        signed.replace("multipart/signed", "multipart/mixed"),
    ];
    for entity in wrapped {
        let message = from_alice(entity.as_bytes());
        to_carol(&Site::with(STRICT), &message).refused("550 5.7.1").without_key();
        let outcome = to_carol(&Site::new(), &message);
        assert!(outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()), "{entity}");
    }
    // Preamble and epilogue of the signed message never surface.
    let (header, body) = signed.split_once("\r\n\r\n").expect("a body");
    let padded = format!("{header}\r\n\r\nSend the money\r\n{}\r\nto mallory.\r\n", body.trim_start().trim_end());
    let outcome = to_carol(&Site::new(), &from_alice(padded.as_bytes()));
    if outcome.status == 0 {
        assert!(!contains(got(&outcome), "mallory") && !contains(got(&outcome), "Send the money"));
    }
    // A third part.
    let end = signed.trim_end().rfind("--").map(|_| signed.trim_end().strip_suffix("--").expect("the last delimiter"));
    let third = format!("{}\r\n{own}\r\n{}--\r\n", end.expect("an end"), last_line(end.expect("an end")));
    let outcome = to_carol(&Site::new(), &from_alice(third.as_bytes()));
    assert!(outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()), "{}", outcome.json);
}

fn last_line(text: &str) -> &str {
    text.rsplit("\r\n").next().unwrap_or_default()
}

/// S/MIME under other names: recognised and judged, or refused.
#[test]
fn t22_type_confusion() {
    if !here("t22_type_confusion") {
        return;
    }
    let strict = Site::with(STRICT);
    let opaque = Signing { options: &["-nodetach"], ..Signing::ALICE }.der(TEXT);
    let bad = {
        let mut cms = opaque.clone();
        *cms.last_mut().expect("a signature") ^= 1;
        cms
    };
    let types = [
        "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        "application/x-pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        "APPLICATION/PKCS7-MIME; SMIME-TYPE=SIGNED-DATA; NAME=SMIME.P7M",
        "application/pkcs7-mime; name=smime.p7m",
        "application/pkcs7-mime",
        "application/pkcs7-mime; smime-type=enveloped-data",
        "application/pkcs7-mime; smime-type=certs-only; name=smime.p7c",
        "application/octet-stream; name=smime.p7m",
        "application/octet-stream; name=\"message.P7M\"",
        "application/pkcs7-mime (comment); smime-type=\"signed-data\"",
    ];
    for content_type in types {
        let entity = |cms: &[u8]| {
            let head = format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
            [head.as_bytes(), &base64(cms)].concat()
        };
        let outcome = to_carol(&strict, &from_alice(&entity(&opaque)));
        if outcome.status == 0 {
            assert_eq!(entity_of(got(&outcome)), TEXT, "{content_type}");
        } else {
            assert!(outcome.reply().starts_with("55"), "{content_type}: {}", outcome.json);
        }
        let outcome = to_carol(&strict, &from_alice(&entity(&bad)));
        assert_ne!(outcome.status, 0, "{content_type}: an altered signature was let through");
        let outcome = to_carol(&Site::new(), &from_alice(&entity(&bad)));
        assert_eq!(outcome.reply(), "550 5.7.7", "{content_type}");
    }
    // Base64 with junk in it is damaged, not skipped over.
    let mut entity = pkcs7_mime("signed-data", &opaque);
    let at = entity.len() - 200;
    entity[at] = b'*';
    let outcome = to_carol(&strict, &from_alice(&entity));
    assert!(["550 5.7.7", "554 5.6.0"].contains(&outcome.reply().as_str()), "{}", outcome.json);
    // The protocol parameter of a clear-signed message.
    let signed = String::from_utf8(sign("alice", TEXT, &[])).expect("text");
    let protocol =
        signed.split("protocol=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a protocol").to_owned();
    let quoted = format!("protocol=\"{protocol}\"");
    let other = [
        "protocol=application/pkcs7-signature",
        "protocol=\"application/x-pkcs7-signature\"",
        "PROTOCOL=\"APPLICATION/PKCS7-SIGNATURE\"",
        "protocol=\"application/pgp-signature\"",
        "x=y",
    ];
    for protocol in other {
        let message = from_alice(signed.replace(&quoted, protocol).as_bytes());
        let outcome = to_carol(&strict, &message);
        let tampered = String::from_utf8(message).expect("text").replace("offer", "order");
        assert!(outcome.status == 0 || outcome.reply().starts_with("55"), "{protocol}: {}", outcome.json);
        assert_ne!(to_carol(&strict, tampered.as_bytes()).status, 0, "{protocol}");
    }
}
