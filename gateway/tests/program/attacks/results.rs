//! T23 to T26: results that somebody else wrote, and lines that somebody hid.

use super::*;

const FORGED: [&str; 9] = [
    "Authentication-Results: mail.lan.example; smime=pass",
    "authentication-results: mail.lan.example; smime=pass",
    "AUTHENTICATION-RESULTS:mail.lan.example;smime=pass",
    "Authentication-Results:\r\n mail.lan.example;\r\n smime=pass",
    "Authentication-Results: (comment) mail.lan.example; smime=pass",
    "Authentication-Results: \"mail.lan.example\"; smime=pass",
    "Authentication-Results: mail.lan.example 1; smime=pass",
    "Authentication-Results: MAIL.LAN.EXAMPLE; smime=pass",
    "Authentication-Results: mail.lan.example(x)1 ; dkim=pass; smime=pass",
];

#[test]
fn t23_forged_results() {
    if !here("t23_forged_results") {
        return;
    }
    let site = Site::new();
    let foreign = "Authentication-Results: mx.elsewhere.example; dkim=pass";
    for entity in [TEXT.to_vec(), sign("alice", TEXT, &[]), encrypt(&["carol"], TEXT, "aes-256-gcm", &[])] {
        let honest = results(got(&to_carol(&site, &from_alice(&entity))));
        for forged in FORGED {
            let message = [forged.as_bytes(), b"\r\n", foreign.as_bytes(), b"\r\n", &from_alice(&entity)].concat();
            let outcome = to_carol(&site, &message);
            assert_eq!(results(got(&outcome)), honest, "{forged}");
            assert!(contains(got(&outcome), "mx.elsewhere.example; dkim=pass"), "results of others stay");
            let ours = field(got(&outcome), "authentication-results");
            let ours: Vec<_> = ours.iter().filter(|v| !v.contains("mx.elsewhere.example")).collect();
            assert!(ours.len() <= 1 && ours.iter().all(|v| v.starts_with("mail.lan.example")), "{forged}: {ours:?}");
        }
    }
    let many = [format!("{}\r\n", FORGED[0]).repeat(1000).into_bytes(), from_alice(TEXT)].concat();
    let outcome = to_carol(&site, &many);
    assert!(outcome.status != 0 || !results(got(&outcome)).contains(&"pass".to_owned()));
}

#[test]
fn t24_forged_results_inside() {
    if !here("t24_forged_results_inside") {
        return;
    }
    let site = Site::new();
    for forged in FORGED {
        let entity = [forged.as_bytes(), b"\r\nX-Spam: no\r\nFrom: boss@lan.example\r\n", TEXT].concat();
        let protected = [
            sign("mallory", &entity, &[]),
            encrypt(&["carol"], &entity, "aes-256-gcm", &[]),
            encrypt(&["carol"], &sign("mallory", &entity, &["-nodetach"]), "aes-256-cbc", &[]),
        ];
        for protected in protected {
            let outcome = site.inbound(MALLORY, &[CAROL], &message(MALLORY, CAROL, &protected));
            if outcome.status != 0 {
                // An inner From that is not the signer's may be refused outright.
                assert!(outcome.reply().starts_with("55"), "{}", outcome.json);
                continue;
            }
            let delivered = got(&outcome);
            let header = String::from_utf8_lossy(split(delivered).0).into_owned();
            assert!(!header.contains("X-Spam") && !header.contains("boss@"), "{forged}\n{header}");
            let ours = field(delivered, "authentication-results");
            assert!(ours.len() <= 1, "{forged}\n{header}");
        }
    }
}

/// Words in the subject are the sender's, and stay what they are; we add none.
#[test]
fn t25_subject_tag() {
    if !here("t25_subject_tag") {
        return;
    }
    let site = Site::new();
    for subject in ["[signed OK] The offer", "=?utf-8?q?=5Bsigned_OK=5D?= The offer", &"[signed OK]".repeat(80)] {
        let protected = sign("alice", TEXT, &[]);
        let message = String::from_utf8(from_alice(&protected))
            .expect("text")
            .replace("The offer\r\n", &format!("{subject}\r\n"));
        let outcome = to_carol(&site, message.as_bytes());
        assert_eq!(field(got(&outcome), "subject"), [subject]);
        assert_eq!(results(got(&outcome)), ["pass"]);
    }
}

