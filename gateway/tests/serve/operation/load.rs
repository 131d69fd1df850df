//! More than there is room for.

use std::fs;
use std::thread;

use super::{Answer, Mta, Site, send_carols};
use crate::daemon::eventually;
use crate::support::{aloud, message};

/// An offer of so many octets.
fn large(octets: usize) -> Vec<u8> {
    let line = [&[b'x'; 76][..], b"\r\n"].concat();
    let text = [&b"Content-Type: text/plain\r\n\r\n"[..], &line.repeat(octets / line.len())].concat();
    message("carol@lan.example", "alice@peer.example", &text)
}

/// Offers it; the first answer that is not to go on, or the last.
fn offer(mta: &mut Mta, octets: usize) -> Answer {
    match mta.mail("carol@lan.example", None) {
        Answer::Continue => {}
        refused => return refused,
    }
    assert_eq!(mta.rcpt("alice@peer.example"), Answer::Continue);
    mta.message(&large(octets)).answer
}

/// One connection too many is not served, and as soon as another ends the next is.
#[test]
fn connections_are_bounded() {
    let site = Site::start("connections = 2", "");
    // The start of the gateway was probed by a connection, which may end late.
    let open = eventually("two connections", || {
        let mut both = [Mta::silent(site.port), Mta::silent(site.port)];
        let served = both.each_mut().map(|mta| {
            mta.send(b'O', &[[0, 0, 0, 6], [0, 0, 1, 0xff], [0, 0x1f, 0xff, 0xff]].concat());
            mta.receive().is_some()
        });
        (served == [true, true]).then_some(both)
    });
    assert_eq!(Mta::silent(site.port).receive(), None);
    assert!(site.gateway.log().contains("all connections are taken"));
    drop(open);
    eventually("a place", || {
        let mut mta = Mta::silent(site.port);
        mta.send(b'O', &[[0, 0, 0, 6], [0, 0, 1, 0xff], [0, 0x1f, 0xff, 0xff]].concat());
        mta.receive()
    });
}

/// Mail that there is no memory for is put off, and what was held comes back.
#[test]
fn memory_is_bounded() {
    let site = Site::start("memory = \"1MiB\"", "");
    let mut mta = site.connect();
    offer(&mut mta, 2 << 20).begins("452 4.3.1 ");
    // It has room itself, and none for what would be made of it.
    offer(&mut mta, 900 << 10).begins("452 4.3.1 ");
    for _ in 0..3 {
        assert_eq!(offer(&mut mta, 300 << 10), Answer::Continue);
    }
    let log = site.gateway.log();
    assert!(log.contains("reason=\"memory\""), "{log}");
}

/// Fifty connections with eight megabytes each, and room for sixty-four: the
/// process stays within what it was given, and whoever was put off has its mail
/// taken afterwards.
#[test]
fn many_large_messages_do_not_fill_the_machine() {
    const GIVEN: u64 = 64;
    let site = Site::start(&format!("memory = \"{GIVEN}MiB\"\nmessages = 2"), "");
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);
    let before = peak(site.gateway.process().id());
    let outcomes: Vec<Answer> = thread::scope(|scope| {
        let clients: Vec<_> = (0..50).map(|_| scope.spawn(|| offer(&mut site.connect(), 8 << 20))).collect();
        clients.into_iter().map(|client| client.join().expect("an answer")).collect()
    });
    let after = peak(site.gateway.process().id());
    let taken = outcomes.iter().filter(|answer| **answer == Answer::Continue).count();
    for answer in outcomes.iter().filter(|answer| **answer != Answer::Continue) {
        answer.begins("45");
    }
    aloud(&format!("load: 50 messages of 8 MiB, {taken} taken, {before} MiB before, {after} MiB at the most"));
    // Beside what is held there are two sandboxes, with three layers of a message
    // in each, and what the milter protocol has in its hands.
    assert!(after < before + GIVEN + 2 * 100 + 50, "{before} MiB before, {after} MiB at the most");
    assert_eq!(offer(&mut site.connect(), 8 << 20), Answer::Continue);
}

/// The most memory that a process had at a time, in MiB.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the state of a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes / 1024
}
