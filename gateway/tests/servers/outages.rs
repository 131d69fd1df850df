//! What happens to mail while something is away.

use std::thread;
use std::time::Duration;

use crate::letters::only_ciphertext;
use crate::support::{TEXT, message};
use crate::world::server::Hook;
use crate::world::{Side, World, ports};

/// The gateway of carol's organisation is away when alice's letter arrives. Alice's
/// server keeps it, and delivers it once when the gateway is back.
#[test]
fn mail_waits_for_a_gateway_that_is_away() {
    let story = "mail_waits_for_a_gateway_that_is_away";
    let Some(mut world) = World::start(story, Side::milter(), Side::milter()) else { return };

    world.lan.gateway().kill();
    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    world.peer.postfix().logs(&["status=deferred", "451 4.7.1"]);
    assert_eq!(world.peer.postfix().queued(), 1);
    assert!(world.lan.mailbox("carol").messages().is_empty());

    world.lan.gateway().start();
    world.lan.mailbox("carol").waits_for("until Friday");
    only_ciphertext(&world.to_lan, "carol");
    settles(&world);
    assert_eq!(world.lan.mailbox("carol").messages().len(), 1);
}

/// The gateway of alice's own organisation is away. Her mail client is told to
/// come back later: nothing goes out in clear.
#[test]
fn nothing_goes_out_while_the_own_gateway_is_away() {
    let story = "nothing_goes_out_while_the_own_gateway_is_away";
    let Some(mut world) = World::start(story, Side::milter(), Side::milter()) else { return };

    world.peer.gateway().kill();
    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    // Without its milter Postfix does not even ask who she is.
    world.peer.sends("alice", &["carol@lan.example"], &offer).refused("454 4.3.0");
    assert!(world.to_lan.octets().is_empty());

    world.peer.gateway().start();
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    world.lan.mailbox("carol").waits_for("until Friday");
    only_ciphertext(&world.to_lan, "carol");
}

/// What stands behind the gateway is away. The message stays in the queue that it
/// came from, and is delivered once when all is back.
#[test]
fn mail_waits_for_the_next_hop() {
    let side = Side::hooked(Hook::Smtp(ports::free()), Hook::Milter(ports::free()));
    let Some(world) = World::start("mail_waits_for_the_next_hop", side, Side::milter()) else { return };

    world.peer.handed_on.cut(true);
    let offer = message("alice@peer.example", "carol@lan.example\r\nBcc: dave@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example", "dave@lan.example"], &offer).accepted();
    world.peer.postfix().logs(&["status=deferred", "451 4.4."]);
    assert!(world.to_lan.transmissions().is_empty());

    world.peer.handed_on.cut(false);
    for user in ["carol", "dave"] {
        world.lan.mailbox(user).waits_for("until Friday");
    }
    settles(&world);
    assert_eq!(world.to_lan.transmissions().len(), 2);
    for user in ["carol", "dave"] {
        assert_eq!(world.lan.mailbox(user).messages().len(), 1);
    }
}

/// Waits until no queue has anything that may still be delivered.
pub fn settles(world: &World) {
    for server in [world.peer.postfix(), world.lan.postfix()] {
        crate::world::daemon::eventually("an empty queue", || (server.queued() == 0).then_some(()));
    }
    thread::sleep(Duration::from_millis(300));
}
