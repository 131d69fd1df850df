//! Notifications, and other mail that has no sender.

use crate::outages::settles;
use crate::support::{TEXT, contains, field, message, openssl};
use crate::world::client::Client;
use crate::world::daemon::eventually;
use crate::world::server::{Hook, Kind, Server};
use crate::world::sink::Sink;
use crate::world::{Side, World, ports};

/// Alice asks to be told when her letter is delivered (RFC 3461). The other
/// organisation's server, which has no gateway, tells her, with the null
/// reverse-path, across the wire and through her own gateway.
#[test]
fn a_notification_of_success_comes_back() {
    let story = "a_notification_of_success_comes_back";
    let Some(world) = World::start(story, Side::milter(), Side::clear()) else { return };

    asking(&world, "RET=HDRS ENVID=offer-1", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;carol@lan.example");
    let told = world.peer.mailbox("alice").waits_for("Successful Mail Delivery Report");
    assert!(contains(&told, "Original-Envelope-Id: offer-1"), "{}", String::from_utf8_lossy(&told));
    assert!(contains(&told, "Final-Recipient: rfc822; carol@lan.example"));
    let crossed = world.to_peer.transmissions();
    assert_eq!(crossed.len(), 1);
    assert!(crossed[0].mail.starts_with("MAIL FROM:<>"), "{}", crossed[0].mail);
}

/// Alice, or whoever has a letter of hers, sends it to carol and demands to hear of
/// it, with all of the letter. It is opened for carol. While it can be delivered
/// nobody is told of that; when it cannot, whoever sent it gets a bounce, and of what
/// was opened not a word.
#[test]
fn t11_what_was_opened_does_not_come_back_in_a_bounce() {
    let story = "t11_what_was_opened_does_not_come_back_in_a_bounce";
    let hooked = |hook: fn(u16) -> Hook| Side::hooked(Hook::Milter(ports::free()), hook(ports::free()));
    let sides = [hooked(Hook::Milter), hooked(Hook::Smtp), hooked(Hook::Proxy), Side::milter().kind(Kind::Sendmail)];
    for lan in sides {
        let boxes = Sink::start();
        let place = format!("{:?}, {:?}", lan.kind, lan.inbound);
        let Some(world) = World::start(story, Side::milter(), lan.boxes(boxes.port())) else { continue };
        opened_and_bounced(&world, &boxes, &place);
    }
}

fn opened_and_bounced(world: &World, boxes: &Sink, place: &str) {
    asking(world, "RET=FULL ENVID=offer-1", "NOTIFY=SUCCESS,FAILURE");
    eventually("carol's letter", || boxes.messages().first().cloned().filter(|read| contains(read, "until Friday")));
    if matches!(world.lan.server, Server::Postfix(_)) {
        settles(world);
    }
    assert!(world.to_peer.transmissions().is_empty(), "{place}: nobody is told that it was delivered");

    boxes.answers_rcpt("552 5.2.2 Carol's mailbox is full");
    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    asking(world, "RET=FULL ENVID=offer-2", "NOTIFY=SUCCESS,FAILURE");
    asking(world, "RET=FULL ENVID=offer-3", "NOTIFY=SUCCESS");
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    let bounces = eventually("three bounces", || {
        let crossed = world.to_peer.transmissions();
        (crossed.len() == 3).then_some(crossed)
    });
    for bounce in bounces {
        let text = String::from_utf8_lossy(&bounce.message);
        assert!(
            bounce.mail.to_ascii_uppercase().starts_with("MAIL FROM:<>") && text.contains("5.2.2"),
            "{place}: {text}"
        );
        assert!(text.contains("Subject: The offer"), "{place}: the header tells which letter it was: {text}");
        assert!(!text.contains("until Friday"), "{place}: {text}");
    }
    assert_eq!(boxes.count(), 1);
}

/// Alice sends carol her offer, with these demands.
fn asking(world: &World, of_mail: &str, of_rcpt: &str) {
    let mut client = Client::connect(world.peer.ports().submission).expect("a server");
    client.login("alice@peer.example").expect("a reply");
    let mail = format!("MAIL FROM:<alice@peer.example> {of_mail}");
    for command in [mail, format!("RCPT TO:<carol@lan.example> {of_rcpt}")] {
        let reply = client.says(&command).expect("a reply");
        assert!(reply.starts_with("250"), "{command}: {reply}");
    }
    let reply = client.data(&message("alice@peer.example", "carol@lan.example", TEXT)).expect("a reply");
    assert!(reply.starts_with("250"), "{reply}");
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
