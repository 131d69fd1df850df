//! T33, from within: a guest that somebody else has taken over asks for keys that
//! the message in hand does not open, or uses one for what it is not for.

use std::io::Write as _;

use host::{Direction, Envelope, Outcome, Reply, Runtime, RuntimeOptions, Verdict};
use host_test::Script;
use host_test::hostile::Hostile;
use host_test::script::{address, envelope};

const KEYS: &str = r#"
  (import "wasmime:filter/keys@0.1.0" "identities" (func $identities (param i32 i32 i32)))
  (import "wasmime:filter/keys@0.1.0" "[method]private-key.sign"
    (func $sign (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasmime:filter/keys@0.1.0" "[method]private-key.unwrap-key"
    (func $unwrap (param i32 i32 i32 i32 i32)))"#;

/// A reply 550 at 1024, whose numbers the guest fills in.
const REPLY: &str = r#"(data (i32.const 1024) "\01\00\00\00\26\02\00\00\00\00\00\00\80\04\00\00\01\00\00\00") (data (i32.const 1152) "x")"#;

/// Asks for the identities of `owner`: the subject of its reply is 0 where it gets
/// them and 1 where not. With the first key it then does what `with_key` says, whose
/// result is at 96: the detail has its case, ten times that of the error, and a
/// hundred times that of the refusal.
fn guest(owner: &str, with_key: &str) -> Runtime {
    let guest = Hostile::doing(&format!(
        "(call $identities (i32.const 16) (i32.const {len}) (i32.const 64))
         (i32.store16 (i32.const 1030) (i32.load8_u (i32.const 64)))
         (if (i32.and (i32.eqz (i32.load8_u (i32.const 64))) (i32.gt_u (i32.load (i32.const 72)) (i32.const 0))) (then
           {with_key}
           (i32.store16 (i32.const 1032) (i32.add (i32.load8_u (i32.const 96))
             (i32.add (i32.mul (i32.load8_u (i32.const 100)) (i32.const 10))
                      (i32.mul (i32.load8_u (i32.const 104)) (i32.const 100)))))))
         i32.const 1024",
        len = owner.len()
    ))
    .importing(KEYS)
    .with_string(16, owner)
    .with(REPLY);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&guest.component()).unwrap();
    Runtime::new(RuntimeOptions { component: Some(file.path().to_owned()), ..RuntimeOptions::default() }).unwrap()
}

const SIGN: &str = "(call $sign (i32.load (i32.add (i32.load (i32.const 68)) (i32.const 16)))
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 96))";
const UNWRAP: &str = "(call $unwrap (i32.load (i32.add (i32.load (i32.const 68)) (i32.const 16)))
    (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 96))";

fn run(runtime: &Runtime, envelope: &Envelope) -> Outcome {
    let script = Script::with_keys_of(&["alice", "bob", "carol", "dave"]);
    script.run(runtime, envelope, b"From: alice@peer.example\r\n\r\n")
}

fn found(outcome: &Outcome) -> (u16, u16) {
    match &outcome.verdict {
        Verdict::Reject(Reply { code: 550, subject, detail, .. }) => (*subject, *detail),
        other => panic!("{other:?} {:?}", outcome.events),
    }
}

const DENIED: u16 = 1;
/// An error, of the case `refused`, of the case `denied`.
const REFUSED_DENIED: u16 = 1 + 2 * 10 + 100;
/// An error, of the case `malformed`.
const MALFORMED: u16 = 1 + 10;

#[test]
fn t33_inbound_only_recipients_open_and_keys_do_not_sign() {
    let inbound = envelope(Direction::Inbound, "alice", &["carol"]);
    for other in ["alice", "bob", "dave"] {
        let outcome = run(&guest(&address(other), SIGN), &inbound);
        assert_eq!(found(&outcome), (DENIED, 0), "{other}");
        assert_eq!(outcome.events[0].name, "key-denied");
    }
    let outcome = run(&guest(&address("carol"), SIGN), &inbound);
    assert_eq!(found(&outcome), (0, REFUSED_DENIED));
    assert_eq!(outcome.private_key_operations, 0);
    // An empty RecipientInfo is for nobody: the key is not used.
    let outcome = run(&guest(&address("carol"), UNWRAP), &inbound);
    assert_eq!(found(&outcome), (0, MALFORMED));
    assert_eq!(outcome.private_key_operations, 0);
}

#[test]
fn t33_outbound_only_the_submitter_opens_and_keys_do_not_unwrap() {
    let outbound = envelope(Direction::Outbound, "alice", &["carol"]);
    for other in ["bob", "carol", "dave"] {
        assert_eq!(found(&run(&guest(&address(other), SIGN), &outbound)), (DENIED, 0), "{other}");
    }
    let outcome = run(&guest(&address("alice"), UNWRAP), &outbound);
    assert_eq!(found(&outcome), (0, REFUSED_DENIED));
    assert_eq!(outcome.private_key_operations, 0);
    // An empty algorithm does not parse; the key was asked.
    let outcome = run(&guest(&address("alice"), SIGN), &outbound);
    assert_eq!(found(&outcome), (0, MALFORMED));
    assert_eq!(outcome.private_key_operations, 1);
    let nobody = Envelope { submitter: None, ..outbound };
    assert_eq!(found(&run(&guest(&address("alice"), SIGN), &nobody)), (DENIED, 0));
}

#[test]
fn t33_uses_of_a_key_are_bounded() {
    let script = Script::with_keys_of(&["alice"]);
    let mut limits = script.limits.clone();
    limits.private_key_operations = 0;
    let outbound = envelope(Direction::Outbound, "alice", &["carol"]);
    let outcome = Script { limits, ..script }.run(&guest(&address("alice"), SIGN), &outbound, b"");
    assert!(matches!(&outcome.verdict, Verdict::Defer(reply) if reply.code == 451), "{:?}", outcome.verdict);
    assert_eq!(outcome.private_key_operations, 0);
}
