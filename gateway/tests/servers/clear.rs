//! The world without a gateway: what stories with one are held against.

use crate::support::{TEXT, contains, message};
use crate::world::{Side, World};

/// Without a gateway mail arrives, and the wire carries it in clear: the search
/// of the other stories finds what is there to be found.
#[test]
fn without_a_gateway_the_wire_carries_clear_text() {
    let story = "without_a_gateway_the_wire_carries_clear_text";
    let Some(world) = World::start(story, Side::clear(), Side::clear()) else { return };

    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    let arrived = world.lan.mailbox("carol").waits_for("Subject: The offer");
    assert!(contains(&arrived, "The offer stands until Friday."));

    let crossed = world.to_lan.transmissions();
    assert_eq!(crossed.len(), 1);
    assert_eq!(crossed[0].rcpt, ["RCPT TO:<carol@lan.example> ORCPT=rfc822;carol@lan.example"]);
    assert!(contains(&crossed[0].message, "The offer stands until Friday."));
    assert!(contains(&world.to_lan.octets(), "The offer stands until Friday."));

    // And the other way.
    let answer = message("carol@lan.example", "alice@peer.example", TEXT);
    world.lan.sends("carol", &["alice@peer.example"], &answer).accepted();
    world.peer.mailbox("alice").waits_for("The offer stands");
    assert_eq!(world.to_peer.transmissions().len(), 1);
}
