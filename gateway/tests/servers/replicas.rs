//! Replicas behind HAProxy, killed at random while mail goes through.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::slapd::Slapd;
use crate::softhsm_token::Token;
use crate::support::{aloud, contains, have, openssl, pki};
use crate::world::daemon::within;
use crate::world::gateway::Gateway;
use crate::world::haproxy::HaProxy;
use crate::world::load::Load;
use crate::world::organisation::possible;
use crate::world::places::Ports;
use crate::world::ports;
use crate::world::postfix::Postfix;
use crate::world::server::{Hook, Kind, Setup};
use crate::world::sink::Sink;

/// Three gateways with one keyring sign and encrypt what Postfix takes from eight
/// clients, and are killed one after the other, as a power cut would, all the
/// time. Every message arrives, and none twice: two thousand of them, or as many as
/// `WASMIME_REPLICA_MESSAGES` says (`make soak`: ten thousand).
#[test]
fn replicas_killed_at_random_lose_nothing_and_double_nothing() {
    let story = "replicas_killed_at_random_lose_nothing_and_double_nothing";
    if !possible_here(story) {
        return;
    }
    let (dir, places) = (folder(), Ports::free());
    let keyring = format!("keyring = {:?}\n", dir.path().join("lan.keyring"));
    let replicas = replicas(dir.path(), "outbound", places.reinjection, &keyring);
    replicas[0].keys("lan", &["carol"], &["alice"]);
    let fired = under_fire(dir.path(), places, replicas, &Mail::leaving(&[ALICE], messages()));
    assert_eq!(fired.doubled, 0);
}

/// Three gateways with one keyring decrypt and verify what a server of the Internet
/// brings, likewise.
#[test]
fn replicas_that_open_what_arrives_lose_nothing_and_double_nothing() {
    let story = "replicas_that_open_what_arrives_lose_nothing_and_double_nothing";
    if !possible_here(story) {
        return;
    }
    let (dir, places) = (folder(), Ports::free());
    let keyring = format!("keyring = {:?}\n", dir.path().join("lan.keyring"));
    let replicas = replicas(dir.path(), "inbound", places.reinjection, &keyring);
    replicas[0].keys("lan", &["carol"], &["alice"]);
    let sealed = openssl::encrypt(&["carol"], &openssl::sign("alice", &text(), &[]), "aes-256-cbc", &[]);
    let fired = under_fire(dir.path(), places, replicas, &Mail::arriving(sealed, 1_000));
    assert_eq!(fired.doubled, 0);
}

/// Each message has a blind copy, which goes out by the next hop before the other
/// copy is given to Postfix. Replicas on one host share what they remember of it,
/// and when one is killed between the two, the next does not send the first again.
///
/// A copy may come twice if the power goes between the reply of the next hop and
/// the line on disk that says so, which no relay can avoid (RFC 1047): that is
/// measured, and none is ever lost.
#[test]
fn replicas_that_split_messages_share_what_was_handed_on() {
    let story = "replicas_that_split_messages_share_what_was_handed_on";
    if !possible_here(story) {
        return;
    }
    let (dir, places) = (folder(), Ports::free());
    let keyring = format!("keyring = {:?}\n", dir.path().join("lan.keyring"));
    let replicas = replicas(dir.path(), "outbound", places.reinjection, &keyring);
    replicas[0].keys("lan", &["carol"], &["alice", "bob"]);
    let fired = under_fire(dir.path(), places, replicas, &Mail::leaving(&[ALICE, "bob@peer.example"], 500));
    assert!(fired.doubled <= fired.kills, "{fired:?}");
}

/// The same where the replicas share nothing but services: the certificate of the
/// correspondent is in a directory, the private key in a token that it does not
/// leave. What a replica has to itself is empty when it starts.
#[test]
fn replicas_with_keys_in_ldap_and_pkcs_11() {
    let story = "replicas_with_keys_in_ldap_and_pkcs_11";
    if !possible_here(story) {
        return;
    }
    let (Some(slapd), Some(mut token)) = (Slapd::start(story), Token::make(story)) else { return };
    slapd.add_person("Alice", "alice@peer.example", "userCertificate;binary", &["alice"]);
    token.import("carol", "carol@lan.example");
    token.serve();
    let (dir, places) = (folder(), Ports::free());
    let services = [slapd.services(""), token.services_by_server("")];
    // The first line of each is the tenant's, the others are a table.
    let lines = services.each_ref().map(|text| text.split_once('\n').expect("a line and a table"));
    let services = format!("{}\n{}\n{}{}", lines[0].0, lines[1].0, lines[0].1, lines[1].1);
    let mut replicas = replicas(dir.path(), "outbound", places.reinjection, &services);
    for replica in &mut replicas {
        token.environment().into_iter().for_each(|(name, value)| replica.set(name, &value));
    }
    let fired = under_fire(dir.path(), places, replicas, &Mail::leaving(&[ALICE], 1_000));
    assert_eq!(fired.doubled, 0);
}

const ALICE: &str = "alice@peer.example";
const CAROL: &str = "carol@lan.example";

fn messages() -> usize {
    match std::env::var("WASMIME_REPLICA_MESSAGES") {
        Ok(count) => count.parse().expect("WASMIME_REPLICA_MESSAGES is a number"),
        Err(_) => 2_000,
    }
}

