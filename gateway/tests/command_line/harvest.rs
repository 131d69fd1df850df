//! What signed mail teaches, through the program.

use serde_json::Value;

use super::bench::{Bench, openssl, pki};

const TARO: &str = "taro@nec.co.jp";
const ALICE: &str = "alice@peer.example";
const AT: &[&str] = &["--at", "2026-11-22T12:00:00Z"];

/// Taro's organisation, which knows nobody and trusts an authority; and that of
/// alice, whose certificate is of that authority.
fn strangers() -> Bench {
    let anchors = pki("ca.pem");
    let bench = Bench::new(&format!(
        "[tenant.nec]\ndomains = [\"nec.co.jp\"]\nanchors = [{anchors:?}]\n\
         [tenant.nec.outbound]\nsign = \"never\"\nencrypt = \"opportunistic\"\n\
         [tenant.peer]\ndomains = [\"peer.example\"]\nanchors = [{anchors:?}]\n\
         [tenant.peer.outbound]\nencrypt = \"never\"\n"
    ));
    bench.keys("generate", "nec", &["--address", TARO, "--algorithm", "rsa2048"]).good();
    bench
}

/// Alice signs with the key of this name, and taro's organisation reads it: what is
/// told of that.
fn alice_writes(bench: &Bench, key: &str) -> Vec<Value> {
    alice_is_read(bench, key, AT)
}

/// The same, where it is read at another time than it was signed.
fn alice_is_read(bench: &Bench, key: &str, at: &[&str]) -> Vec<Value> {
    let [certificate, private] = ["pem", "key"].map(|ending| pki(&format!("{key}.{ending}")));
    bench.keys("import", "peer", &[&certificate, &private]).good();
    let message = b"From: alice@peer.example\r\nTo: taro@nec.co.jp\r\nSubject: Hi\r\n\r\nHello\r\n";
    let signed = bench.process("outbound", ALICE, &[TARO], &[AT, &["--format", "message"]].concat(), message).good();
    let read = bench.process("inbound", ALICE, &[TARO], at, &signed.out).good();
    read.json()["events"].as_array().unwrap().clone()
}

/// What taro's answer to alice is protected with.
fn taro_answers(bench: &Bench) -> Vec<Value> {
    let message = b"From: taro@nec.co.jp\r\nTo: alice@peer.example\r\nSubject: Re: Hi\r\n\r\nHello\r\n";
    let done = bench.process("outbound", TARO, &[ALICE], AT, message).good();
    done.json()["events"].as_array().unwrap().clone()
}

#[track_caller]
fn field(events: &[Value], event: &str, name: &str) -> String {
    let found = events.iter().find(|found| found["event"] == event).unwrap_or_else(|| panic!("{event}: {events:?}"));
    found["fields"][name].as_str().unwrap_or_else(|| panic!("{name}: {found}")).to_owned()
}