/// CR, LF and NUL in the names of a certificate, which is good otherwise.
#[test]
fn t26_names_of_a_certificate_write_no_line() {
    if !here("t26_names_of_a_certificate_write_no_line") {
        return;
    }
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let hostile = b"a@evil.example\r\nX-Injected: yes\0\x1b[2J";
    let general_names = der::tlv(0x30, &der::tlv(0x81, hostile));
    let hex: String = general_names.iter().map(|octet| format!("{octet:02x}")).collect();
    let extensions = format!("basicConstraints=CA:FALSE\nextendedKeyUsage=emailProtection\nsubjectAltName=DER:{hex}\n");
    std::fs::write(file("extensions"), extensions).expect("a file");
    let subject = "/CN=a\r\nX-Injected: yes/emailAddress=b@evil.example\r\nX-Injected: yes";
    let (key, request, certificate) = (pki("mallory.key"), file("request"), file("hostile.pem"));
    must("openssl", &["req", "-new", "-key", &key, "-subj", subject, "-out", &request], b"");
    let (ca, ca_key) = (pki("ca.pem"), pki("ca.key"));
    let issue = ["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key, "-days", "3650"];
    must("openssl", &[&issue[..], &["-extfile", &file("extensions"), "-out", &certificate]].concat(), b"");
    std::fs::copy(key, file("hostile.key")).expect("a copy");
    let signed = sign(&file("hostile"), TEXT, &[]);
    let outcome = site_mallory(&Site::new(), &signed);
    let delivered = got(&outcome);
    assert_eq!(results(delivered), ["policy"], "{}", outcome.json);
    assert!(field(delivered, "x-injected").is_empty() && !contains(split(delivered).0, "\x1b"));
    let refused = site_mallory(&Site::with(STRICT), &signed);
    refused.refused("550 5.7.1").without_key();
    for outcome in [outcome, refused] {
        // As the operator reads them, after JSON.
        for event in outcome.json["events"].as_array().expect("events") {
            let fields = event["fields"].as_object().expect("fields");
            let is_plain = |value: &serde_json::Value| {
                !value.as_str().is_some_and(|text| text.contains(['\r', '\n', '\0', '\x1b']))
            };
            assert!(fields.values().all(is_plain), "{event}");
        }
    }
}

/// CR, LF and NUL hidden in what we echo: no line of the output is the attacker's.
#[test]
fn t26_header_injection() {
    if !here("t26_header_injection") {
        return;
    }
    let site = Site::new();
    let types = [
        "smime-type=\"signed-data\\\r\n X-Injected: yes\"",
        "smime-type*=utf-8''signed-data%0d%0aX-Injected:%20yes",
        "name*=utf-8''a%0d%0aX-Injected:%20yes",
        "name=\"=?utf-8?q?a=0D=0AX-Injected:_yes?=\"",
    ];
    let cms = openssl::Signing { options: &["-nodetach"], ..openssl::Signing::ALICE }.der(TEXT);
    for parameter in types {
        let head =
            format!("Content-Type: application/pkcs7-mime; {parameter}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        let outcome = to_carol(&site, &from_alice(&[head.as_bytes(), &base64(&cms)].concat()));
        if outcome.status == 0 && !outcome.delivered().unchanged {
            let delivered = got(&outcome);
            assert!(field(delivered, "x-injected").is_empty(), "{parameter}");
            assert!(split(delivered).0.split(|b| *b == b'\n').all(|line| line.len() <= 999));
        }
        assert!(!outcome.text().contains(['\r', '\n']));
    }
    // A subject that is protected comes out of the ciphertext.
    for subject in ["=?utf-8?b?YQ0KWC1JbmplY3RlZDogeWVz?=", "a\u{2028}X-Injected: yes", &"long ".repeat(5_000)] {
        let fields = format!("From: {ALICE}\r\nTo: {CAROL}\r\nSubject: {subject}\r\n");
        let hp = String::from_utf8_lossy(TEXT).replacen("us-ascii", "us-ascii; hp=\"cipher\"", 1);
        let entity = encrypt(&["carol"], &sign("alice", format!("{fields}{hp}").as_bytes(), &[]), "aes-256-cbc", &[]);
        let outcome = to_carol(&site, &from_alice(&entity));
        let delivered = got(&outcome);
        assert!(field(delivered, "x-injected").is_empty(), "{subject:.40}");
        assert!(split(delivered).0.split(|b| *b == b'\n').all(|line| line.len() <= 999), "{subject:.40}");
        assert_eq!(field(delivered, "subject"), [subject.trim_end()]);
    }
    // The envelope, too, is the attacker's; a refusal may name its recipients.
    let outcome = Site::new().outbound(CAROL, &["x\u{7f}y@peer.example"], &message(CAROL, "x@peer.example", TEXT));
    assert!(outcome.text().chars().all(|c| c.is_ascii_graphic() || c == ' '), "{:?}", outcome.text());
}

/// Signatures of others over the message as it came stay what they were, in their order, and ours stands above them: who
/// checks them after us finds them broken where we rewrote, and never a word of ours that they are good.
#[test]
fn t46_dkim_and_arc_stay_as_they_came() {
    if !here("t46_dkim_and_arc_stay_as_they_came") {
        return;
    }
    let set = |instance: u8| {
        format!(
            "ARC-Seal: i={instance}; a=rsa-sha256; cv={}; d=lists.example; s=a; b=c2VhbA==\r\n\
             ARC-Message-Signature: i={instance}; a=rsa-sha256; d=lists.example; s=a;\r\n\th=from:to; bh=Ym9keQ==; b=c2ln\r\n\
             ARC-Authentication-Results: i={instance}; mail.lan.example; dkim=pass; smime=pass\r\n",
            if instance == 1 { "none" } else { "pass" }
        )
    };
    let trace = format!(
        "{}{}Authentication-Results: mx.lists.example; dkim=pass header.d=peer.example\r\n\
         DKIM-Signature: v=1; a=rsa-sha256; d=peer.example; s=a;\r\n h=from:to:subject; bh=Ym9keQ==; b=c2ln\r\n",
        set(2),
        set(1)
    );
    let stale = "Authentication-Results: mail.lan.example; dkim=pass header.d=peer.example\r\n";
    let site = Site::new();
    for (entity, rewritten) in [(TEXT.to_vec(), false), (sign("alice", TEXT, &[]), true)] {
        let message = [trace.as_bytes(), &from_alice(&entity)].concat();
        let outcome = to_carol(&site, &message);
        assert_eq!(outcome.delivered().unchanged, !rewritten);
        let delivered = String::from_utf8(got(&outcome).to_vec()).expect("text");
        let at = delivered.find(&trace).expect("the fields of others, bit for bit");
        assert_eq!(delivered[..at].contains("smime=pass"), rewritten, "{delivered}");
        // A result in our name from before is not ours now.
        let message = [stale.as_bytes(), trace.as_bytes(), &from_alice(&entity)].concat();
        let delivered = got(&to_carol(&site, &message)).to_vec();
        assert!(!contains(&delivered, stale.trim_end()) && contains(&delivered, &trace));
    }
}
