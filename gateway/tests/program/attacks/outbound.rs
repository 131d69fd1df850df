//! T27, T34, T37 to T39: what leaves, for whom, and on whose word.

use super::*;
use crate::support::openssl::{peel, print};

const STRANGER: &str = "nobody@elsewhere.example";
const OPPORTUNISTIC: &str = "[tenant.lan.outbound]\nsign = \"required\"\nencrypt = \"opportunistic\"";

/// Words and fields in a message switch nothing off.
#[test]
fn t27_outbound_trigger() {
    if !here("t27_outbound_trigger") {
        return;
    }
    let site = Site::new();
    for trigger in ["X-Skip-Encrypt: yes", "X-Wasmime: unchanged", "Sensitivity: public", "X-Original-Verdict: deliver"]
    {
        let original = [trigger.as_bytes(), b"\r\n", &message(CAROL, ALICE, TEXT)].concat();
        let outcome = site.outbound(CAROL, &[ALICE], &original);
        let sent = got(&outcome);
        assert!(!contains(sent, "stands until Friday"), "{trigger}");
        assert_eq!(peel("alice", sent).1, TEXT);
        site.outbound(CAROL, &[STRANGER], &original).refused("550 5.7.5").without_key();
    }
}

/// Nor on the way in, nor in an answer that quotes them.
#[test]
fn t27_words_from_outside_switch_nothing_off() {
    if !here("t27_words_from_outside_switch_nothing_off") {
        return;
    }
    let (strict, site) = (Site::with(STRICT), Site::new());
    let fields = ["X-Skip-Verify: yes", "X-Wasmime: deliver", "Authentication-Results: other.example; smime=pass"];
    for trigger in fields {
        for subject in ["[nosign] The offer", "[noencrypt] The offer", "[confidential] The offer"] {
            let original = String::from_utf8(from_alice(TEXT)).expect("text").replacen("The offer", subject, 1);
            let original = format!("{trigger}\r\n{original}");
            to_carol(&strict, original.as_bytes()).refused("550 5.7.1").without_key();
            assert_eq!(got(&to_carol(&site, original.as_bytes())), original.as_bytes(), "it is mail like any other");
            let quoted = original.replace("\r\n", "\r\n> ");
            let answer = format!("Content-Type: text/plain\r\n\r\n> {quoted}\r\n");
            let answer = String::from_utf8(message(CAROL, ALICE, answer.as_bytes())).expect("text");
            let answer = answer.replacen("Subject: The offer", &format!("Subject: Re: {subject}"), 1);
            let outcome = site.outbound(CAROL, &[ALICE], answer.as_bytes());
            assert!(!contains(got(&outcome), "stands until Friday"), "{subject}");
            site.outbound(CAROL, &[STRANGER], answer.as_bytes()).refused("550 5.7.5").without_key();
        }
    }
}

#[test]
fn t34_missing_recipient_key() {
    if !here("t34_missing_recipient_key") {
        return;
    }
    let bob = "bob@peer.example";
    let original = message(CAROL, &format!("{ALICE}, {bob}, {STRANGER}"), TEXT);
    // Required: nobody is served, and the text names who lacks a certificate.
    let outcome = Site::new().outbound(CAROL, &[ALICE, STRANGER, bob], &original);
    outcome.refused("550 5.7.5").without_key();
    assert!(outcome.text().contains(STRANGER) && !outcome.text().contains(ALICE), "{}", outcome.text());
    // Opportunistic: a signed copy for the one, encrypted copies for the others.
    let outcome = Site::with(OPPORTUNISTIC).outbound(CAROL, &[ALICE, STRANGER, bob], &original);
    for delivery in &outcome.deliveries {
        let clear = delivery.recipients == [STRANGER];
        assert_eq!(contains(&delivery.bytes, "stands until Friday"), clear, "{:?}", delivery.recipients);
        let (layers, inner) = peel("alice", &delivery.bytes);
        assert_eq!(inner, TEXT);
        assert_eq!(layers == ["detached"], clear, "{layers:?}");
    }
    // A certificate that does not hold is as good as none.
    for bad in ["alice-expired", "alice-untrusted", "alice-server", "alice-future", "alice-1024", "alice-by-bob"] {
        let site = Site::empty(POLICY);
        site.import(&[&pki("carol.pem"), &pki("carol.key")]);
        site.import(&["--address", ALICE, &pki(&format!("{bad}.pem"))]);
        let outcome = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT));
        outcome.refused("550 5.7.5").without_key();
    }
}

