//! The example for OpenSMTPD.

use super::*;
use crate::world::server::Kind;

#[test]
fn the_example_for_opensmtpd() {
    let Some(example) = Example::start("the_example_for_opensmtpd", "opensmtpd", Kind::OpenSmtpd) else { return };
    let _opensmtpd = example.opensmtpd();
    both_ways(&example);
    nobody_sends_as_another(&example, ["530 Sender rejected", "530 "]);
    strangers_ask_for_no_notification(&example);
}
