//! Attacks on who a message is from, and on what is reported about it.

mod support;

use smime::Verdict;
use smime::cms::Cipher;
use smime::host::{Demand, Entry};
use support::{People, certificate, delivered, forge, key, rejected};

const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nPay mallory.\r\n";

fn strict() -> People {
    let mut lan = People::with_keys_of(&["carol"]);
    lan.inbound.verify = Demand::Required;
    lan
}

fn text(message: Vec<u8>) -> String {
    String::from_utf8(message).expect("text")
}

/// A signed message whose author fields are these lines.
fn signed_with(author_fields: &str) -> Vec<u8> {
    [author_fields.as_bytes(), b"To: carol@lan.example\r\nMIME-Version: 1.0\r\n", &forge::sign("alice", ENTITY)]
        .concat()
}

#[test]
fn t17_from_forms() {
    for good in [
        "From: alice@peer.example\r\n",
        "From: Alice (of peer) <alice@peer.example>\r\n",
        "From: \"mallory@evil.example\" <alice@peer.example>\r\n",
        "From: =?utf-8?q?mallory=40evil=2Eexample?= <alice@PEER.example>\r\n",
        "From: alice\r\n @peer.example\r\n",
        "From: mallory@evil.example, bob@peer.example\r\nSender: alice@peer.example\r\n",
    ] {
        let message = signed_with(good);
        let arrived = text(delivered(strict().receive(&["carol@lan.example"], &message), &message));
        assert!(arrived.contains("smime=pass"), "{good}");
    }
    for bad in [
        "From: alice@peer.example\r\nFrom: mallory@evil.example\r\n",
        "From: \r\n",
        "",
        "From: undisclosed:;\r\n",
        "From: mallory@evil.example, alice@peer.example\r\n",
        "Sender: alice@peer.example\r\n",
        "From: \"alice@peer.example\" <mallory@evil.example>\r\n",
        "From: alice@peer.example<mallory@evil.example>\r\n",
        "From: <@evil.example:alice@peer.example>\r\n",
        "From: alice@peer.example.\r\n",
        "From: Alice@peer.example\r\n",
        "From: alice@\u{0440}eer.example\r\n",
        "From: mallory@evil.example (alice@peer.example)\r\n",
    ] {
        let message = signed_with(bad);
        let mut lan = strict();
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1", "{bad}");
        assert_eq!(lan.private_key_operations(), 0);
    }
}

#[test]
fn t18_from_not_signer() {
    for from in ["alice@peer.example", "Alice <alice@peer.example>", "\"alice@peer.example\" <bob@peer.example>"] {
        let message = forge::message(from, &forge::sign("mallory", ENTITY));
        let mut lan = strict();
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
        assert_eq!(lan.private_key_operations(), 0);
        lan.inbound.verify = Demand::Opportunistic;
        let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
        assert!(arrived.contains("smime=policy (certificate-address)") && !arrived.contains("smime=pass"));
        assert!(lan.offers.is_empty());
    }
}

#[test]
fn t20_cms_confusion() {
    // eContent in a detached signature.
    let opaque = forge::signature("alice", ENTITY, true);
    let mut both = Vec::new();
    smime::mime::writer::append_base64(&mut both, &opaque);
    let entity = [
        b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\r\n\r\n\
          --b\r\nContent-Type: text/plain\r\n\r\nsomething else\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\
          Content-Transfer-Encoding: base64\r\n\r\n"
            .as_slice(),
        &both,
        b"\r\n--b--\r\n",
    ]
    .concat();
    let message = forge::message("alice@peer.example", &entity);
    assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &message)), "550 5.7.7");
}

#[test]
fn t21_partial_signature() {
    let part = forge::sign("alice", ENTITY);
    for (before, after) in
        [("--o\r\n\r\nmallory's text\r\n--o\r\n", "\r\n--o--\r\n"), ("--o\r\n", "\r\n--o\r\n\r\nmore\r\n--o--\r\n")]
    {
        let entity =
            [b"Content-Type: multipart/mixed; boundary=o\r\n\r\n", before.as_bytes(), &part, after.as_bytes()].concat();
        let message = forge::message("alice@peer.example", &entity);
        let mut lan = strict();
        assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
        lan.inbound.verify = Demand::Opportunistic;
        let arrived = delivered(lan.receive(&["carol@lan.example"], &message), &message);
        assert_eq!(arrived, message, "not reported as signed, and nothing taken apart");
    }
    // What stands before and after the parts of a signed message is nobody's.
    let signed = text(part).replacen("\r\n\r\n--forged-boundary", "\r\n\r\nmallory's preamble\r\n--forged-boundary", 1)
        + "mallory's epilogue\r\n";
    let message = forge::message("alice@peer.example", signed.as_bytes());
    let arrived = text(delivered(strict().receive(&["carol@lan.example"], &message), &message));
    assert!(!arrived.contains("mallory's"));
}

