//! What becomes of mail when a directory fails, in every way that a server can.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use host::directory::{Bind, Directory, DirectoryOptions, Filter, ServerAddress};
use host::memory::FixedClock;
use host::remote::Caching;
use host::{Certificates, Refusal, SecretFile};
use rustix::process::Signal;

use crate::daemon::{Daemon, PATIENCE, eventually};
use crate::directory::site;
use crate::impostors::{slow, talker};
use crate::slapd::Slapd;
use crate::story::{ALICE, deferred, send_receive_tamper};
use crate::support::*;
use crate::{ports, tls};

/// What a look-up may take where its end is waited for.
const SHORT: &str = "timeout = \"1s\"";
/// What it may take elsewhere: on a busy machine nothing is quick.
const TIMEOUT: &str = "timeout = \"8s\"";

fn slapd(test: &str) -> Option<Slapd> {
    let slapd = Slapd::start(test)?;
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["alice"]);
    Some(slapd)
}

#[test]
fn a_directory_that_is_stopped_or_hangs_defers_mail() {
    let Some(mut slapd) = slapd("a_directory_that_is_stopped_or_hangs_defers_mail") else { return };
    slapd.daemon().signal(Signal::STOP);
    deferred(&site(&slapd.services(SHORT)), "did not answer in time");
    slapd.daemon().signal(Signal::CONT);
    slapd.stop();
    let site = site(&slapd.services(TIMEOUT));
    deferred(&site, "cannot be reached");
    slapd.run_with("server");
    send_receive_tamper(&site);
}

#[test]
fn a_directory_whose_certificate_is_not_sound_defers_mail() {
    let Some(mut slapd) = slapd("a_directory_whose_certificate_is_not_sound_defers_mail") else { return };
    let start_tls = format!("ldap://127.0.0.1:{}", slapd.port());
    let sites = [site(&slapd.services(TIMEOUT)), site(&slapd.services_at(&[&start_tls], TIMEOUT))];
    let elsewhere = "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:other.example\n";
    tls::issue(slapd.path(), "elsewhere", "ca", elsewhere, &["-days", "2"]);
    tls::authority(slapd.path(), "other-ca");
    tls::issue(slapd.path(), "foreign", "other-ca", tls::SERVER, &["-days", "2"]);
    for (certificate, says) in
        [("expired", "Expired"), ("elsewhere", "not valid for name"), ("foreign", "UnknownIssuer")]
    {
        slapd.run_with(certificate);
        sites.iter().for_each(|site| deferred(site, says));
    }
}

#[test]
fn a_directory_that_refuses_our_password_defers_mail_until_it_is_right() {
    let Some(slapd) = slapd("a_directory_that_refuses_our_password_defers_mail_until_it_is_right") else { return };
    let site = site(&slapd.services(TIMEOUT));
    slapd.secret("password", "a wrong secret\n");
    deferred(&site, "refuses our name or password");
    slapd.secret("password", "\n");
    deferred(&site, "is not one line of text");
    slapd.secret("password", "a reader's secret\n");
    send_receive_tamper(&site);
}

#[test]
fn a_base_that_is_not_there_defers_mail() {
    let Some(slapd) = slapd("a_base_that_is_not_there_defers_mail") else { return };
    let services = slapd.services(TIMEOUT).replace("base = \"dc=peer", "base = \"ou=people,dc=peer");
    deferred(&site(&services), "no such `base`");
}

#[test]
fn more_entries_than_can_be_meant_defer_mail() {
    let Some(slapd) = slapd("more_entries_than_can_be_meant_defer_mail") else { return };
    for number in 0..9 {
        slapd.add_person(&format!("Alice {number}"), ALICE, "userCertificate;binary", &["alice"]);
    }
    deferred(&site(&slapd.services(TIMEOUT)), "narrow `filter`");
}

#[test]
fn what_is_no_directory_defers_mail() {
    let Some(slapd) = slapd("what_is_no_directory_defers_mail") else { return };
    for (scheme, says) in [("ldap", "is not LDAP"), ("ldaps", "fails")] {
        let talker = talker(b"220 mail.example ESMTP\r\n".repeat(1000));
        deferred(&site(&slapd.services_at(&[&format!("{scheme}://127.0.0.1:{talker}")], TIMEOUT)), says);
    }
    // A message of 4 GiB, a nest without end, and the answer to a question that nobody asked.
    let nest = b"\x30\x84\x00\x10\x00\x00".repeat(1000);
    for says in [
        b"\x30\x84\xff\xff\xff\xff".to_vec(),
        nest,
        b"\x30\x0c\x02\x01\x63\x78\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
    ] {
        let port = talker(says);
        deferred(&site(&slapd.services_at(&[&format!("ldap://127.0.0.1:{port}")], TIMEOUT)), "the directory ldap:");
    }
    // It speaks TLS, but no LDAP.
    let port = ports::free();
    let path = |file: &str| slapd.path().join(file).display().to_string();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-rev", "-accept", &format!("127.0.0.1:{port}")]);
    command.args(["-cert", &path("server.pem"), "-key", &path("server.key")]);
    let mut reverser = Daemon::start("s_server", &mut command, &slapd.path().join("s_server.log"));
    reverser.listens(port);
    deferred(&site(&slapd.services_at(&[&format!("ldaps://127.0.0.1:{port}")], TIMEOUT)), "the directory ldaps:");
}

