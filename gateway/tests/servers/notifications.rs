//! Notifications, and other mail that has no sender.

use crate::support::{TEXT, contains, field, message, openssl};
use crate::world::client::Client;
use crate::world::{Side, World};

/// Alice asks to be told when her letter is delivered (RFC 3461). The other
/// organisation's server tells her, with the null reverse-path, across the wire
/// and through her own gateway.
#[test]
fn a_notification_of_success_comes_back() {
    let story = "a_notification_of_success_comes_back";
    let Some(world) = World::start(story, Side::milter(), Side::milter()) else { return };

    let mut client = Client::connect(world.peer.ports().submission).expect("a server");
    client.login("alice@peer.example").expect("a reply");
    for command in [
        "MAIL FROM:<alice@peer.example> RET=HDRS ENVID=offer-1",
        "RCPT TO:<carol@lan.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;carol@lan.example",
    ] {
        let reply = client.says(command).expect("a reply");
        assert!(reply.starts_with("250"), "{command}: {reply}");
    }
    let reply = client.data(&message("alice@peer.example", "carol@lan.example", TEXT)).expect("a reply");
    assert!(reply.starts_with("250"), "{reply}");

    world.lan.mailbox("carol").waits_for("until Friday");
    let told = world.peer.mailbox("alice").waits_for("Successful Mail Delivery Report");
    assert!(contains(&told, "Original-Envelope-Id: offer-1"), "{}", String::from_utf8_lossy(&told));
    assert!(contains(&told, "Final-Recipient: rfc822; carol@lan.example"));
    assert!(!contains(&told, "until Friday"));
    let crossed = world.to_peer.transmissions();
    assert_eq!(crossed.len(), 1);
    assert!(crossed[0].mail.starts_with("MAIL FROM:<>"), "{}", crossed[0].mail);
}

/// Carol's mail client answers for her while she is away: from her, but with the
/// null reverse-path. It is protected as every mail of hers is.
#[test]
fn an_answer_with_the_null_reverse_path_is_protected() {
    let story = "an_answer_with_the_null_reverse_path_is_protected";
    let Some(world) = World::start(story, Side::milter(), Side::milter()) else { return };

    let away = message("carol@lan.example", "alice@peer.example", TEXT);
    world.lan.submits("<>", "carol", &["alice@peer.example"], &away).accepted();
    let read = world.peer.mailbox("alice").waits_for("until Friday");
    assert!(field(&read, "authentication-results").iter().any(|result| result.contains("smime=pass")));
    let crossed = world.to_peer.transmissions();
    assert!(crossed[0].mail.starts_with("MAIL FROM:<>"), "{}", crossed[0].mail);
    let (layers, _) = openssl::peel("alice", &crossed[0].message);
    assert_eq!(layers, ["detached", "enveloped", "detached"]);
}