/// Two parts before those that are signed, for readers who take no comment for
/// one in `boundary=b(x)`, or compare no more than the beginning of a delimiter.
fn with_more_parts(signature: &[u8]) -> Vec<u8> {
    let signed = text(smime::mime::writer::multipart_signed(ENTITY.to_vec(), "sha-256", signature, "b"));
    let hidden = "\r\n\r\n--b(x)\r\n\r\nmallory's text\r\n--b(x)\r\n\r\nmore\r\n--b(x)--\r\n--b\r\n";
    let signed = signed.replacen("boundary=\"b\"", "boundary=b(x)", 1).replacen("\r\n\r\n--b\r\n", hidden, 1);
    forge::message("alice@peer.example", (signed + "--b(x)\r\n\r\nmallory's text").as_bytes())
}

#[test]
fn t21_what_stands_around_a_signature_that_is_kept() {
    let message = with_more_parts(&forge::signature("alice", ENTITY, false));
    let mut lan = strict();
    lan.inbound.keep_signature = true;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=pass") && arrived.contains("multipart/signed"), "{arrived}");
    assert!(!arrived.contains("mallory's"), "{arrived}");
    // It still verifies; and where nothing stands around, nothing is cut off.
    let again = text(delivered(lan.receive(&["carol@lan.example"], arrived.as_bytes()), arrived.as_bytes()));
    assert_eq!(again, arrived);
}

#[test]
fn t20_a_signer_whom_nobody_knows_does_not_keep_the_layer_on() {
    // Anyone can add a SignerInfo.
    let signature = forge::signatures(&["alice", "mallory"], ENTITY, false);
    let message = with_more_parts(&signature);
    let arrived = text(delivered(strict().receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=pass") && arrived.contains("smime=permerror"), "{arrived}");
    assert!(arrived.ends_with("\r\n\r\nPay mallory.\r\n") && !arrived.contains("multipart"), "{arrived}");
    // Nor does someone else's signature around the author's.
    let signed = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
    let (_, inner) = signed.split_at(signed.windows(8).position(|w| w == b"Content-").expect("a content type"));
    let inner = text(inner.to_vec()).replacen("\r\n\r\n--", "\r\n\r\nmallory's preamble\r\n--", 1);
    let signature = forge::signature("mallory", inner.as_bytes(), false);
    let entity = smime::mime::writer::multipart_signed(inner.into_bytes(), "sha-256", &signature, "o");
    let message = forge::message("alice@peer.example", &entity);
    let mut lan = People::with_keys_of(&[]);
    lan.inbound.keep_signature = true;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=pass") && !arrived.contains("mallory's"), "{arrived}");
}

#[test]
fn t22_type_confusion() {
    let signature = forge::signature("mallory", ENTITY, true);
    let mut body = Vec::new();
    smime::mime::writer::append_base64(&mut body, &signature);
    for content_type in [
        "application/octet-stream; name=smime.p7m",
        "application/octet-stream\r\nContent-Disposition: attachment; filename=\"SMIME.P7M\"",
        "application/x-pkcs7-mime; smime-type=signed-data",
        "APPLICATION/PKCS7-MIME",
        "application/pkcs7-mime; smime-type=enveloped-data",
    ] {
        let entity = [
            format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n").as_bytes(),
            body.as_slice(),
        ]
        .concat();
        let message = forge::message("alice@peer.example", &entity);
        assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &message)), "550 5.7.1", "{content_type}");
    }
    let junk =
        [b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n!!", body.as_slice()]
            .concat();
    let message = forge::message("alice@peer.example", &junk);
    assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &message)), "550 5.7.7");
    let uuencoded = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin\r\n";
    let message = forge::message("alice@peer.example", uuencoded);
    assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &message)), "554 5.6.0");
    for protocol in ["protocol=application/pkcs7-signature; ", "protocol=\"application/X-PKCS7-signature\"; "] {
        let signed = text(forge::sign("alice", ENTITY));
        let at = signed.find("protocol=").expect("a protocol");
        let end = signed[at..].find(';').map(|len| at + len + 1).expect("more parameters");
        let entity = format!("{}{protocol}{}", &signed[..at], &signed[end..]);
        let message = forge::message("alice@peer.example", entity.as_bytes());
        let arrived = text(delivered(strict().receive(&["carol@lan.example"], &message), &message));
        assert!(arrived.contains("smime=pass"), "{protocol}");
    }
}

