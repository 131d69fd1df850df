//! The example for Sendmail.

use super::*;
use crate::world::server::Kind;

#[test]
fn the_example_for_sendmail() {
    let Some(example) = Example::start("the_example_for_sendmail", "sendmail", Kind::Sendmail) else { return };
    let _sendmail = example.sendmail();
    both_ways(&example);
    strangers_ask_for_no_notification(&example);
    bounces_have_the_header_alone(&example);
}
