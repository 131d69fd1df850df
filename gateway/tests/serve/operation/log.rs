//! The log and the audit file.

use std::fs;

use serde_json::Value;

use super::{Answer, Site, configuration, send_carols};
use crate::daemon::eventually;

const JSON: &str = "log = \"json\"\naudit = \"audit.jsonl\"";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The one line of a message says all that a postmaster asks for.
#[test]
fn a_message_is_one_line() {
    let site = Site::start(JSON, "");
    let mut mta = site.connect();
    assert_eq!(send_carols(&mut mta), Answer::Continue);
    mta.envelope("carol@lan.example", None, &["nobody@peer.example"]);
    mta.message(&super::carols()).answer.begins("550 5.7.5 ");
    let log = lines(&site.gateway.log());
    let told: Vec<&Value> = log.iter().filter(|line| line["target"] == "wasmime::message").collect();
    let [sent, refused] = told[..] else { panic!("{told:?}") };
    for (key, value) in [
        ("tenant", "lan"),
        ("direction", "outbound"),
        ("client", "10.0.0.7"),
        ("sender", "carol@lan.example"),
        ("verdict", "deliver"),
    ] {
        assert_eq!(sent[key], value, "{sent}");
    }
    assert_eq!((&sent["recipients"], &sent["parts"]), (&1.into(), &1.into()));
    assert!(sent["private_key_operations"].as_u64() >= Some(1) && sent["size"].as_u64() > Some(100), "{sent}");
    assert!(sent["layers"].as_str().is_some_and(|layers| layers.contains("signed")), "{sent}");
    assert!(sent["algorithms"].as_str().is_some_and(|names| names.contains("aes")), "{sent}");
    assert!(sent["elapsed_ms"].as_u64() >= sent["filtered_ms"].as_u64(), "{sent}");
    assert_eq!((&refused["verdict"], &refused["reply"]), (&"reject".into(), &"550 5.7.5".into()));
    assert_eq!(refused["reason"], "no-recipient-certificate");

    let audit = lines(&fs::read_to_string(site.path().join("audit.jsonl")).expect("the audit file"));
    let last = audit.last().expect("an event");
    assert_eq!((&last["event"], &last["tenant"]), (&"message-rejected".into(), &"lan".into()));
    assert_eq!(last["id"], refused["id"]);
    assert!(audit.iter().any(|line| line["event"] == "protected" && line["id"] == sent["id"]));
}

/// What a client sends is quoted: it writes no line of its own, in neither form.
#[test]
fn mail_writes_no_line_of_the_log() {
    let forged = "carol\r\n2026-11-22T12:00:00Z  INFO forged=1 \u{1b}[2J\"";
    for gateway in ["", JSON] {
        let site = Site::start(gateway, "");
        let mut mta = site.connect();
        mta.mail(&format!("{forged}@else.example"), None).begins("55");
        mta.mail("carol@lan.example", Some(&format!("{forged}@lan.example")));
        mta.rcpt("alice@peer.example");
        mta.message(&super::carols());
        let log = site.gateway.log();
        assert!(log.contains("forged"), "{log}");
        assert!(!log.lines().any(|line| line.starts_with("2026-11-22T12:00:00Z  INFO forged")), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }
}

/// An archive takes the file away; a reload begins a new one.
#[test]
fn a_reload_opens_the_audit_file_anew() {
    let site = Site::start("audit = \"audit.jsonl\"", "");
    let (file, archived) = (site.path().join("audit.jsonl"), site.path().join("audit.jsonl.1"));
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);
    fs::rename(&file, &archived).expect("an archive");
    assert!(site.gateway.reload().contains("was read again"));
    let before = fs::read(&archived).expect("the archive");
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);
    eventually("events in the new file", || fs::read(&file).is_ok_and(|new| !new.is_empty()).then_some(()));
    assert_eq!(fs::read(&archived).expect("the archive"), before);
}

/// A disk that is full keeps no mail from its way, and no event from the log.
#[test]
fn t35_where_the_audit_file_cannot_be_written_the_log_has_its_lines() {
    let site = Site::start("audit = \"/dev/full\"", "");
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);
    let log = site.gateway.log();
    assert!(log.contains("the audit file /dev/full cannot be written (No space left on device"), "{log}");
    assert!(log.lines().any(|line| line.contains("wasmime::audit") && line.contains("protected")), "{log}");
    site.gateway.configure(&configuration("", &[site.port], ""));
    assert!(site.gateway.reload().contains("was read again"));
}
