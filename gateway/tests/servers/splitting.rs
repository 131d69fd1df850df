//! Messages of which not everybody gets the same: blind copies, insiders beside
//! outsiders, recipients with and without a key.

use crate::letters::only_ciphertext;
use crate::outages::settles;
use crate::support::{TEXT, contains, field, message, openssl};
use crate::world::organisation::WITHOUT_KEYS;
use crate::world::server::Hook;
use crate::world::{Side, World, ports};

/// Carol writes to alice, and blindly to bob. Each gets a copy of their own, and
/// nothing that alice gets, or that crosses the wire to her, tells of bob.
#[test]
fn a_blind_copy_stays_blind() {
    for lan in sides() {
        let Some(world) = World::start("a_blind_copy_stays_blind", Side::milter(), lan) else { return };
        blind_copy(&world);
    }
}

fn blind_copy(world: &World) {
    let offer = message("carol@lan.example", "alice@peer.example\r\nBcc: bob@peer.example", TEXT);
    world.lan.sends("carol", &["alice@peer.example", "bob@peer.example"], &offer).accepted();
    let (alice, bob) = (world.peer.mailbox("alice"), world.peer.mailbox("bob"));
    for read in [alice.waits_for("until Friday"), bob.waits_for("until Friday")] {
        assert_eq!(field(&read, "to"), ["alice@peer.example"]);
        assert!(field(&read, "bcc").is_empty());
    }
    assert!(!contains(&alice.waits_for("until Friday"), "bob@"));
    assert_eq!((alice.messages().len(), bob.messages().len()), (1, 1));

    let mut crossed = world.to_peer.transmissions();
    crossed.sort_by_key(|transmission| transmission.rcpt.clone());
    let recipients: Vec<&str> = crossed.iter().flat_map(|c| &c.rcpt).map(String::as_str).collect();
    assert!(matches!(recipients.as_slice(), [a, b] if a.contains("<alice@") && b.contains("<bob@")), "{recipients:?}");
    assert!(!contains(&crossed[0].message, "bob@"));
    for (transmission, reader) in crossed.iter().zip(["alice", "bob"]) {
        let (_, inside) = openssl::peel(reader, &transmission.message);
        assert!(contains(&inside, "until Friday"));
        let envelope = openssl::verify(&transmission.message);
        assert_eq!(openssl::print(&envelope).matches("d.ktri").count(), 1, "one recipient can open each copy");
    }
}

/// Alice writes to bob, who is inside, and carol, who is not. Bob gets what she
/// wrote, octet for octet; carol's copy crosses the wire as ciphertext.
#[test]
fn an_insider_and_an_outsider() {
    for peer in sides() {
        let Some(world) = World::start("an_insider_and_an_outsider", peer, Side::milter()) else { return };
        insider_and_outsider(&world);
    }
}

fn insider_and_outsider(world: &World) {
    let offer = message("alice@peer.example", "bob@peer.example, carol@lan.example", TEXT);
    world.peer.sends("alice", &["bob@peer.example", "carol@lan.example"], &offer).accepted();
    let inside = world.peer.mailbox("bob").waits_for("until Friday");
    assert!(String::from_utf8_lossy(&inside).contains(String::from_utf8_lossy(&offer).trim_end()));
    assert!(field(&inside, "authentication-results").is_empty());
    world.lan.mailbox("carol").waits_for("until Friday");
    only_ciphertext(&world.to_lan, "carol");
    assert_eq!(world.peer.mailbox("bob").messages().len(), 1);
    assert_eq!(world.lan.mailbox("carol").messages().len(), 1);
}

/// Nobody has a certificate for heidi. Where encryption is wanted and not required
/// she gets the message signed, and carol, in the same message, encrypted.
#[test]
fn a_recipient_without_a_key_gets_a_signed_message_where_the_policy_says_so() {
    const WANTED: &str = "[tenant.NAME.outbound]\nsign = \"required\"\nencrypt = \"opportunistic\"\n";
    let story = "a_recipient_without_a_key_gets_a_signed_message_where_the_policy_says_so";
    for peer in sides() {
        let Some(world) = World::start(story, peer.policy(WANTED), Side::milter()) else { return };
        with_and_without_a_key(&world);
    }
}

fn with_and_without_a_key(world: &World) {
    let heidi = format!("{WITHOUT_KEYS}@lan.example");
    let offer = message("alice@peer.example", &format!("carol@lan.example, {heidi}"), TEXT);
    world.peer.sends("alice", &["carol@lan.example", &heidi], &offer).accepted();
    for user in ["carol", WITHOUT_KEYS] {
        let read = world.lan.mailbox(user).waits_for("until Friday");
        assert!(field(&read, "authentication-results").iter().any(|result| result.contains("smime=pass")));
    }
    let crossed = world.to_lan.transmissions();
    assert_eq!(crossed.len(), 2);
    for transmission in crossed {
        let clear = transmission.rcpt.iter().any(|rcpt| rcpt.contains(&heidi));
        assert_eq!(contains(&transmission.message, "until Friday"), clear);
        assert!(field(&transmission.message, "content-type")[0].starts_with("multipart/signed"));
    }
}

/// A letter with a blind copy has to be split, and what a milter cannot say goes
/// out through the next hop. While that is away alice is told to come back
/// later, nothing has been delivered, and when it is back everybody gets one copy.
#[test]
fn a_split_message_waits_for_the_next_hop() {
    let story = "a_split_message_waits_for_the_next_hop";
    let Some(world) = World::start(story, Side::milter(), Side::milter()) else { return };

    world.peer.handed_on.cut(true);
    let offer = message("alice@peer.example", "carol@lan.example\r\nBcc: dave@lan.example", TEXT);
    let both = ["carol@lan.example", "dave@lan.example"];
    world.peer.sends("alice", &both, &offer).refused("451 4.");
    assert!(world.to_lan.transmissions().is_empty());

    world.peer.handed_on.cut(false);
    world.peer.sends("alice", &both, &offer).accepted();
    for user in ["carol", "dave"] {
        world.lan.mailbox(user).waits_for("until Friday");
    }
    settles(&world);
    assert_eq!(world.to_lan.transmissions().len(), 2);
    for user in ["carol", "dave"] {
        assert_eq!(world.lan.mailbox(user).messages().len(), 1);
    }
}

/// The places of a gateway in which it can split a message.
fn sides() -> [Side; 4] {
    [Hook::Milter, Hook::Smtp, Hook::Lmtp, Hook::Proxy]
        .map(|hook| Side::hooked(hook(ports::free()), Hook::Milter(ports::free())))
}
