//! `wasmime process`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::bench::Bench;

const MESSAGE: &[u8] = b"From: taro@nec.co.jp\r\nTo: alice@abc.com\r\nSubject: Hi\r\n\r\nHello\r\n";
const TARO: &str = "taro@nec.co.jp";
const ALICE: &[&str] = &["alice@abc.com"];

fn unix(message: &[u8]) -> Vec<u8> {
    message.iter().copied().filter(|&octet| octet != b'\r').collect()
}

/// The message as it is on the wire.
fn wire(bench: &Bench) -> Vec<u8> {
    bench.process("outbound", TARO, ALICE, &["--format", "message"], MESSAGE).good().out
}

#[test]
fn a_message_goes_out_protected_and_comes_in_clear() {
    let bench = Bench::acquainted();
    let done = bench.process("outbound", TARO, ALICE, &["--output", "out"], MESSAGE).good();
    let json = done.json();
    let text = done.text();
    let places =
        ["verdict", "deliveries", "events", "private-key-operations"].map(|key| text.find(&format!("\"{key}\":")));
    assert!(places.is_sorted() && places[0] == Some(1), "in this order: {text}");
    assert_eq!(json["verdict"], "deliver");
    assert_eq!(json["deliveries"][0]["recipients"], serde_json::json!(["alice@abc.com"]));
    assert_eq!(json["deliveries"][0]["content"], "rewritten");
    assert_eq!(json["deliveries"][0]["file"], "out/0.eml");
    let wire = bench.read("out/0.eml");
    assert!(!wire.windows(5).any(|window| window == b"Hello"));
    assert!(wire.windows(2).any(|window| window == b"\r\n"));

    let done = bench.process("inbound", TARO, ALICE, &["--output", "in"], &wire).good();
    assert_eq!(done.json()["private-key-operations"], 1);
    let clear = bench.read("in/0.eml");
    assert!(clear.ends_with(b"\r\n\r\nHello\r\n"), "{}", String::from_utf8_lossy(&clear));
    let left: Vec<_> = fs::read_dir(bench.path("in")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["0.eml"], "no drafts");
}

#[test]
fn a_unix_pipe_gets_unix_line_ends_back() {
    let bench = Bench::acquainted();
    let out = bench.process("outbound", TARO, ALICE, &["--format", "message"], &unix(MESSAGE)).good().out;
    assert!(!out.contains(&b'\r'));
    let clear = bench.process("inbound", TARO, ALICE, &["--format", "message"], &out).good().out;
    assert!(clear.ends_with(b"\n\nHello\n") && !clear.contains(&b'\r'));
}

#[test]
fn t42_mixed_line_ends_are_refused() {
    let bench = Bench::acquainted();
    let done = bench.process("outbound", TARO, ALICE, &[], b"From: taro@nec.co.jp\r\nTo: alice@abc.com\n\r\nHello\r\n");
    assert_eq!((done.status, done.json()["reply"]["status"].as_str()), (77, Some("5.5.2")));
}

#[test]
fn unchanged_means_the_octets_received() {
    let bench = Bench::acquainted();
    let notice = b"From: someone@elsewhere.example\nTo: alice@abc.com\n\nplain\n";
    let done = bench.process("inbound", "<>", ALICE, &["--output", "in"], notice).good();
    assert_eq!(done.json()["deliveries"][0]["content"], "unchanged");
    assert_eq!(bench.read("in/0.eml"), notice);
    let done = bench.process("inbound", "", ALICE, &["--format", "message"], notice).good();
    assert_eq!(done.out, notice);
}

#[test]
fn b6_a_tampered_message_is_refused_and_nothing_is_left() {
    let bench = Bench::acquainted();
    let mut tampered = wire(&bench);
    // The signed entity is a large base64 body: change a letter in its middle.
    let at = tampered.windows(6).position(|window| window == b"\r\n\r\nMI").unwrap() + 200;
    tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
    let done = bench.process("inbound", TARO, ALICE, &["--output", "in"], &tampered);
    assert_eq!(done.status, 77);
    let json = done.json();
    assert_eq!(json["verdict"], "reject");
    assert_eq!((&json["reply"]["code"], &json["reply"]["status"]), (&550.into(), &"5.7.7".into()));
    assert_eq!(json["private-key-operations"], 0);
    assert!(!bench.path("in").exists());

    let done = bench.process("inbound", TARO, ALICE, &["--format", "message"], &tampered);
    done.bad(77, "5.7.7 ");
    assert!(done.err.starts_with("5.7.7 "), "as Postfix wants it: {}", done.err);
}

