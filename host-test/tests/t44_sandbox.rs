//! T44: a guest taken over, or broken. Whatever it does, the answer is `451 4.3.0`
//! (or `554 5.3.0` for an ill-formed rejection), in time, and the next message
//! sees nothing of it.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use host::{Content, Delivery, Direction, Envelope, Limits, Outcome, Reply, Runtime, RuntimeOptions, Verdict};
use host_test::Script;
use host_test::hostile::Hostile;

const CLOCK: &str = r#"(import "wasmime:filter/clock@0.1.0" "now" (func $now (result i64)))"#;
const ENTROPY: &str = r#"(import "wasmime:filter/entropy@0.1.0" "draw" (func $draw (param i32 i32)))"#;
const AUDIT: &str = r#"(import "wasmime:filter/audit@0.1.0" "report" (func $report (param i32 i32 i32 i32 i32)))"#;
const CERTIFICATES: &str =
    r#"(import "wasmime:filter/keys@0.1.0" "certificates" (func $certificates (param i32 i32 i32)))"#;
const IDENTITIES: &str = r#"(import "wasmime:filter/keys@0.1.0" "identities" (func $identities (param i32 i32 i32)))"#;

fn runtime(guest: &Hostile) -> Runtime {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&guest.component()).unwrap();
    let options = RuntimeOptions { component: Some(file.path().to_owned()), instances: 4, ..RuntimeOptions::default() };
    Runtime::new(options).unwrap()
}

fn script() -> Script {
    let limits = Limits { time: Duration::from_millis(300), memory: 64 << 20, transfer: 64 << 20, ..Limits::default() };
    Script { limits, ..Script::with_keys_of(&["alice", "carol"]) }
}

fn envelope() -> Envelope {
    host_test::script::envelope(Direction::Inbound, "alice", &["carol", "dave"])
}

const MESSAGE: &[u8] = b"From: alice@peer.example\r\n\r\nHello\r\n";

fn outcome(guest: &Hostile) -> Outcome {
    script().run(&runtime(guest), &envelope(), MESSAGE)
}

/// The text of the event with which the host tells what happened.
fn cause(outcome: &Outcome) -> String {
    let event = outcome.events.last().expect("the host reports what happened");
    match &event.fields[0].value {
        host::FieldValue::Text(text) => format!("{} {text}", event.name),
        other => panic!("{other:?}"),
    }
}

fn is_deferred(outcome: &Outcome) -> bool {
    matches!(&outcome.verdict, Verdict::Defer(reply) if (reply.code, reply.subject, reply.detail) == (451, 3, 0))
}

#[track_caller]
fn stopped(guest: &Hostile, why: &str) {
    let started = Instant::now();
    let outcome = outcome(guest);
    // The limit is 300 ms; compilation, and a machine with other work, take more.
    assert!(started.elapsed() < Duration::from_secs(20), "in time");
    assert!(outcome.statistics.elapsed < Duration::from_secs(10), "{:?}", outcome.statistics.elapsed);
    assert!(is_deferred(&outcome), "{:?}", outcome.verdict);
    assert_eq!(cause(&outcome), why);
}

#[test]
fn t44_a_sound_verdict_is_followed() {
    let verdict = Verdict::Deliver(vec![
        Delivery { recipients: vec![1], content: Content::Rewritten(b"A: b\r\n\r\nbody".to_vec()) },
        Delivery { recipients: vec![0], content: Content::Unchanged },
    ]);
    let outcome = outcome(&Hostile::answering(&verdict));
    assert_eq!(outcome.verdict, verdict);
    assert!(outcome.events.is_empty());
}

#[test]
fn t44_an_endless_loop_ends() {
    stopped(&Hostile::doing("(loop $again (br $again)) unreachable"), "guest-stopped limit-time");
}

#[test]
fn t44_a_trap_is_an_answer() {
    stopped(&Hostile::doing("unreachable"), "guest-stopped trap");
    stopped(&Hostile::doing("(i32.div_u (i32.const 1) (i32.const 0))"), "guest-stopped trap");
    stopped(&Hostile::doing("(i32.load (i32.const -1))"), "guest-stopped trap");
}

