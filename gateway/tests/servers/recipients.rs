//! Recipients for whom there is no key.

use crate::support::{TEXT, message};
use crate::world::organisation::WITHOUT_KEYS;
use crate::world::{Side, World};

/// Nobody has a certificate for heidi. Where encryption is required the message
/// is refused while alice is still connected, for everybody, and names heidi.
#[test]
fn a_recipient_without_a_key_is_named_in_the_refusal() {
    let story = "a_recipient_without_a_key_is_named_in_the_refusal";
    let Some(world) = World::start(story, Side::milter(), Side::milter()) else { return };

    let heidi = format!("{WITHOUT_KEYS}@lan.example");
    let offer = message("alice@peer.example", &heidi, TEXT);
    let answer = world.peer.sends("alice", &["carol@lan.example", &heidi], &offer);
    answer.refused("550 5.7.5");
    assert!(answer.dialogue.lines().any(|line| line.contains("5.7.5") && line.contains(&heidi)), "{}", answer.dialogue);
    assert!(world.to_lan.transmissions().is_empty());
    assert!(world.lan.mailbox("carol").messages().is_empty());
}
