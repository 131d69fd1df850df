//! DKIM (RFC 6376) beside S/MIME: signed after us, verified before us.

use tempfile::TempDir;

use crate::support::{TEXT, field, have, message};
use crate::world::opendkim::{self, OpenDkim};
use crate::world::server::Hook;
use crate::world::{Side, World, ports};

/// Alice's organisation signs with DKIM what the gateway made of her letter, and
/// carol's verifies it before the gateway opens it: both see the message as it
/// crosses the wire. Carol reads both results. The two have different
/// identifiers, because the gateway removes results under its own that it did not write.
#[test]
fn dkim_signed_after_us_and_verified_before_us() {
    let story = "dkim_signed_after_us_and_verified_before_us";
    if !have(story, &["opendkim", "opendkim-genkey"]) {
        return;
    }
    let dir = TempDir::new().expect("a temporary folder");
    opendkim::key(dir.path(), "peer.example");
    let signer = OpenDkim::signer(dir.path(), "peer.example");
    let verifier = OpenDkim::verifier(dir.path(), "dkim.lan.example");

    let (peer, lan) = (ports::free(), ports::free());
    let signs = Hook::Milters(peer, format!("inet:127.0.0.1:{peer}, inet:127.0.0.1:{}", signer.port()).leak());
    let verifies = Hook::Milters(lan, format!("inet:127.0.0.1:{}, inet:127.0.0.1:{lan}", verifier.port()).leak());
    let peer = Side::hooked(signs, Hook::Milter(ports::free()));
    let Some(world) = World::start(story, peer, Side::hooked(Hook::Milter(ports::free()), verifies)) else { return };

    let offer = message("alice@peer.example", "carol@lan.example", TEXT);
    world.peer.sends("alice", &["carol@lan.example"], &offer).accepted();
    let read = world.lan.mailbox("carol").waits_for("until Friday");
    let results = field(&read, "authentication-results");
    for (who, result) in [("dkim.lan.example", "dkim=pass"), ("mx.lan.example", "smime=pass")] {
        assert!(results.iter().any(|r| r.starts_with(who) && r.contains(result)), "{result}: {results:?}");
    }
    assert!(field(&world.to_lan.transmissions()[0].message, "dkim-signature")[0].contains("d=peer.example"));
}
