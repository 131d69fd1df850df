//! `kill -9`.

use super::{Answer, Site, carols, send_carols};

/// The mail server has no answer, so it has the message; it offers it again, and
/// then it goes.
#[test]
fn t35_a_killed_gateway_has_taken_no_message() {
    let mut site = Site::start("", "");
    let mut mta = site.connect();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    mta.field(b"From", b" carol@lan.example");
    mta.end_of_header();
    site.gateway.kill();
    mta.send(b'E', &carols());
    while let Some((code, _)) = mta.receive() {
        assert!(!matches!(code, b'a' | b'd'), "no message was taken, and none thrown away");
    }
    site.gateway.start();
    assert_eq!(send_carols(&mut site.connect()), Answer::Continue);
}
