//! The examples for Postfix.

use super::*;
use crate::support::have;
use crate::world::server::Kind;

#[test]
fn the_example_for_postfix_with_a_milter() {
    let Some(example) = example("the_example_for_postfix_with_a_milter", "postfix-milter") else { return };
    story(&example, ["550 5.7.1", "554 5.7.1"]);
}

#[test]
fn the_example_for_postfix_with_a_content_filter() {
    let Some(example) = example("the_example_for_postfix_with_a_content_filter", "postfix-content-filter") else {
        return;
    };
    story(&example, ["553 5.7.1", "553 5.7.1"]);
}

#[test]
fn the_example_for_postfix_with_a_proxy_filter() {
    let Some(example) = example("the_example_for_postfix_with_a_proxy_filter", "postfix-proxy-filter") else { return };
    story(&example, ["553 5.7.1", "553 5.7.1"]);
}

fn example(story: &str, name: &'static str) -> Option<Example> {
    if !have(story, &["unshare", "setpriv"]) {
        return None;
    }
    Example::start(story, name, Kind::Postfix)
}

#[track_caller]
fn story(example: &Example, refusals: [&str; 2]) {
    let postfix = example.postfix();
    both_ways(example);
    nobody_sends_as_another(example, refusals);
    strangers_ask_for_no_notification(example);

    // Local programs: root may send as anybody, all others as themselves.
    let offer = message(CAROL, ALICE, TEXT);
    postfix.sendmail("root", CAROL, ALICE, &offer).expect("sendmail takes it");
    left_protected(example, 2);
    let forged = postfix.sendmail("nobody", CAROL, ALICE, &offer).expect_err("a forged message is taken");
    assert!(forged.contains("not authorized to use sender"), "{forged}");

    bounces_have_the_header_alone(example);
}
