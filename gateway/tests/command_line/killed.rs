//! The program is killed while it writes a keyring, and others read it.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use host::keyring::{GenerateOptions, KeyAlgorithm, Keyring};

use super::bench::{BOTH, Bench};

/// How often a run is killed, at so many points spread over its time.
const KILLS: u32 = 25;
/// 2026-11-22T12:00:00Z.
const NOW: u64 = 1_795_348_800;

fn keyring(bench: &Bench) -> Keyring {
    Keyring::open(&bench.path("nec.keyring")).unwrap()
}

/// Files keys without a process for each.
fn fill(bench: &Bench, keys: usize) {
    let keyring = Keyring::open_or_create(&bench.path("nec.keyring")).unwrap();
    for at in 0..keys {
        let address = format!("user{at}@nec.co.jp");
        keyring.generate(&GenerateOptions { address, algorithm: KeyAlgorithm::EcP256, days: 365, now: NOW }).unwrap();
    }
}

/// That every key in the keyring unseals, and belongs where it is; how many there are.
fn sound_keys(bench: &Bench) -> usize {
    let keyring = keyring(bench);
    let records = keyring.records(NOW).unwrap();
    for record in &records {
        assert!(!record.altered, "{}", record.address);
        keyring.key(&record.facts.key_id).unwrap();
    }
    assert_eq!(records.len() % 2, 0, "each key with its certificate");
    records.len() / 2
}

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmime"));
    command.current_dir(bench.path(".")).env_clear().args(["keys", arguments[0], "--config", "wasmime.toml"]);
    command.args(["--tenant", "nec"]).args(&arguments[1..]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs the program again and again, and kills it a little later each time; then
/// `check` is told whether it had ended well before.
fn kill_again_and_again(bench: &Bench, arguments: impl Fn(u32) -> Vec<String>, mut check: impl FnMut(u32, bool)) {
    let run = |at| {
        let arguments = arguments(at);
        start(bench, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let started = Instant::now();
    assert!(run(0).wait().unwrap().success());
    let whole = started.elapsed();
    check(0, true);
    for at in 1..=KILLS {
        let mut child = run(at);
        // From its beginning to a little after its end.
        thread::sleep(whole * at * 6 / (5 * KILLS));
        child.kill().unwrap();
        let ended_well = child.wait().unwrap().success();
        check(at, ended_well);
    }
}

#[test]
fn t35_a_key_is_filed_whole_or_not_at_all() {
    let bench = Bench::new(BOTH);
    let mut filed = 0;
    kill_again_and_again(
        &bench,
        |at| {
            ["generate", "--address", &format!("user{at}@nec.co.jp"), "--algorithm", "ec-p256"]
                .map(str::to_owned)
                .to_vec()
        },
        |at, ended_well| {
            let now = sound_keys(&bench);
            assert!(now == filed || now == filed + 1, "run {at}: {filed} keys, then {now}");
            assert!(!ended_well || now == filed + 1, "run {at} said that it had filed a key");
            filed = now;
        },
    );
    assert!(filed > 0);
}

#[test]
fn t35_a_rotation_takes_place_whole_or_not_at_all() {
    let bench = Bench::new(BOTH);
    fill(&bench, 60);
    let passphrase = |at: u32| format!("the passphrase of run {at}\n");
    kill_again_and_again(
        &bench,
        |at| {
            bench.write("new", passphrase(at).as_bytes());
            // From key file to key file, to a passphrase, to the next, and back.
            let to = if at % 3 == 0 { vec![] } else { vec!["--passphrase-file", "new"] };
            [vec!["rotate"], to].concat().into_iter().map(str::to_owned).collect()
        },
        |at, _| assert_eq!(sound_keys(&bench), 60, "run {at}"),
    );
    // What is left is what a rotation and a backup begin with.
    bench.keys("rotate", "nec", &[]).good();
    assert_eq!(sound_keys(&bench), 60);
}

#[test]
fn many_read_while_one_writes() {
    let bench = Bench::new(BOTH);
    fill(&bench, 5);
    let end = Instant::now() + Duration::from_secs(120);
    let mut writers = (0..3).map(|at| {
        let address = format!("writer{at}@nec.co.jp");
        start(&bench, &["generate", "--address", &address, "--algorithm", "ec-p256"])
    });
    let mut readers: Vec<Child> = (0..6).map(|_| start(&bench, &["list"])).collect();
    readers.extend(&mut writers);
    for child in &mut readers {
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "a process hangs");
            thread::sleep(Duration::from_millis(20));
        }
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(sound_keys(&bench), 8);
}
