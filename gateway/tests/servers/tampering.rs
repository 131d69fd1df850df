//! What is altered on the wire does not get in, and the sender hears of it.

use crate::support::{TEXT, contains, fields, message};
use crate::world::swaks::Swaks;
use crate::world::wire::Tamper;
use crate::world::{Side, World};

/// Someone alters an octet of the ciphertext. The receiving server refuses the
/// message in the dialogue, nothing is delivered, and alice gets a notification
/// that says why and gives nothing away.
#[test]
fn an_octet_altered_on_the_wire_is_refused_and_the_sender_told() {
    let story = "an_octet_altered_on_the_wire_is_refused_and_the_sender_told";
    let Some(mut world) = World::start(story, Side::milter(), Side::milter()) else { return };
    world.to_lan.tamper(Some(Tamper { after: b"smime.p7m", skip: 400 }));

    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    let bounce = world.peer.mailbox("alice").waits_for("Undelivered Mail Returned to Sender");
    assert!(contains(&bounce, "Diagnostic-Code: smtp; 550 5.7.7"), "{}", String::from_utf8_lossy(&bounce));
    assert!(contains(&bounce, "Final-Recipient: rfc822; carol@lan.example"));
    assert!(!contains(&bounce, "until Friday"));
    assert!(world.to_lan.replies().contains("\n550 5.7.7 "), "{}", world.to_lan.replies());
    assert!(world.lan.mailbox("carol").messages().is_empty());
    let audit = world.lan.gateway().audit();
    assert!(audit.contains("message-rejected") && audit.contains("\"altered\""), "{audit}");

    // The next one, which nobody alters, arrives.
    world.to_lan.tamper(None);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    world.lan.mailbox("carol").waits_for("until Friday");
}

/// Where a signature is required, mail without one is refused in the dialogue.
#[test]
fn unsigned_mail_is_refused_where_a_signature_is_required() {
    const STRICT: &str = "[tenant.NAME.inbound]\nverify = \"required\"\n";
    let story = "unsigned_mail_is_refused_where_a_signature_is_required";
    let Some(world) = World::start(story, Side::milter(), Side::milter().policy(STRICT)) else { return };

    let forged = [fields("alice@peer.example", "carol@lan.example"), b"\r\nPay this bill.\r\n".to_vec()].concat();
    let port = world.to_lan.port();
    let swaks = Swaks { port, from: "alice@peer.example", to: &["carol@lan.example"], login: None, options: &[] };
    swaks.send(&forged).refused("550 5.7.1");
    // What alice really sends is signed.
    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    world.lan.mailbox("carol").waits_for("until Friday");
    assert_eq!(world.lan.mailbox("carol").messages().len(), 1);
}
