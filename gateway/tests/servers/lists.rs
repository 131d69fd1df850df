//! A mailing list, run by somebody else.

use crate::support::{TEXT, contains, field, message};
use crate::world::daemon::eventually;
use crate::world::sink::Sink;
use crate::world::swaks::{Answer, Swaks};
use crate::world::{Side, World};

/// Alice writes to a list, for which her organisation signs and does not encrypt.
/// A list that only adds fields of its own passes the signature on: carol reads
/// that the letter is alice's.
#[test]
fn a_list_that_leaves_the_message_alone() {
    let Some((world, posted)) = posted("a_list_that_leaves_the_message_alone") else { return };

    expand(&world, &posted).accepted();
    let read = world.lan.mailbox("carol").waits_for("until Friday");
    assert_eq!(field(&read, "list-id"), ["<offers.lists.example>"]);
    assert!(field(&read, "authentication-results").iter().any(|result| result.contains("smime=pass")));
}

/// A list that adds a footer breaks the signature: to the reader nobody can tell
/// this from forgery, so it is refused while the list is connected, under
/// every policy.
#[test]
fn a_list_that_adds_a_footer() {
    let Some((world, posted)) = posted("a_list_that_adds_a_footer") else { return };

    let text = String::from_utf8(posted).expect("text");
    assert!(text.contains("Alice\r\n"), "{text}");
    let with_footer = text.replacen("Alice\r\n", "Alice\r\n--\r\nTo leave this list write to the wind.\r\n", 1);
    expand(&world, with_footer.as_bytes()).refused("550 5.7.7");
    assert!(world.lan.mailbox("carol").messages().is_empty());
}

/// Alice writes to the list; the message as the list gets it.
fn posted(story: &str) -> Option<(World, Vec<u8>)> {
    const SIGNED_TO_LISTS: &str = "[tenant.NAME.outbound]\nsign = \"required\"\nencrypt = \"required\"\n\
        [[tenant.NAME.rule]]\nrecipient = \"*@lists.example\"\noutbound = { encrypt = \"never\" }\n";
    let list = Sink::start();
    let peer = Side::milter().policy(SIGNED_TO_LISTS).main(&format!("relayhost = [127.0.0.1]:{}", list.port()));
    let world = World::start(story, peer, Side::milter())?;
    let offer = message("alice@peer.example", "offers@lists.example", TEXT);
    world.peer.sends("alice", &["offers@lists.example"], &offer).accepted();
    let posted = eventually("a letter to the list", || list.messages().pop());
    assert!(contains(&posted, "multipart/signed"));
    Some((world, posted))
}

/// The list hands a message on to its member carol.
fn expand(world: &World, message: &[u8]) -> Answer {
    let message = [b"List-Id: <offers.lists.example>\r\nPrecedence: list\r\n", message].concat();
    let (port, from) = (world.to_lan.port(), "offers-bounces@lists.example");
    Swaks { port, from, to: &["carol@lan.example"], login: None, options: &[] }.send(&message)
}