#[test]
fn a_directory_that_is_slow_is_waited_for_up_to_the_limit() {
    let Some(slapd) = slapd("a_directory_that_is_slow_is_waited_for_up_to_the_limit") else { return };
    let at = |port: u16, more: &str| site(&slapd.services_at(&[&format!("ldaps://127.0.0.1:{port}")], more));
    send_receive_tamper(&at(slow(slapd.tls_port(), Duration::from_millis(5)), TIMEOUT));
    // An octet now and then is no reason to wait for ever.
    deferred(&at(slow(slapd.tls_port(), Duration::from_millis(400)), SHORT), "did not answer in time");
}

#[test]
fn another_server_stands_in_for_one_that_fails() {
    let Some(slapd) = slapd("another_server_stands_in_for_one_that_fails") else { return };
    let well = format!("ldaps://127.0.0.1:{}", slapd.tls_port());
    let gone = format!("ldaps://127.0.0.1:{}", ports::free());
    let garbage = format!("ldap://127.0.0.1:{}", talker(b"nonsense".to_vec()));
    // One that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("ldaps://{}", silent.local_addr().expect("an address"));
    send_receive_tamper(&site(&slapd.services_at(&[&gone, &garbage, &silent, &well], "timeout = \"9s\"")));
}

/// In one process, as the gateway is: no restart, and every thread is free again.
#[test]
fn certificates_are_there_again_when_the_server_is() {
    let Some(mut slapd) = slapd("certificates_are_there_again_when_the_server_is") else { return };
    let directory = client(&slapd);
    let found = || directory.certificates(ALICE).ok().filter(|found| found.len() == 1);
    eventually("the directory", found);
    slapd.daemon().signal(Signal::STOP);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(matches!(directory.certificates(ALICE), Err(Refusal::Unavailable(_)))));
        }
    });
    // A second for each, in turns of four.
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    slapd.daemon().signal(Signal::CONT);
    eventually("the directory that goes on", found);
    // Connections that were kept are those of the server that was.
    slapd.run_with("server");
    eventually("the directory that began anew", found);
}

#[test]
fn check_says_what_is_wrong() {
    let Some(mut slapd) = slapd("check_says_what_is_wrong") else { return };
    let gone = format!("ldaps://127.0.0.1:{}", ports::free());
    let site_of = |servers: &[&str], more: &str| site(&slapd.services_at(servers, more));
    let well = format!("ldaps://127.0.0.1:{}", slapd.tls_port());
    assert!(!checked(&site_of(&[&well], TIMEOUT)).contains("directory"));
    // Each server is asked, not only one that answers.
    assert!(checked(&site_of(&[&well, &gone], TIMEOUT)).contains("cannot be reached"));
    let exposed = checked(&site_of(&["ldap://192.0.2.1"], "timeout = \"1s\"\nstart-tls = false"));
    assert!(exposed.contains("is asked without TLS"), "{exposed}");
    let well = site_of(&[&well], TIMEOUT);
    slapd.secret("password", "a wrong secret\n");
    assert!(checked(&well).contains("refuses our name or password"));
    slapd.run_with("expired");
    assert!(checked(&well).contains("Expired"));
}

/// What `wasmime check` says.
pub fn checked(site: &Site) -> String {
    let output = run(wasmime(site.path()).args(["check", "--config", "wasmime.toml"]), b"");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A client that remembers nothing.
fn client(slapd: &Slapd) -> Directory {
    let options = DirectoryOptions {
        servers: vec![ServerAddress::parse(&format!("ldaps://127.0.0.1:{}", slapd.tls_port()), true).expect("a URL")],
        ca: Some(slapd.path().join("ca.pem")),
        base: "dc=peer,dc=example".to_owned(),
        filter: Filter::parse("(mail={address})").expect("a filter"),
        bind: Some(Bind {
            dn: "cn=reader,dc=peer,dc=example".to_owned(),
            password: SecretFile::named("password", slapd.path()),
        }),
        timeout: Duration::from_secs(1),
        connections: 4,
        caching: Caching { entries: 0, ..Caching::default() },
    };
    Directory::new(&options, Arc::new(FixedClock(1_795_000_000))).expect("a directory")
}