#[test]
fn t36_an_address_of_no_tenant_is_refused() {
    let bench = Bench::acquainted();
    for outside in ["alice@abc.com.evil.example", "alice@sub.abc.com", "alice"] {
        let done = bench.process("inbound", TARO, &[outside], &[], MESSAGE);
        assert_eq!((done.status, done.json()["reply"]["status"].as_str()), (77, Some("5.7.1")), "{outside}");
    }
    let done = bench.process("outbound", "x@elsewhere.example", ALICE, &[], MESSAGE);
    assert_eq!(done.json()["private-key-operations"], 0);
    assert_eq!(done.status, 77);
}

#[test]
fn t39_the_submitter_signs_for_nobody_else() {
    let bench = Bench::acquainted();
    let done = bench.process("outbound", TARO, ALICE, &["--submitter", "hanako@nec.co.jp"], MESSAGE);
    let json = done.json();
    assert_eq!((done.status, json["reply"]["status"].as_str()), (77, Some("5.7.1")));
    assert_eq!(json["private-key-operations"], 0);
}

#[test]
fn recipients_of_two_tenants_are_each_served_by_their_own() {
    let bench = Bench::acquainted();
    let both = ["alice@abc.com", "taro@nec.co.jp", "bob@ABC.com"];
    let done = bench.process("inbound", "x@elsewhere.example", &both, &["--output", "in"], MESSAGE).good();
    let mut served: Vec<String> = done.json()["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|delivery| delivery["recipients"].as_array().unwrap().iter().map(|r| r.as_str().unwrap().to_owned()))
        .collect();
    served.sort();
    assert_eq!(served, ["alice@abc.com", "bob@ABC.com", "taro@nec.co.jp"]);
    let done = bench.process("inbound", "x@y.z", &["alice@abc.com", "x@outside.example"], &[], MESSAGE);
    assert_eq!(done.status, 77, "one message, one answer");
}

#[test]
fn at_fixes_the_clock() {
    let bench = Bench::acquainted();
    let done = bench.process("outbound", TARO, ALICE, &["--at", "2040-01-01T00:00:00Z"], MESSAGE);
    assert_eq!((done.status, done.json()["reply"]["status"].as_str()), (77, Some("5.7.5")), "{}", done.text());
}

#[test]
fn t35_a_fault_of_the_set_up_defers() {
    let bench = Bench::acquainted();
    let deferred = |arguments: &[&str], cause: &str| {
        let done = bench.process("outbound", TARO, ALICE, arguments, MESSAGE);
        let json = done.json();
        assert_eq!((done.status, json["verdict"].as_str()), (75, Some("defer")), "{}", done.text());
        let events = json["events"].as_array().unwrap();
        assert!(events.iter().any(|event| event["fields"]["cause"] == cause), "{events:?}");
    };
    bench.write("a-file", b"");
    deferred(&["--output", "a-file"], "output");
    deferred(&["--component", "wasmime.toml"], "sandbox");
    fs::set_permissions(bench.path("nec.keyring.key"), fs::Permissions::from_mode(0o644)).unwrap();
    deferred(&[], "keyring");
    fs::remove_file(bench.path("nec.keyring.key")).unwrap();
    deferred(&["--output", "out"], "keyring");
    assert!(!bench.path("out").exists());
}

#[test]
fn several_forms_of_a_message_cannot_be_one() {
    let bench = Bench::new(
        "[tenant.nec]\ndomains = [\"nec.co.jp\"]\n[[tenant.nec.rule]]\nrecipient = \"*@clear.example\"\n\
         outbound = { sign = \"never\", encrypt = \"never\" }\n[[tenant.nec.rule]]\nrecipient = \"*@signed.example\"\n\
         outbound = { encrypt = \"never\" }\n",
    );
    bench.keys("generate", "nec", &["--address", TARO, "--algorithm", "rsa2048"]).good();
    let message = b"From: taro@nec.co.jp\nTo: a@clear.example, b@signed.example\n\nHello\n";
    let to = ["a@clear.example", "b@signed.example"];
    let done = bench.process("outbound", TARO, &to, &["--format", "message"], message);
    done.bad(75, "call once for each");
    let done = bench.process("outbound", TARO, &to, &["--output", "out"], message).good();
    assert_eq!(done.json()["deliveries"].as_array().unwrap().len(), 2);
}

#[test]
fn a_message_larger_than_is_accepted_is_refused() {
    let bench = Bench::acquainted();
    let mut message = MESSAGE.to_vec();
    message.resize((50 << 20) + 10, b'x');
    let done = bench.process("inbound", TARO, ALICE, &[], &message);
    assert_eq!((done.status, done.json()["reply"]["code"].as_u64()), (77, Some(552)));
}
