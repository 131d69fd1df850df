//! What becomes of mail when a key management server fails, in every way that a
//! server can.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use host::kmip::{KmipCredentials, KmipKeys, KmipOptions};
use host::memory::{FixedClock, MemoryKeys};
use host::{Companions, PrivateKeys, Refusal, SecretFile};
use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::impostors::{slow, talker};
use crate::kmip_server::KmipServer;
use crate::story::{ALICE, CAROL, check, deferred, from_alice, send_receive_tamper, site, to_alice};
use crate::support::*;
use crate::{ports, tls};

/// What a client waits here.
const TIMEOUT: &str = "timeout = \"2s\"";

#[test]
fn a_server_that_is_stopped_or_hangs_defers_mail() {
    let Some(mut server) = KmipServer::start("a_server_that_is_stopped_or_hangs_defers_mail") else { return };
    server.register_identity("carol", CAROL);
    let site = site(&server.services(TIMEOUT));
    server.daemon().signal(Signal::STOP);
    let began = Instant::now();
    deferred(&site, "did not answer in time");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    server.daemon().signal(Signal::CONT);
    server.stop();
    deferred(&site, "cannot be reached");
    assert!(check(&site).contains("wrong: the key management server"), "{}", check(&site));
    server.run();
    send_receive_tamper(&site);
    // The client's certificate of the test is good for two days.
    assert!(!check(&site).contains("the key management server"), "{}", check(&site));
    assert!(check(&site).contains("our certificate for TLS, expires on"), "{}", check(&site));
}

#[test]
fn a_server_whose_certificate_is_not_sound_defers_mail() {
    let Some(mut server) = KmipServer::start("a_server_whose_certificate_is_not_sound_defers_mail") else { return };
    server.register_identity("carol", CAROL);
    let site = site(&server.services(TIMEOUT));
    server.stop();
    server.run_with("expired");
    deferred(&site, "Expired");
    server.stop();
    tls::issue(
        server.path(),
        "elsewhere",
        "ca",
        "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:other.example\n",
        &["-days", "2"],
    );
    server.run_with("elsewhere");
    deferred(&site, "not valid for name");
    server.stop();
    tls::authority(server.path(), "other-ca");
    tls::issue(server.path(), "foreign", "other-ca", tls::SERVER, &["-days", "2"]);
    server.run_with("foreign");
    deferred(&site, "UnknownIssuer");
}

#[test]
fn a_server_that_refuses_our_certificate_defers_mail() {
    let Some(server) = KmipServer::start("a_server_that_refuses_our_certificate_defers_mail") else { return };
    server.register_identity("carol", CAROL);
    tls::authority(server.path(), "other-ca");
    tls::issue(server.path(), "stranger", "other-ca", tls::CLIENT, &["-days", "2"]);
    let services = server.services(TIMEOUT).replace("client.", "stranger.");
    deferred(&site(&services), "TLS with the key management server");
}

#[test]
fn what_is_no_key_management_server_defers_mail() {
    let Some(server) = KmipServer::start("what_is_no_key_management_server_defers_mail") else { return };
    let site_of = |port| site(&server.services_at(&[port], TIMEOUT));
    // It speaks, but no TLS.
    let talker = talker(b"220 mail.example ESMTP\r\n".repeat(1000));
    deferred(&site_of(talker), "fails");
    // It speaks TLS, but no KMIP.
    let port = ports::free();
    let path = |file: &str| server.path().join(file).display().to_string();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-rev", "-accept", &format!("127.0.0.1:{port}")]);
    command.args(["-cert", &path("server.pem"), "-key", &path("server.key")]);
    let mut web = Daemon::start("s_server", &mut command, &server.path().join("s_server.log"));
    web.listens(port);
    deferred(&site_of(port), "key management server");
}

#[test]
fn a_server_that_is_slow_is_waited_for_up_to_the_limit() {
    let Some(server) = KmipServer::start("a_server_that_is_slow_is_waited_for_up_to_the_limit") else { return };
    server.register_identity("carol", CAROL);
    let sluggish = slow(server.port(), Duration::from_millis(30));
    send_receive_tamper(&site(&server.services_at(&[sluggish], "")));
    // An octet now and then is no reason to wait for ever.
    let slower = slow(server.port(), Duration::from_millis(400));
    deferred(&site(&server.services_at(&[slower], TIMEOUT)), "did not answer in time");
}

#[test]
fn a_key_that_is_absent_or_of_another_address_is_no_key() {
    let Some(server) = KmipServer::start("a_key_that_is_absent_or_of_another_address_is_no_key") else { return };
    let site = site(&server.services(""));
    site.outbound(CAROL, &[ALICE], &to_alice()).refused("550 5.7.5");
    // Dave's key and certificate, filed for carol.
    server.register_identity("dave", CAROL);
    let refused = site.outbound(CAROL, &[ALICE], &to_alice());
    refused.refused("550 5.7.5");
    assert!(refused.mentions("of another address"), "{}", refused.json);
    let arrived = site.inbound(ALICE, &[CAROL], &from_alice());
    assert!(!contains(&arrived.json.to_string().into_bytes(), "The offer stands"), "{}", arrived.json);
    arrived.without_key();
}

/// In one process, as the gateway is: no restart, and no more threads than before.
#[test]
fn keys_are_there_again_when_the_server_is() {
    let Some(mut server) = KmipServer::start("keys_are_there_again_when_the_server_is") else { return };
    server.register_identity("carol", CAROL);
    let keys = client(&server, Duration::from_millis(1));
    assert_eq!(keys.identities(CAROL).expect("an answer").len(), 1);
    server.daemon().signal(Signal::STOP);
    // What is held for a moment is held no more.
    thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| unavailable(&keys));
        }
    });
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    server.daemon().signal(Signal::CONT);
    crate::daemon::eventually("the server that goes on", || {
        keys.identities(CAROL).ok().filter(|found| found.len() == 1)
    });
    server.stop();
    unavailable(&keys);
    server.run();
    assert_eq!(keys.identities(CAROL).expect("an answer").len(), 1);
}

#[track_caller]
fn unavailable(keys: &KmipKeys) {
    let answer = keys.identities(CAROL).map(|identities| identities.len());
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
}

/// A client as the gateway makes one.
pub fn client(server: &KmipServer, hold: Duration) -> KmipKeys {
    let path = |file: &str| server.path().join(file);
    let options = KmipOptions {
        servers: vec![format!("127.0.0.1:{}", server.port())],
        credentials: KmipCredentials {
            ca: path("ca.pem"),
            certificate: path("client.pem"),
            key: SecretFile::Path(path("client.key")),
        },
        timeout: Duration::from_secs(3),
        connections: 4,
        hold,
        server_side_sign: false,
    };
    let companions = Companions {
        certificates: Arc::new(MemoryKeys::default()),
        intermediates: Vec::new(),
        clock: Arc::new(FixedClock(1_795_348_800)), // 2026-11-22T12:00:00Z
    };
    KmipKeys::new(&options, companions).expect("a client")
}