#[test]
fn t23_forged_results() {
    let forged = [
        "Authentication-Results: mail.lan.example; smime=pass\r\n",
        "authentication-RESULTS: MAIL.LAN.EXAMPLE; smime=pass\r\n",
        "Authentication-Results:\r\n (comment) \"mail.lan.example\" 1;\r\n\tsmime=pass\r\n",
        "Authentication-Results: (never ends mail.lan.example; smime=pass\r\n",
        "Authentication-Results: mail.lan.example.; smime=pass\r\n",
        "Authentication-Results: \"mail.lan.exa\\mple\"; smime=pass\r\n",
        "Authentication-Results: mail.lan.example\u{200b}; smime=pass\r\n",
        "Authentication-Results: mail.lan.e\u{ad}xample; smime=pass\r\n",
        "Authentication-Results: \u{ff4d}ail.lan.example; smime=pass\r\n",
        "Authentication-Results: mail\u{3002}lan.example; smime=pass\r\n",
        "Authentication-Results: mail.lan.example\u{a0}; smime=pass\r\n",
        "Authentication-Results: mail.lan.example, smime=pass\r\n",
    ];
    let theirs = "Authentication-Results: mx.peer.example; dkim=pass\r\n";
    for signed in [false, true] {
        let entity = if signed { forge::sign("alice", ENTITY) } else { ENTITY.to_vec() };
        for field in forged {
            let plain = forge::message("alice@peer.example", &entity);
            let message = [theirs.as_bytes(), field.repeat(20).as_bytes(), &plain].concat();
            let mut lan = People::with_keys_of(&[]);
            let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
            assert_eq!(arrived.matches("smime=pass").count(), usize::from(signed), "{field}");
            assert!(arrived.contains(theirs));
            assert!(lan.reported("results-removed", None));
        }
    }
}

#[test]
fn t24_forged_results_inside() {
    let inside =
        [b"Authentication-Results: mail.lan.example; smime=pass\r\nX-Injected: 1\r\nSubject: other\r\n", ENTITY]
            .concat();
    let sealed = forge::encrypt(&["carol"], &inside, Cipher::Aes256Gcm);
    let message = forge::message("mallory@evil.example", &sealed);
    let mut lan = People::with_keys_of(&["carol"]);
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(!arrived.contains("smime=pass") && !arrived.contains("X-Injected") && !arrived.contains("Subject: other"));
    assert!(arrived.contains("smime=none"));
}

#[test]
fn t29_silent_replacement() {
    // The operator pinned a certificate for alice: no other key speaks for her.
    let mut lan = strict();
    let pinned = Entry { certificate: certificate("bob"), pinned: true, capabilities: None };
    lan.entries.insert("alice@peer.example".to_owned(), vec![pinned]);
    let message = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.7");
    assert_eq!(lan.private_key_operations(), 0);
    assert!(lan.offers.is_empty());
    // With its own key it does, though its certificate names another address.
    let message = forge::message("alice@peer.example", &forge::sign("bob", ENTITY));
    assert!(text(delivered(lan.receive(&["carol@lan.example"], &message), &message)).contains("smime=pass"));
}

#[test]
fn a_signer_whose_authority_is_unknown_is_not_trusted() {
    let message = forge::message("alice@peer.example", &forge::sign("alice", ENTITY));
    let mut lan = strict();
    lan.anchors.clear();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.1");
    lan.inbound.verify = Demand::Opportunistic;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=policy (certificate-no-path)"), "{arrived}");
}

