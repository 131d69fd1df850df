//! The example for Exim.

use super::*;
use crate::world::server::Kind;

#[test]
fn the_example_for_exim() {
    let Some(example) = Example::start("the_example_for_exim", "exim", Kind::Exim) else { return };
    let exim = example.exim();
    both_ways(&example);
    let mismatch = "550 5.7.1 carol@lan.example may not send as dave@lan.example";
    nobody_sends_as_another(&example, [mismatch, "550 5.7.1 log in first"]);
    strangers_ask_for_no_notification(&example);

    exim.sendmail(CAROL, ALICE, &message(CAROL, ALICE, TEXT));
    left_protected(&example, 2);
    bounces_have_the_header_alone(&example);
}
