//! Replicas behind HAProxy, killed at random while mail goes through.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{aloud, contains, have, pki};
use crate::world::daemon::within;
use crate::world::gateway::Gateway;
use crate::world::haproxy::HaProxy;
use crate::world::load::Load;
use crate::world::organisation::possible;
use crate::world::ports;
use crate::world::postfix::Postfix;
use crate::world::server::{Hook, Kind, Ports, Setup};
use crate::world::sink::Sink;

/// How many messages are sent; the whole test takes a minute or two.
const MESSAGES: usize = 10_000;

/// Three gateways with one keyring sign and encrypt what Postfix takes from eight
/// clients, and are killed one after the other, as a power cut would, all the
/// time. Every message arrives, and none twice.
#[test]
fn replicas_killed_at_random_lose_nothing_and_double_nothing() {
    let story = "replicas_killed_at_random_lose_nothing_and_double_nothing";
    if !possible(story, &Kind::Postfix.programs()) || !have(story, &["haproxy"]) {
        return;
    }
    let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder");
    let mut replicas: Vec<Gateway> = (0..3).map(|number| replica(dir.path(), number)).collect();
    replicas[0].keys("peer", &["alice"], &["carol"]);
    replicas.iter_mut().for_each(Gateway::start);
    let listening: Vec<u16> = replicas.iter().flat_map(|replica| replica.ports().to_vec()).collect();
    let (haproxy, sink) = (HaProxy::start(dir.path(), &listening), Sink::start());
    let setup = Setup {
        ports: Ports::free(),
        domain: "peer.example",
        mailboxes: vec!["alice@peer.example".to_owned()],
        boxes: sink.port(),
        logins: None,
        correspondent: "lan.example",
        wire: sink.port(),
        outbound: Hook::Milter(haproxy.port()),
        inbound: Hook::Open,
        gateway: dir.path().to_owned(),
        main: String::new(),
        master: String::new(),
    };
    let _postfix = Postfix::start(dir.path(), &setup);
    let load = Load {
        port: setup.ports.submission,
        from: "alice@peer.example",
        to: &["carol@lan.example"],
        messages: MESSAGES,
        clients: 8,
    };

    let done = AtomicBool::new(false);
    let (sent, killed) = thread::scope(|scope| {
        let killer = scope.spawn(|| kill_at_random(&mut replicas, &done));
        let sent = load.send();
        done.store(true, Ordering::Relaxed);
        (sent, killer.join().expect("a killer"))
    });
    within(Duration::from_secs(60), "all messages", || (sink.count() >= MESSAGES).then_some(()));
    thread::sleep(Duration::from_millis(500));

    let messages = sink.messages();
    let arrived = load.arrived(&messages);
    let lost: Vec<usize> = (0..MESSAGES).filter(|number| !arrived.contains_key(number)).collect();
    let doubled: Vec<&usize> = arrived.iter().filter(|(_, times)| **times > 1).map(|(number, _)| number).collect();
    let rate = MESSAGES as f64 / sent.elapsed.as_secs_f64();
    aloud(&format!(
        "replicas: {MESSAGES} messages in {:.0} s ({rate:.0} a second), {killed} kills, {} deferred, {} lost, {} doubled",
        sent.elapsed.as_secs_f64(),
        sent.deferred,
        lost.len(),
        doubled.len()
    ));
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    assert!(
        messages.iter().all(|message| contains(message, "multipart/signed") && !contains(message, "again and again"))
    );
    assert!(killed > 0, "nobody was killed");
}

/// A gateway with a folder of its own and the keyring of all.
fn replica(dir: &Path, number: usize) -> Gateway {
    let port = ports::free();
    let configuration = format!(
        "[gateway]\nhostname = \"gateway.peer.example\"\nstate = \"state\"\n[[listener]]\nprotocol = \"milter\"\n\
         address = \"127.0.0.1:{port}\"\ndirection = \"outbound\"\n[tenant.peer]\ndomains = [\"peer.example\"]\n\
         keyring = \"{}/peer.keyring\"\nanchors = [{:?}]\n[tenant.peer.outbound]\nsign = \"required\"\nencrypt = \"required\"\n",
        dir.display(),
        pki("ca.pem"),
    );
    Gateway::new(&dir.join(format!("replica-{number}")), &configuration, vec![port])
}

/// Kills one gateway after the other, in an order that nobody foresees, and starts
/// it again, until all is sent. How many were killed.
fn kill_at_random(replicas: &mut [Gateway], done: &AtomicBool) -> usize {
    let (mut state, mut killed) = (0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id()), 0);
    while !done.load(Ordering::Relaxed) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        thread::sleep(Duration::from_millis(300 + state % 1500));
        let victim = (state >> 32) as usize % replicas.len();
        replicas[victim].kill();
        thread::sleep(Duration::from_millis(state >> 16 & 0x1ff));
        replicas[victim].start();
        killed += 1;
    }
    killed
}
