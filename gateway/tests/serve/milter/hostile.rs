//! Peers that are no mail servers, or broken ones.

use super::Milter;
use super::mta::{Mta, POSTFIX};

/// Whatever comes instead of a packet ends the connection, and nothing else.
#[test]
fn a_peer_that_is_no_mail_server_is_hung_up_on() {
    let milter = Milter::start();
    let mut neighbour = milter.inbound();
    neighbour.envelope("erin@else.example", None, &["alice@peer.example"]);
    let before_options: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"EHLO client.test\r\n",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\x04\0\x01B",
        b"\0\0\0\x01M",
        b"\0\0\0\x05O\0\0\0\x06",
        b"\0\0\0\x0dO\0\0\0\x01\0\0\x01\xff\0\x1f\xff\xff", // version 1
    ];
    for octets in before_options {
        let mut mta = Mta::silent(milter.inbound);
        mta.octets(octets);
        assert!(mta.receive().is_none(), "{octets:?}");
    }
    let after_options: [&[u8]; 14] = [
        b"\0\0\0\x01\0",
        b"\0\0\0\x01z",
        b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff",
        b"\0\0\0\x03Cab",
        b"\0\0\0\x04Cab\0",
        b"\0\0\0\x08Cab\x004\0\0x",
        b"\0\0\0\x05Mabcd",
        b"\0\0\0\x04Rab\0",
        b"\0\0\0\x02Bx",
        b"\0\0\0\x01N",
        b"\0\0\0\x01E",
        b"\0\0\0\x05La\0b\0",
        b"\0\0\0\x03L\0\0",
        b"\0\0\0\x04DMi\0",
    ];
    for octets in after_options {
        let mut mta = Mta::silent(milter.inbound);
        mta.negotiate(POSTFIX);
        mta.octets(octets);
        assert!(mta.receive().is_none(), "{octets:?}");
    }
    let clear = crate::support::message("erin@else.example", "alice@peer.example", crate::support::TEXT);
    assert_eq!(neighbour.message(&clear).changes, []);
    milter.logs(&["broken off", "does not speak the milter protocol"]);
}

/// A field that would end the header, or begin another field, is none (T26).
#[test]
fn t26_no_field_is_made_of_two() {
    let milter = Milter::start();
    for (name, value) in [
        (&b"Subject"[..], &b" a\nBcc: erin@else.example"[..]),
        (b"Subject", b" a\n\nbody"),
        (b"Subject: a\nBcc", b" erin@else.example"),
        (b"Sub ject", b" a"),
        (b"", b" a"),
    ] {
        let mut mta = milter.inbound();
        mta.envelope("erin@else.example", None, &["alice@peer.example"]);
        mta.send(b'L', &[name, b"\0", value, b"\0"].concat());
        assert!(mta.receive().is_none());
    }
}

/// A header field behind the body would be judged in another place than it has.
#[test]
fn the_header_comes_before_the_body() {
    let milter = Milter::start();
    let mut mta = milter.inbound();
    mta.envelope("erin@else.example", None, &["alice@peer.example"]);
    mta.end_of_header();
    mta.send(b'L', b"From\0 erin@else.example\0");
    assert!(mta.receive().is_none());
}
