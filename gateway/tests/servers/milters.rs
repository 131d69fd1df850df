//! The gateway as a milter, before the queue.

use crate::letters::both_ways;
use crate::world::server::Kind;
use crate::world::{Side, World};

/// As a milter of Postfix, both ways.
#[test]
fn two_organisations_with_milters() {
    let story = "two_organisations_with_milters";
    both_ways(World::start(story, Side::milter(), Side::milter()));
}

/// Sendmail with milters at one end.
#[test]
fn sendmail_with_milters() {
    both_ways(World::start("sendmail_with_milters", Side::milter().kind(Kind::Sendmail), Side::milter()));
}
