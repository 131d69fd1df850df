//! A token that hangs, is lost, and comes back.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use host::memory::{FixedClock, MemoryKeys};
use host::pkcs11::{Pkcs11Keys, Pkcs11Options};
use host::{Companions, PrivateKeys, Refusal, SecretFile};
use rustix::process::Signal;

use crate::daemon::eventually;
use crate::impostors::{slow_at, talker_at};
use crate::softhsm_token::{Token, client};
use crate::story::{CAROL, check, deferred, send_receive_tamper, signature, site_with_environment};
use crate::support::run;

#[test]
fn a_token_that_hangs_or_is_gone_defers_mail() {
    let Some(mut token) = Token::make("a_token_that_hangs_or_is_gone_defers_mail") else { return };
    token.import("carol", CAROL);
    token.serve();
    let services = token.services_by_server("timeout = \"2s\"");
    let site = site_with_environment(&services, &token.environment());
    send_receive_tamper(&site);
    token.signal(Signal::STOP);
    let began = Instant::now();
    deferred(&site, "did not answer in time");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    token.signal(Signal::CONT);
    token.kill();
    deferred(&site, "token");
    assert!(check(&site).contains("token"), "{}", check(&site));
    token.serve();
    send_receive_tamper(&site);
}

#[test]
fn a_token_that_is_slow_is_waited_for_up_to_the_limit() {
    let Some(mut token) = Token::make("a_token_that_is_slow_is_waited_for_up_to_the_limit") else { return };
    token.import("carol", CAROL);
    token.serve();
    let sluggish = token.path().join("sluggish.sock");
    slow_at(&sluggish, &token.socket(), Duration::from_millis(2));
    let services = token.services_by_server("timeout = \"30s\"");
    send_receive_tamper(&site_with_environment(&services, &token.environment_at(&sluggish)));
    let slower = token.path().join("slower.sock");
    slow_at(&slower, &token.socket(), Duration::from_millis(400));
    let services = token.services_by_server("timeout = \"1s\"");
    deferred(&site_with_environment(&services, &token.environment_at(&slower)), "did not answer in time");
}

#[test]
fn what_is_no_token_defers_mail() {
    let Some(token) = Token::make("what_is_no_token_defers_mail") else { return };
    token.import("carol", CAROL);
    let garbage = token.path().join("garbage.sock");
    talker_at(&garbage, b"220 mail.example ESMTP\r\n".repeat(1000));
    let services = token.services_by_server("timeout = \"5s\"");
    let site = site_with_environment(&services, &token.environment_at(&garbage));
    deferred(&site, "token");
    assert!(check(&site).contains("wrong: "), "{}", check(&site));
}

/// In one process, as the gateway is, and without a restart. A module looks at its
/// environment when it is set up: so this one is a process of its own.
#[test]
fn keys_are_there_again_when_the_token_is() {
    let Some(token) = Token::make("keys_are_there_again_when_the_token_is") else { return };
    token.import("carol", CAROL);
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "softhsm_failures::a_long_lived_process", "--ignored"]).envs(token.environment());
    let output = run(command.env(FOLDER, token.path()), b"");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Tells the process of [`a_long_lived_process`] where its token is.
const FOLDER: &str = "TOKEN_FOLDER";

#[test]
#[ignore = "keys_are_there_again_when_the_token_is runs it"]
fn a_long_lived_process() {
    let folder: PathBuf = std::env::var_os(FOLDER).expect("a folder").into();
    let mut token = Token::at(&folder);
    token.serve();
    let keys = keys(&folder);
    works(&keys);

    // It hangs: everyone is answered in time, and it goes on when it goes on.
    token.signal(Signal::STOP);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(matches!(keys.identities(CAROL), Err(Refusal::Unavailable(_)))));
        }
    });
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    token.signal(Signal::CONT);
    eventually("the token that goes on", || keys.identities(CAROL).ok());
    works(&keys);

    // It is gone, and there again.
    token.kill();
    assert!(matches!(keys.identities(CAROL), Err(Refusal::Unavailable(_))));
    token.serve();
    eventually("the token that is back", || keys.identities(CAROL).ok());
    works(&keys);

    // It is removed, and another takes its place, with the same name and the key.
    token.kill();
    token.remove();
    token.initialise();
    token.import("carol", CAROL);
    token.serve();
    eventually("the token that was replaced", || keys.identities(CAROL).ok());
    works(&keys);
}

#[track_caller]
fn works(keys: &Pkcs11Keys) {
    let identities = keys.identities(CAROL).expect("an answer");
    let [carol] = identities.as_slice() else { panic!("{} identities", identities.len()) };
    assert_eq!(signature(carol).len(), 256);
}

/// Keys in the token as the gateway finds them.
fn keys(folder: &std::path::Path) -> Pkcs11Keys {
    let options = Pkcs11Options {
        module: client().expect("a module"),
        token: "smime".to_owned(),
        pin: SecretFile::Path(folder.join("pin")),
        sessions: 4,
        timeout: Duration::from_secs(3),
    };
    let companions = Companions {
        certificates: Arc::new(MemoryKeys::default()),
        intermediates: Vec::new(),
        clock: Arc::new(FixedClock(1_795_348_800)), // 2026-11-22T12:00:00Z
    };
    Pkcs11Keys::new(&options, companions)
}