#[test]
fn t44_endless_recursion_ends() {
    let guest = Hostile::doing("(call $deeper (i64.const 0)) drop i32.const 0")
        .with("(func $deeper (param i64) (result i64) (i64.add (i64.const 1) (call $deeper (local.get 0))))");
    stopped(&guest, "guest-stopped limit-stack");
}

#[test]
fn t44_memory_is_bounded() {
    let outcome = outcome(&Hostile::doing(
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
    ));
    assert!(is_deferred(&outcome));
    assert_eq!(cause(&outcome), "guest-stopped limit-memory");
    assert!(outcome.statistics.memory_peak <= 64 << 20, "{}", outcome.statistics.memory_peak);
    assert!(outcome.statistics.memory_peak > 60 << 20, "all it may have: {}", outcome.statistics.memory_peak);
}

#[test]
fn t44_a_flood_of_calls_ends() {
    let guest = Hostile::doing("(loop $again (drop (call $now)) (br $again)) unreachable").importing(CLOCK);
    let mut script = script();
    script.limits.host_calls = 1000;
    script.limits.time = Duration::from_secs(20);
    let outcome = script.run(&runtime(&guest), &envelope(), MESSAGE);
    assert!(is_deferred(&outcome));
    assert_eq!(cause(&outcome), "guest-stopped limit-host-calls");
    assert_eq!(outcome.statistics.host_calls, 1001);
}

#[test]
fn t44_a_flood_of_lookups_ends_in_time() {
    let guest = Hostile::doing(
        "(loop $again (call $certificates (i32.const 16) (i32.const 4) (i32.const 64)) (br $again)) unreachable",
    )
    .importing(CERTIFICATES)
    .with_string(16, "a@b.");
    let mut script = script();
    script.limits.host_calls = u64::MAX;
    let outcome = script.run(&runtime(&guest), &envelope(), MESSAGE);
    assert!(is_deferred(&outcome));
    assert_eq!(cause(&outcome), "guest-stopped limit-time");
    assert!(outcome.statistics.elapsed < Duration::from_secs(2), "{:?}", outcome.statistics.elapsed);
}

#[test]
fn t44_a_flood_of_randomness_ends() {
    let guest = Hostile::doing("(loop $again (call $draw (i32.const 65536) (i32.const 64)) (br $again)) unreachable")
        .importing(ENTROPY);
    let mut script = script();
    script.limits.time = Duration::from_secs(20);
    script.limits.entropy = 1 << 20;
    let outcome = script.run(&runtime(&guest), &envelope(), MESSAGE);
    assert!(is_deferred(&outcome));
    assert_eq!(cause(&outcome), "guest-stopped limit-entropy");
}

#[test]
fn t44_a_flood_of_handles_ends() {
    let guest = Hostile::doing(
        "(loop $again
           (call $identities (i32.const 16) (i32.const 17) (i32.const 64))
           (br_if $again (i32.eqz (i32.load8_u (i32.const 64)))))
         unreachable",
    )
    .importing(IDENTITIES)
    .with_string(16, "carol@lan.example");
    let mut script = script();
    script.limits.time = Duration::from_secs(20);
    script.limits.handles = 50;
    let outcome = script.run(&runtime(&guest), &envelope(), MESSAGE);
    assert!(is_deferred(&outcome));
    assert_eq!(cause(&outcome), "guest-stopped limit-handles");
}

#[test]
fn t44_a_flood_of_events_is_cut() {
    let guest = Hostile::doing(
        "(local $i i32)
         (loop $again
           (call $report (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 0))
           (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))
         unreachable",
    )
    .importing(AUDIT)
    .with_string(16, "a\r\nb\x1b");
    let outcome = outcome(&guest);
    assert!(is_deferred(&outcome));
    assert_eq!(outcome.events.len(), Limits::default().events + 2);
    assert_eq!(outcome.events[0].name, "a??b?");
    assert_eq!(outcome.events.last().unwrap().name, "audit-truncated");
}

