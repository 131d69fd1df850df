//! The gateway as a relay, after the queue, within the dialogue, and in front of
//! the mail server.

use crate::letters::both_ways;
use crate::world::server::{Hook, Kind};
use crate::world::{Side, World, ports};

/// After the queue of Postfix on the way out (`content_filter`), by SMTP.
#[test]
fn content_filter_over_smtp() {
    let side = || Side::hooked(Hook::Smtp(ports::free()), Hook::Milter(ports::free()));
    both_ways(World::start("content_filter_over_smtp", side(), side()));
}

/// After the queue of Postfix on the way out, by LMTP.
#[test]
fn content_filter_over_lmtp() {
    let side = || Side::hooked(Hook::Lmtp(ports::free()), Hook::Milter(ports::free()));
    both_ways(World::start("content_filter_over_lmtp", side(), side()));
}

/// Within the dialogue of Postfix (`smtpd_proxy_filter`), both ways.
#[test]
fn proxy_filter() {
    let side = || Side::hooked(Hook::Proxy(ports::free()), Hook::Proxy(ports::free()));
    both_ways(World::start("proxy_filter", side(), side()));
}

/// As the server that the Internet talks to, in front of Postfix.
#[test]
fn in_front_of_the_mail_server() {
    let side = || Side::hooked(Hook::Smtp(ports::free()), Hook::Front(ports::free()));
    both_ways(World::start("in_front_of_the_mail_server", side(), side()));
}

/// Exim at one end: it sends through the gateway by SMTP, and stands behind it.
#[test]
fn exim_over_smtp() {
    let side = Side::hooked(Hook::Smtp(ports::free()), Hook::Front(ports::free())).kind(Kind::Exim);
    both_ways(World::start("exim_over_smtp", side, Side::milter()));
}

/// Exim at one end: it sends through the gateway by LMTP.
#[test]
fn exim_over_lmtp() {
    let side = Side::hooked(Hook::Lmtp(ports::free()), Hook::Front(ports::free())).kind(Kind::Exim);
    both_ways(World::start("exim_over_lmtp", side, Side::milter()));
}

/// OpenSMTPD at one end: it sends through the gateway by SMTP, and stands behind it.
#[test]
fn opensmtpd_over_smtp() {
    let side = Side::hooked(Hook::Smtp(ports::free()), Hook::Front(ports::free())).kind(Kind::OpenSmtpd);
    both_ways(World::start("opensmtpd_over_smtp", side, Side::milter()));
}