/// What is sent, and how it is to arrive.
struct Mail<'a> {
    direction: &'static str,
    from: &'a str,
    to: &'a [&'a str],
    entity: Vec<u8>,
    count: usize,
}

impl<'a> Mail<'a> {
    /// Carol writes, and her organisation protects it.
    fn leaving(to: &'a [&'a str], count: usize) -> Self {
        Self { direction: "outbound", from: CAROL, to, entity: text(), count }
    }

    /// Alice's organisation has protected what she writes to carol.
    fn arriving(sealed: Vec<u8>, count: usize) -> Self {
        Self { direction: "inbound", from: ALICE, to: &[CAROL], entity: sealed, count }
    }

    /// Whether a message arrived as it should.
    fn arrived(&self, message: &[u8]) -> bool {
        let clear = contains(message, "again and again");
        match self.direction {
            "outbound" => contains(message, "multipart/signed") && !clear,
            _ => contains(message, "smime=pass") && clear,
        }
    }
}

/// An entity of two kilobytes.
fn text() -> Vec<u8> {
    let lines = "What is sent again and again must arrive once.\r\n".repeat(40);
    format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{lines}").into_bytes()
}

/// What came of it.
#[derive(Debug)]
struct Fired {
    /// How often a gateway was killed.
    kills: usize,
    /// Copies that came more than once.
    doubled: usize,
}

fn possible_here(story: &str) -> bool {
    possible(story, &Kind::Postfix.programs()) && have(story, &["haproxy"])
}

fn folder() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a temporary folder")
}

/// Three gateways, each with a folder of its own; `services` says where the keys are.
fn replicas(dir: &Path, direction: &str, next_hop: u16, services: &str) -> Vec<Gateway> {
    let (anchor, state) = (pki("ca.pem"), dir.join("state"));
    fs::create_dir(&state).expect("a folder");
    (0..3)
        .map(|number| {
            let port = ports::free();
            let configuration = format!(
                "[gateway]\nhostname = \"gateway.lan.example\"\nstate = {state:?}\n[[listener]]\nname = \"{direction}\"\n\
                 protocol = \"milter\"\naddress = \"127.0.0.1:{port}\"\ndirection = \"{direction}\"\n\
                 next-hop = \"smtp://127.0.0.1:{next_hop}\"\n[tenant.lan]\ndomains = [\"lan.example\"]\nanchors = [{anchor:?}]\n{services}\
                 [tenant.lan.outbound]\nsign = \"required\"\nencrypt = \"required\"\n\
                 [tenant.lan.inbound]\nverify = \"required\"\ndecrypt = \"required\"\n"
            );
            Gateway::new(&dir.join(format!("replica-{number}")), &configuration, vec![port])
        })
        .collect()
}

/// Mail goes through the replicas, which are killed and started again until all is
/// sent. Each message arrives for each of its recipients, and as it should.
fn under_fire(dir: &Path, places: Ports, mut replicas: Vec<Gateway>, mail: &Mail<'_>) -> Fired {
    let &Mail { direction, from, to, count, .. } = mail;
    replicas.iter_mut().for_each(Gateway::start);
    let listening: Vec<u16> = replicas.iter().flat_map(|replica| replica.ports().to_vec()).collect();
    let (haproxy, sink) = (HaProxy::start(dir, &listening), Sink::start());
    let setup = Setup {
        ports: places,
        domain: "lan.example",
        mailboxes: vec![CAROL.to_owned()],
        boxes: sink.port(),
        logins: None,
        correspondent: "peer.example",
        wire: sink.port(),
        outbound: if direction == "outbound" { Hook::Milter(haproxy.port()) } else { Hook::Open },
        inbound: if direction == "inbound" { Hook::Milter(haproxy.port()) } else { Hook::Open },
        gateway: dir.to_owned(),
        main: String::new(),
        master: String::new(),
    };
    let _postfix = Postfix::start(dir, &setup);
    let port = if direction == "outbound" { places.submission } else { places.mx };
    let load = Load { port, from, to, entity: &mail.entity, messages: count, clients: 8 };

    let done = AtomicBool::new(false);
    let (sent, kills) = thread::scope(|scope| {
        let killer = scope.spawn(|| kill_at_random(&mut replicas, &done));
        let sent = load.send();
        done.store(true, Ordering::Relaxed);
        (sent, killer.join().expect("a killer"))
    });
    let transactions = count * to.len();
    within(Duration::from_secs(300), "all messages", || (sink.count() >= transactions).then_some(()));
    // One that came twice would be on its way now.
    thread::sleep(Duration::from_millis(500));

    let kept = sink.transactions();
    let arrived = load.arrived(&kept);
    let lost: Vec<_> = arrived.iter().filter(|(_, times)| **times == 0).collect();
    let doubled = arrived.values().filter(|times| **times > 1).count();
    let seconds = sent.elapsed.as_secs_f64();
    aloud(&format!(
        "replicas: {direction}, {count} messages for {} in {seconds:.0} s ({:.0} a second), {kills} kills, {} deferred, {} lost, \
         {doubled} doubled",
        to.len(),
        count as f64 / seconds,
        sent.deferred,
        lost.len(),
    ));
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(kept.iter().all(|(_, message)| mail.arrived(message)), "clear text, or unopened");
    assert!(kills > 0, "nobody was killed");
    Fired { kills, doubled }
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