#[test]
fn t37_bcc_leak() {
    if !here("t37_bcc_leak") {
        return;
    }
    let site = Site::new();
    let (bob, frank) = ("bob@peer.example", "frank@peer.example");
    let fields = format!(
        "From: {CAROL}\r\nTo: {ALICE}\r\nCc: {bob}\r\nBcc: {frank}\r\nSubject: The offer\r\nMIME-Version: 1.0\r\n"
    );
    let original = [fields.as_bytes(), TEXT].concat();
    let outcome = site.outbound(CAROL, &[ALICE, frank, bob, MALLORY], &original);
    assert_eq!(outcome.deliveries.len(), 3, "one for To and Cc, one for each Bcc: {}", outcome.json);
    for delivery in &outcome.deliveries {
        assert!(field(&delivery.bytes, "bcc").is_empty());
        for hidden in [frank, MALLORY] {
            if delivery.recipients != [hidden] {
                assert!(!contains(&delivery.bytes, hidden), "{hidden} shows in the copy for {:?}", delivery.recipients);
            }
        }
        let named = delivery.recipients.len();
        let mut sealed = delivery.bytes.clone();
        if field(&sealed, "content-type").concat().starts_with("multipart/signed") {
            sealed = openssl::verify(&sealed);
        }
        assert_eq!(
            print(&sealed).matches("d.ktri").count(),
            named,
            "one RecipientInfo for each of {:?}",
            delivery.recipients
        );
        let reader = delivery.recipients[0].split('@').next().expect("a local part");
        assert_eq!(peel(reader, &delivery.bytes).1, TEXT);
    }
}

/// What is protected already is not protected again.
#[test]
fn t38_double_processing() {
    if !here("t38_double_processing") {
        return;
    }
    let site = Site::new();
    // Encrypted by the client: unchanged, bit for bit.
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        let sealed = message(CAROL, ALICE, &encrypt(&["alice"], TEXT, cipher, &[]));
        let outcome = site.outbound(CAROL, &[ALICE], &sealed);
        assert!(outcome.delivered().unchanged, "{}", outcome.json);
        outcome.without_key();
    }
    // Signed by the client: our layers go around hers, which stays as it is.
    let signed = sign("carol", TEXT, &[]);
    let outcome = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, &signed));
    let (layers, inner) = peel("alice", got(&outcome));
    assert_eq!(inner, TEXT);
    assert!(layers.len() >= 3, "{layers:?}");
    // An invitation is mail like any other: every octet of it arrives.
    let invitation =
        b"Content-Type: multipart/alternative; boundary=cal\r\n\r\n--cal\r\nContent-Type: text/plain\r\n\r\n\
        Lunch\r\n--cal\r\nContent-Type: text/calendar; method=REQUEST; charset=us-ascii\r\n\r\nBEGIN:VCALENDAR\r\n\
        METHOD:REQUEST\r\nEND:VCALENDAR\r\n--cal--\r\n";
    let outcome = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, invitation));
    assert_eq!(peel("alice", got(&outcome)).1, invitation);
    // Our own output again: unchanged.
    let first = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT));
    let again = site.outbound(CAROL, &[ALICE], got(&first));
    let (_, inner) = peel("alice", got(&again));
    assert_eq!(inner, TEXT);
}

#[test]
fn t39_submitter_spoof() {
    if !here("t39_submitter_spoof") {
        return;
    }
    let site = Site::new();
    let headers = [
        format!("From: {CAROL}"),
        format!("From: Dave <{CAROL}>"),
        format!("From: {CAROL}, {DAVE}\r\nSender: {CAROL}"),
        format!("From: {DAVE}\r\nFrom: {CAROL}"),
        format!("From: \"{DAVE}\" <{CAROL}>"),
    ];
    for header in headers {
        let original = format!("{header}\r\nTo: {ALICE}\r\nSubject: x\r\nMIME-Version: 1.0\r\n");
        let original = [original.as_bytes(), TEXT].concat();
        site.outbound(DAVE, &[ALICE], &original).refused("550 5.7.1").without_key();
    }
    // carol herself, and dave as dave, may.
    for who in [CAROL, DAVE] {
        assert_eq!(peel("alice", got(&site.outbound(who, &[ALICE], &message(who, ALICE, TEXT)))).1, TEXT);
    }
}