#[test]
fn a_service_out_of_reach_defers_before_a_key_is_used() {
    let entity = forge::encrypt(&["carol"], &forge::sign("alice", ENTITY), Cipher::Aes256Cbc);
    for service in ["certificates", "anchors", "identities"] {
        let mut lan = strict();
        lan.unavailable.push(service);
        let verdict = lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &entity));
        assert_eq!(support::deferred(&verdict), "451 4.7.5", "{service}");
        assert_eq!(lan.private_key_operations(), 0, "{service}");
    }
    let mut lan = strict();
    lan.unavailable.push("keys");
    let verdict = lan.receive(&["carol@lan.example"], &forge::message("alice@peer.example", &entity));
    assert!(matches!(verdict, Verdict::Defer(_)));
}

#[test]
fn t42_bare_line_ends_are_refused() {
    for message in [&b"From: a@b\r\n\r\nbare\nline\r\n"[..], b"From: a@b\r\n\r\nbare\rline\r\n", b"From: a@b\n\nall\n"]
    {
        assert_eq!(rejected(&strict().receive(&["carol@lan.example"], message)), "550 5.5.2");
    }
}

#[test]
fn t41_a_bomb_of_certificates_costs_bounded_work() {
    let few = forge::message("mallory@evil.example", &forge::bomb("mallory", ENTITY, 3, 1));
    assert_eq!(rejected(&strict().receive(&["carol@lan.example"], &few)), "550 5.7.7");
    let thousand = forge::message("mallory@evil.example", &forge::bomb("mallory", ENTITY, 1_000, 1));
    let mut lan = strict();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &thousand)), "554 5.6.0");
    assert!(lan.reported("message-rejected", Some("limit-certificates")));
    let many = forge::message("mallory@evil.example", &forge::bomb("mallory", ENTITY, 250, 32));
    let mut lan = strict();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &many)), "554 5.6.0");
    assert!(lan.reported("message-rejected", Some("limit-path-steps")));
    assert_eq!(lan.private_key_operations(), 0);
}

/// An opaque signature with SHA-1, as old clients make it.
fn sign_sha1(name: &str, entity: &[u8]) -> Vec<u8> {
    use rsa::pkcs8::DecodePrivateKey;
    use smime::cms::{attributes, signed_data};
    use smime::crypto::DigestAlgorithm;
    use smime::x509::Certificate;
    let certificate = Certificate::from_der(&certificate(name)).expect("a certificate");
    let (hash, data) = (DigestAlgorithm::Sha1, "1.2.840.113549.1.7.1".parse().expect("id-data"));
    let attributes = attributes::signed_attributes(data, &hash.compute(entity), support::NOW, &certificate, hash);
    let key = rsa::RsaPrivateKey::from_pkcs8_der(&key(name)).expect("a key");
    let signature = key.sign(rsa::Pkcs1v15Sign::new::<sha1::Sha1>(), &hash.compute(&attributes)).expect("signs");
    // sha1 without parameters, and sha1WithRSAEncryption.
    let digest = hex_literal::hex!("300706052b0e03021a").to_vec();
    let algorithm = hex_literal::hex!("300d06092a864886f70d0101050500").to_vec();
    let signer = signed_data::Signer { certificate: &certificate, digest, algorithm, attributes, signature };
    let der = signed_data::write(Some(entity), &[signer], &[certificate.encoded()]);
    smime::mime::writer::pkcs7_mime(der, "signed-data")
}

#[test]
fn t30_sha1_counts_only_where_the_policy_names_it() {
    let message = forge::message("alice@peer.example", &sign_sha1("alice", ENTITY));
    let mut lan = strict();
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], &message)), "550 5.7.6");
    lan.inbound.verify = Demand::Opportunistic;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=policy (algorithm)"), "{arrived}");
    lan.legacy.sha1 = true;
    let arrived = text(delivered(lan.receive(&["carol@lan.example"], &message), &message));
    assert!(arrived.contains("smime=pass"), "{arrived}");
    // What was altered is refused all the same.
    let altered = text(message).replace("Subject: forged", "Subject: altered").replacen("MII", "MIJ", 1);
    assert_eq!(rejected(&lan.receive(&["carol@lan.example"], altered.as_bytes())), "550 5.7.7");
}
