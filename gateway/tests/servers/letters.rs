//! The main story, in which alice and carol write to each other.

use crate::support::{TEXT, base64_decoded, contains, field, message, openssl, split};
use crate::world::World;
use crate::world::wire::Wire;

/// Alice writes to carol and carol answers. Both send and read in clear; the
/// wire carries ciphertext under a signature, and nothing else.
pub fn both_ways(world: Option<World>) {
    let Some(world) = world else { return };

    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    let read = world.lan.mailbox("carol").waits_for("The offer stands until Friday.");
    reads_clear("mx.lan.example", "alice@peer.example", &read);
    only_ciphertext(&world.to_lan, "carol");

    let answer = message("carol@lan.example", "alice@peer.example", TEXT);
    world.lan.sends("carol", &["alice@peer.example"], &answer).accepted();
    let read = world.peer.mailbox("alice").waits_for("The offer stands until Friday.");
    reads_clear("mx.peer.example", "carol@lan.example", &read);
    only_ciphertext(&world.to_peer, "alice");
}

/// What is read is clear mail whose author is known.
#[track_caller]
pub fn reads_clear(authserv_id: &str, author: &str, read: &[u8]) {
    assert_eq!(field(read, "content-type"), ["text/plain; charset=us-ascii"]);
    assert_eq!(field(read, "from"), [author]);
    assert_eq!(field(read, "subject"), ["The offer"]);
    let (_, body) = split(TEXT);
    assert_eq!(String::from_utf8_lossy(split(read).1).trim_end(), String::from_utf8_lossy(body).trim_end());
    let results = field(read, "authentication-results");
    assert!(
        results.iter().any(|result| result.starts_with(authserv_id) && result.contains("smime=pass")),
        "{results:?}"
    );
}

/// One message crossed the wire; `reader` can open it, and nobody else sees what it says.
#[track_caller]
pub fn only_ciphertext(wire: &Wire, reader: &str) {
    let crossed = wire.transmissions();
    assert_eq!(crossed.len(), 1, "{crossed:?}");
    let (layers, inside) = openssl::peel(reader, &crossed[0].message);
    // Who has learned from signed mail that its reader knows AES-GCM needs no signature inside.
    let known: [&[&str]; 2] = [&["detached", "enveloped", "detached"], &["detached", "auth-enveloped"]];
    assert!(known.contains(&layers.as_slice()), "{layers:?}");
    assert!(contains(&inside, "The offer stands until Friday."));
    let octets = wire.octets();
    let hidden = decoded(&octets);
    for word in ["stands", "until Friday", "charset=us-ascii"] {
        assert!(!contains(&octets, word), "{word:?} crossed the wire");
        assert!(!contains(&hidden, word), "{word:?} crossed the wire in base64");
    }
}

/// All lines that are base64, decoded.
fn decoded(octets: &[u8]) -> Vec<u8> {
    let lines = octets.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    let base64 = lines.filter(|line| line.len() >= 60 && line.len() % 4 == 0 && !line.contains(&b' '));
    base64
        .filter(|line| line.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)))
        .flat_map(base64_decoded)
        .collect()
}
