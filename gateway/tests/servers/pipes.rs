//! A mail server that sends through a pipe.

use crate::letters::{only_ciphertext, reads_clear};
use crate::support::{TEXT, message};
use crate::world::organisation::WITHOUT_KEYS;
use crate::world::server::{Hook, Kind};
use crate::world::{Side, World};

/// Exim hands each recipient's copy to `wasmime process`, and takes back what comes out of it.
#[test]
fn exim_sends_through_a_pipe() {
    let Some(world) = World::start("exim_sends_through_a_pipe", piped(), Side::milter()) else { return };

    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    reads_clear("mx.lan.example", "alice@peer.example", &world.lan.mailbox("carol").waits_for("until Friday"));
    only_ciphertext(&world.to_lan, "carol");
}

/// Exit status 77: Exim tells the sender, with what the program said.
#[test]
fn what_the_pipe_refuses_is_returned_to_the_sender() {
    let story = "what_the_pipe_refuses_is_returned_to_the_sender";
    let Some(world) = World::start(story, piped(), Side::milter()) else { return };

    let heidi = format!("{WITHOUT_KEYS}@lan.example");
    let offer = message("alice@peer.example", &heidi, TEXT);
    world.peer.sends("alice", &[&heidi], &offer).accepted();
    let bounce = String::from_utf8_lossy(&world.peer.mailbox("alice").waits_for("Mail delivery failed")).into_owned();
    assert!(bounce.contains("5.7.5") && bounce.contains(&heidi), "{bounce}");
    assert!(world.to_lan.transmissions().is_empty());
}

/// Exit status 75: Exim keeps the message until the keys are back.
#[test]
fn what_the_pipe_defers_is_tried_again() {
    let Some(mut world) = World::start("what_the_pipe_defers_is_tried_again", piped(), Side::milter()) else { return };

    let keyring = world.peer.gateway().path().join("peer.keyring");
    let away = keyring.with_extension("away");
    std::fs::rename(&keyring, &away).expect("the keyring");
    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    world.peer.exim().logs(&["carol@lan.example", "defer"]);
    std::fs::rename(&away, &keyring).expect("the keyring");
    world.lan.mailbox("carol").waits_for("until Friday");
    only_ciphertext(&world.to_lan, "carol");
}

/// Exim, which sends through a pipe and takes what arrives as it is.
fn piped() -> Side {
    Side::hooked(Hook::Pipe, Hook::Open).kind(Kind::Exim)
}