fn listed(bench: &Bench) -> Vec<(String, bool)> {
    let rows = bench.keys("list", "nec", &["--address", ALICE, "--json"]).good().json();
    let row = |row: &Value| (row["source"].as_str().unwrap().to_owned(), row["held"] == true);
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn e8a_who_has_signed_is_written_to_with_what_it_reads() {
    let bench = strangers();
    let before = taro_answers(&bench);
    assert_eq!(field(&before, "sent-clear", "recipient"), ALICE);
    let taught = alice_writes(&bench, "alice");
    assert_eq!(field(&taught, "certificate-learned", "grounds"), "first");
    assert_eq!(listed(&bench), [("learned".to_owned(), false)]);
    let after = taro_answers(&bench);
    assert_eq!(field(&after, "protected", "cipher"), "aes-256-gcm");
    assert_eq!(field(&after, "protected", "chosen-by"), "capabilities");
}

#[test]
fn t32_mail_that_is_sent_again_does_not_say_what_its_author_reads_now() {
    let bench = strangers();
    let taught = alice_is_read(&bench, "alice", &["--at", "2026-12-01T12:00:00Z"]);
    assert_eq!(field(&taught, "certificate-learned", "grounds"), "first");
    assert_eq!(field(&taro_answers(&bench), "protected", "chosen-by"), "unknown-peer");
    let taught = alice_writes(&bench, "alice");
    assert_eq!(field(&taught, "capabilities-learned", "owner"), ALICE);
    let later = alice_is_read(&bench, "alice", &["--at", "2026-12-01T12:00:00Z"]);
    assert!(later.iter().all(|event| event["event"] != "capabilities-learned"), "{later:?}");
    assert_eq!(field(&taro_answers(&bench), "protected", "chosen-by"), "capabilities");
}

#[test]
fn t29_another_certificate_waits_until_it_is_approved() {
    let bench = strangers();
    alice_writes(&bench, "alice");
    let known = bench.keys("list", "nec", &["--address", ALICE, "--json"]).good().json();
    bench.keys("retire", "peer", &["--address", ALICE]).good();
    let taught = alice_writes(&bench, "alice-new");
    assert_eq!(field(&taught, "certificate-held", "known"), known[0]["fingerprint"].as_str().unwrap());
    assert_eq!(field(&taught, "certificate-held", "owner"), ALICE);
    assert!(bench.keys("list", "nec", &[]).good().text().contains("held"));
    assert!(bench.call(&["check", "--config", "wasmime.toml"], b"").text().contains("wasmime keys approve"));

    bench.keys("approve", "nec", &["nobody@peer.example"]).bad(1, "nothing of nobody@peer.example waits for approval");
    let done = bench.keys("approve", "nec", &[ALICE]).good().text();
    assert!(done.contains("approved") && done.contains("retired, which was learned before it"), "{done}");
    let rows = listed(&bench);
    assert!(rows.iter().all(|(_, held)| !held) && rows.len() == 2, "{rows:?}");
    assert_eq!(field(&taro_answers(&bench), "protected", "recipient"), ALICE);
    bench.keys("approve", "nec", &[ALICE]).bad(1, "waits for approval");
}

#[test]
fn what_is_held_is_approved_by_its_fingerprint_or_removed_for_good() {
    let bench = strangers();
    alice_writes(&bench, "alice");
    bench.keys("retire", "peer", &["--address", ALICE]).good();
    let taught = alice_writes(&bench, "alice-new");
    let fingerprint = field(&taught, "certificate-held", "fingerprint");
    bench.keys("approve", "nec", &["12345"]).bad(64, "not a fingerprint");
    bench.keys("remove", "nec", &["--address", ALICE, "--fingerprint", &fingerprint]).good();
    let again = alice_writes(&bench, "alice-new");
    assert_eq!(field(&again, "certificate-not-learned", "cause"), "removed");
    bench.keys("approve", "nec", &[&fingerprint[..16]]).bad(1, "waits for approval");
    assert_eq!(listed(&bench), [("learned".to_owned(), false)]);
}

#[test]
fn t28_certificates_that_a_signature_brings_along_teach_nothing() {
    let bench = strangers();
    bench.write("body", b"Content-Type: text/plain\n\nHello\n");
    let (signer, key, extra) = (pki("alice.pem"), pki("alice.key"), pki("bob.pem"));
    for (author, learned) in [("bob@peer.example", vec![]), (ALICE, vec![ALICE])] {
        let command = format!(
            "cms -sign -in body -signer {signer} -inkey {key} -certfile {extra} -from {author} -to {TARO} -subject Hi"
        );
        let Some(mut signed) = openssl(&bench, &command) else { return };
        // It writes the content with CR and the header without.
        signed.retain(|octet| *octet != b'\r');
        let read = bench.process("inbound", author, &[TARO], &[], &signed).good().json();
        let rows = bench.keys("list", "nec", &["--json"]).good().json();
        let others: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["address"].as_str().unwrap()).collect();
        let others: Vec<&str> = others.into_iter().filter(|address| *address != TARO).collect();
        assert_eq!(others, learned, "{author}: {read}");
    }
}