#[test]
fn t44_an_answer_of_a_gigabyte_is_not_taken() {
    // It claims a gigabyte, and has none.
    let claimed = Hostile::doing("i32.const 16").with(
        r#"(data (i32.const 16) "\00\00\00\00\40\00\00\00\01\00\00\00")
           (data (i32.const 64) "\80\00\00\00\02\00\00\00\01\00\00\00\00\00\00\00\00\00\00\40")
           (data (i32.const 128) "\00\00\00\00\01\00\00\00")"#,
    );
    let outcome = outcome(&claimed);
    assert!(is_deferred(&outcome), "{:?}", outcome.verdict);
    // It has a megabyte, and names it a thousand times over.
    let deliveries = r#"\80\00\00\00\02\00\00\00\01\00\00\00\00\00\00\00\00\00\10\00"#.repeat(1000);
    let repeated = Hostile::doing("i32.const 16").with(&format!(
        r#"(data (i32.const 16) "\00\00\00\00\00\10\00\00\e8\03\00\00")
           (data (i32.const 4096) "{deliveries}")
           (data (i32.const 128) "\00\00\00\00\01\00\00\00")"#,
    ));
    stopped(&repeated, "guest-stopped guest");
}

#[test]
fn t44_a_pointer_out_of_memory_is_no_answer() {
    stopped(&Hostile::doing("i32.const -8"), "guest-stopped guest");
    stopped(&Hostile::doing("i32.const 3"), "guest-stopped guest");
    // A case of the verdict that there is not.
    let guest = Hostile::doing("i32.const 16").with(r#"(data (i32.const 16) "\07")"#);
    stopped(&guest, "guest-stopped guest");
}

#[track_caller]
fn ill_formed(verdict: Verdict, why: &str) -> Verdict {
    let outcome = outcome(&Hostile::answering(&verdict));
    assert_eq!(cause(&outcome), format!("verdict-ill-formed {why}"));
    outcome.verdict
}

fn unchanged(groups: &[&[u32]]) -> Verdict {
    let delivery = |group: &&[u32]| Delivery { recipients: group.to_vec(), content: Content::Unchanged };
    Verdict::Deliver(groups.iter().map(delivery).collect())
}

fn reply(code: u16, text: &str) -> Reply {
    Reply { code, subject: 7, detail: 1, text: text.to_owned() }
}

#[track_caller]
fn replaced(verdict: Verdict, code: u16) {
    match verdict {
        Verdict::Reject(reply) | Verdict::Defer(reply) => {
            assert_eq!((reply.code, reply.subject, reply.detail), (code, 3, 0));
            assert!(reply.text.bytes().all(|octet| matches!(octet, b' '..=b'~')));
        }
        Verdict::Deliver(_) => panic!("delivered"),
    }
}

#[test]
fn t44_forged_deliveries_are_not_made() {
    replaced(ill_formed(unchanged(&[&[0]]), "recipient-missing"), 451);
    replaced(ill_formed(unchanged(&[]), "recipient-missing"), 451);
    replaced(ill_formed(unchanged(&[&[0, 1], &[1]]), "recipient-repeated"), 451);
    replaced(ill_formed(unchanged(&[&[0, 1, 2]]), "recipient-out-of-range"), 451);
    replaced(ill_formed(unchanged(&[&[0, 1], &[]]), "delivery-for-nobody"), 451);
    let bare = vec![Delivery { recipients: vec![0, 1], content: Content::Rewritten(b"A: b\n\nc".to_vec()) }];
    replaced(ill_formed(Verdict::Deliver(bare), "header"), 451);
    let empty = vec![Delivery { recipients: vec![0, 1], content: Content::Rewritten(Vec::new()) }];
    replaced(ill_formed(Verdict::Deliver(empty), "empty-message"), 451);
}

#[test]
fn t44_forged_replies_are_not_sent() {
    replaced(ill_formed(Verdict::Reject(reply(550, "no\r\n250 2.0.0 OK")), "reply-text"), 554);
    replaced(ill_formed(Verdict::Reject(reply(250, "OK")), "reply-code"), 554);
    replaced(ill_formed(Verdict::Reject(reply(451, "later")), "reply-code"), 554);
    replaced(ill_formed(Verdict::Defer(reply(550, "never")), "reply-code"), 451);
    replaced(ill_formed(Verdict::Defer(reply(451, "x\n")), "reply-text"), 451);
    replaced(ill_formed(Verdict::Defer(reply(421, "bye")), "reply-code"), 451);
    replaced(ill_formed(Verdict::Reject(reply(550, &"x".repeat(481))), "reply-text"), 554);
}

#[test]
fn t44_nothing_is_left_for_the_next_message() {
    // It answers 551 where it finds anything of an earlier message in its global
    // or its memory, 550 where not; then it leaves a mark in both, and far up.
    let guest = Hostile::doing(
        "(local $found i32)
         (drop (memory.grow (i32.const 256)))
         (local.set $found (i32.or (global.get $mark) (i32.or (i32.load (i32.const 2048)) (i32.load (i32.const 16000000)))))
         (global.set $mark (i32.const 1))
         (i32.store (i32.const 2048) (i32.const 1))
         (i32.store (i32.const 16000000) (i32.const 1))
         (i32.store16 (i32.const 20) (i32.add (i32.const 550) (local.get $found)))
         i32.const 16",
    )
    .with("(global $mark (mut i32) (i32.const 0))")
    .with(r#"(data (i32.const 16) "\01\00\00\00\26\02\07\00\01\00\00\00\40\00\00\00\01\00\00\00") (data (i32.const 64) "x")"#);
    let runtime = runtime(&guest);
    for _ in 0..50 {
        match script().run(&runtime, &envelope(), MESSAGE).verdict {
            Verdict::Reject(reply) => assert_eq!(reply.code, 550, "something was left"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn t44_what_was_stopped_gives_its_place_back() {
    // Four places, and ten endless messages one after the other, then one more.
    let endless = runtime(&Hostile::doing("(loop $again (br $again)) unreachable"));
    let mut script = script();
    script.limits.time = Duration::from_millis(30);
    for _ in 0..10 {
        assert!(is_deferred(&script.run(&endless, &envelope(), MESSAGE)));
    }
}

#[test]
fn t44_too_many_messages_at_a_time_wait_or_are_deferred() {
    let endless = runtime(&Hostile::doing("(loop $again (br $again)) unreachable"));
    let mut script = script();
    script.limits.time = Duration::from_millis(200);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| cause(&script.run(&endless, &envelope(), MESSAGE)))).collect();
        let causes: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        assert!(causes.iter().any(|cause| cause == "guest-stopped limit-time"), "{causes:?}");
        assert!(
            causes.iter().all(|cause| ["guest-stopped limit-time", "guest-stopped no-instance"].contains(&&**cause)),
            "{causes:?}"
        );
    });
}

#[test]
fn t44_a_message_that_is_too_large_does_not_get_in() {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(&Hostile::doing("unreachable")));
    let mut script = script();
    script.limits.message_size = MESSAGE.len();
    assert_eq!(cause(&script.run(&RUNTIME, &envelope(), MESSAGE)), "guest-stopped trap");
    script.limits.message_size -= 1;
    let outcome = script.run(&RUNTIME, &envelope(), MESSAGE);
    assert!(
        matches!(&outcome.verdict, Verdict::Reject(reply) if (reply.code, reply.subject, reply.detail) == (552, 3, 4))
    );
    assert_eq!(outcome.events[0].name, "message-too-large");
    assert_eq!(outcome.statistics.memory_peak, 0);
}

#[test]
fn t44_a_component_of_another_world_is_not_run() {
    let run = |wasm: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(wasm).unwrap();
        let options = RuntimeOptions { component: Some(file.path().to_owned()), ..RuntimeOptions::default() };
        Runtime::new(options).err().expect("no runtime").to_string()
    };
    let empty = wat::parse_str("(component)").unwrap();
    assert!(run(&empty).contains("does not fit the world"), "{}", run(&empty));
    let wasi = wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap();
    assert!(run(&wasi).contains("does not fit the world"), "{}", run(&wasi));
    let module = wat::parse_str("(module)").unwrap();
    assert!(run(&module).contains("give a WebAssembly component"), "{}", run(&module));
    assert!(run(b"no WebAssembly").contains("give a WebAssembly component"));
}
