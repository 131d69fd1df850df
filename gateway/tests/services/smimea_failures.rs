//! What becomes of mail when the DNS fails, in every way that it can.

use std::net::UdpSocket;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use host::memory::FixedClock;
use host::remote::Caching;
use host::smimea::{DaneTrust, Smimea, SmimeaOptions};
use host::{Certificates, Refusal};
use rustix::process::Signal;

use crate::daemon::{PATIENCE, eventually};
use crate::directory::site;
use crate::directory_failures::checked;
use crate::impostors::slow_dns;
use crate::name_servers::{NameServers, person};
use crate::ports;
use crate::story::{ALICE, deferred, send_receive_tamper};

/// What a look-up may take where its end is waited for.
const SHORT: &str = "timeout = \"1s\"";
/// What it may take elsewhere: on a busy machine nothing is quick.
const TIMEOUT: &str = "timeout = \"8s\"";

fn servers(test: &str) -> Option<NameServers> {
    NameServers::start(test, &[person(ALICE, "alice")])
}

#[test]
fn a_resolver_that_is_stopped_or_hangs_defers_mail() {
    let Some(mut servers) = servers("a_resolver_that_is_stopped_or_hangs_defers_mail") else { return };
    servers.unbound().signal(Signal::STOP);
    deferred(&site(&servers.services(SHORT)), "no DNS resolver answered in time");
    servers.unbound().signal(Signal::CONT);
    servers.stop_resolver();
    deferred(&site(&servers.services(SHORT)), "DNS");
    let site = site(&servers.services(TIMEOUT));
    servers.run_resolver();
    send_receive_tamper(&site);
}

#[test]
fn a_zone_that_cannot_be_had_defers_mail() {
    let Some(mut servers) = servers("a_zone_that_cannot_be_had_defers_mail") else { return };
    servers.stop_name_server();
    deferred(&site(&servers.services(SHORT)), "DNS");
    servers.run_name_server();
    // What the resolver remembers of the failure goes with it.
    servers.stop_resolver();
    servers.run_resolver();
    send_receive_tamper(&site(&servers.services(TIMEOUT)));
}

#[test]
fn what_is_no_resolver_defers_mail() {
    let Some(servers) = servers("what_is_no_resolver_defers_mail") else { return };
    for says in [&b"nonsense"[..], b"", &[0xFF; 600]] {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let resolver = socket.local_addr().expect("an address").to_string();
        thread::spawn(move || {
            let mut question = [0; 600];
            while let Ok((_, from)) = socket.recv_from(&mut question) {
                let _ = socket.send_to(says, from);
            }
        });
        deferred(&site(&servers.services_at(&resolver, SHORT)), "DNS");
    }
}

#[test]
fn a_resolver_that_is_slow_is_waited_for_up_to_the_limit() {
    let Some(servers) = servers("a_resolver_that_is_slow_is_waited_for_up_to_the_limit") else { return };
    let at =
        |delay, more: &str| site(&servers.services_at(&format!("127.0.0.1:{}", slow_dns(servers.port(), delay)), more));
    send_receive_tamper(&at(Duration::from_millis(5), TIMEOUT));
    deferred(&at(Duration::from_millis(400), SHORT), "no DNS resolver answered in time");
}

/// In one process, as the gateway is: no restart, and every thread is free again.
#[test]
fn certificates_are_there_again_when_the_resolver_is() {
    let Some(servers) = servers("certificates_are_there_again_when_the_resolver_is") else { return };
    let options = SmimeaOptions {
        resolvers: vec![servers.resolver().parse().expect("an address")],
        anchor: Some(servers.path().join("root.key")),
        trust: DaneTrust::Path,
        timeout: Duration::from_secs(2),
        caching: Caching { entries: 0, ..Caching::default() },
    };
    let smimea = Smimea::new(&options, Arc::new(FixedClock(1_795_000_000))).expect("the DNS");
    let found = |who: &str| smimea.certificates(who);
    servers.unbound().signal(Signal::STOP);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(matches!(found(ALICE), Err(Refusal::Unavailable(_)))));
        }
    });
    // All of them at a time.
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    servers.unbound().signal(Signal::CONT);
    eventually("the DNS that goes on", || found(ALICE).ok().filter(|found| found.len() == 1));
    eventually("that there is nobody", || found("nobody@peer.example").ok().filter(Vec::is_empty));
}

#[test]
fn check_says_what_is_wrong() {
    let Some(servers) = servers("check_says_what_is_wrong") else { return };
    let well = site(&servers.services(TIMEOUT));
    assert!(!checked(&well).contains("DNS"), "{}", checked(&well));
    let gone = format!("127.0.0.1:{}", ports::free());
    assert!(checked(&site(&servers.services_at(&gone, SHORT))).contains(&gone));
    let services = servers.services(TIMEOUT);
    let anchor = services.lines().find(|line| line.starts_with("anchor")).expect("an anchor");
    let other = checked(&site(&services.replace(anchor, "")));
    assert!(other.contains("not signed with the trust anchor"), "{other}");
    let missing = checked(&site(&services.replace("root.key", "no.key")));
    assert!(missing.contains("no.key"), "{missing}");
}
