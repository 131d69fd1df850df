//! What one tenant suffers is no other tenant's.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Answer, Mta, Site, carols, send_alices, send_carols};
use crate::daemon::eventually;
use crate::support::aloud;

/// A keyring that does not answer while this lives: another process writes to it,
/// and does not come to an end.
pub fn hang(keyring: &Path) -> Connection {
    let connection = Connection::open(keyring).expect("a keyring");
    connection.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    connection
}

/// The middle one of the times that alice's messages take.
fn median(mta: &mut Mta, messages: usize) -> Duration {
    let mut times: Vec<Duration> = (0..messages)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(send_alices(mta), Answer::Continue);
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[messages / 2]
}

/// The key store of lan hangs, and forty of its messages wait for it until their
/// time is up. Those of peer take as long as before.
#[test]
fn t35_a_key_store_that_hangs_slows_its_own_tenant_only() {
    let limits = "[tenant.lan.limits]\nmessages = 4\ntime = \"3s\"";
    let site = Site::start("messages = 8", limits);
    let mut peer = site.connect();
    let before = median(&mut peer, 9);
    let hanging = hang(&site.path().join("lan.keyring"));
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let mut mta = site.connect();
                mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
                mta.message(&carols()).answer.begins("451 4.");
            });
        }
        eventually("messages of lan under way", || (site.gateway.log().lines().count() > 2).then_some(()));
        let during = median(&mut peer, 9);
        aloud(&format!("t35: a message of the other tenant takes {before:?} before and {during:?} during the hang"));
        // With the other's places taken it would wait for three seconds and more.
        assert!(during < before * 5 + Duration::from_secs(2), "{before:?} before, {during:?} during");
    });
    let log = site.gateway.log();
    let deferred = log.lines().filter(|line| line.contains("tenant=\"lan\"") && line.contains("verdict=\"defer\""));
    assert_eq!(deferred.count(), 40);
    assert!(log.contains("reason=\"busy\""), "{log}");
    drop(hanging);
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue, "and lan is well again");
}

/// A tenant without its keyring defers its own mail, and is served as soon as the
/// keyring is there.
#[test]
fn t35_a_tenant_that_is_not_ready_keeps_no_other_from_its_mail() {
    let mut site = Site::prepare("", "");
    site.gateway.keys("peer", &["alice"], &["carol"]);
    site.gateway.start();
    assert!(site.gateway.log().contains("its mail is deferred until it is ready"));
    let mut mta = site.connect();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    mta.message(&carols()).answer.begins("451 4.3.0 The mail gateway is not ready");
    assert_eq!(send_alices(&mut mta), Answer::Continue);
    site.gateway.keys("lan", &["carol"], &["alice"]);
    eventually("the keyring of lan", || (send_carols(&mut mta) == Answer::Continue).then_some(()));
}
