//! SIGTERM and SIGINT.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::{Answer, Site, carols, send_carols};
use crate::daemon::eventually;

/// A message that is under way is finished; sessions with nothing to do end, and
/// nobody new comes in.
#[test]
fn a_stop_finishes_what_is_under_way() {
    let mut site = Site::start("", "");
    let (mut idle, mut busy) = (site.connect(), site.connect());
    assert_eq!(send_carols(&mut idle), Answer::Continue);
    busy.envelope("carol@lan.example", None, &["alice@peer.example"]);
    site.gateway.process().signal(Signal::TERM);
    assert_eq!(idle.receive(), None);
    eventually("a port that is shut", || (!site.answers()).then_some(()));
    assert_eq!(busy.message(&carols()).answer, Answer::Continue);
    assert_eq!(busy.receive(), None);
    assert_eq!(site.gateway.ended(), Some(0));
    assert!(site.gateway.log().contains("stopped"));
}

/// A client that does not come to an end is not waited for longer than `drain`.
#[test]
fn a_stop_does_not_wait_forever() {
    let mut site = Site::start("drain = \"1s\"", "");
    let mut busy = site.connect();
    busy.envelope("carol@lan.example", None, &["alice@peer.example"]);
    site.gateway.process().signal(Signal::INT);
    assert_eq!(site.gateway.ended(), Some(0));
    assert!(site.gateway.log().contains("cut off"));
}

/// Who says it twice means it.
#[test]
fn a_second_signal_stops_at_once() {
    let mut site = Site::start("drain = \"1h\"", "");
    let mut busy = site.connect();
    busy.envelope("carol@lan.example", None, &["alice@peer.example"]);
    site.gateway.process().signal(Signal::TERM);
    eventually("the first signal", || site.gateway.log().contains("stopping").then_some(()));
    sleep(Duration::from_millis(100));
    site.gateway.process().signal(Signal::TERM);
    assert_eq!(site.gateway.ended(), Some(0));
    assert!(site.gateway.log().contains("stopped at once"));
}
