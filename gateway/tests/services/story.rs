//! The story that is the same with every key service: send, receive, tamper.

use crate::relay::Relay;
use crate::support::openssl::{encrypt, peel, sign};
use crate::support::*;

/// Our user and the correspondent.
pub const CAROL: &str = "carol@lan.example";
pub const ALICE: &str = "alice@peer.example";

/// A site of `lan.example` whose keyring has no private key, but the certificates
/// of correspondents; `services` says where the private keys are.
pub fn site(services: &str) -> Site {
    let site = Site::empty(&format!("{services}\n{POLICY}"));
    site.import(&[&pki("alice.pem"), &pki("bob.pem")]);
    site
}

/// A site whose program runs in an environment of its own.
pub fn site_with_environment(services: &str, environment: &[(&str, String)]) -> Site {
    let mut site = site(services);
    for (name, value) in environment {
        site.set(name, value);
    }
    site
}

/// A message of alice's for carol: encrypted, and signed outside.
pub fn from_alice() -> Vec<u8> {
    message(ALICE, CAROL, &sign("alice", &encrypt(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]), &[]))
}

/// A message of carol's for alice, as she sends it.
pub fn to_alice() -> Vec<u8> {
    message(CAROL, ALICE, TEXT)
}

/// Mail goes out signed and encrypted, comes in decrypted and verified, and does
/// not come in where it was altered: one message at a time by `wasmime process`, and
/// through `wasmime serve`.
#[track_caller]
pub fn send_receive_tamper(site: &Site) {
    let sent = site.outbound(CAROL, &[ALICE], &to_alice());
    is_protected(&sent.delivered().bytes);
    let received = from_alice();
    let arrived = site.inbound(ALICE, &[CAROL], &received);
    is_clear(&arrived.delivered().bytes);
    let altered = altered(&received);
    site.inbound(ALICE, &[CAROL], &altered).refused("550 5.7.7").without_key();

    let relay = Relay::of(site);
    is_protected(&relay.sends(CAROL, ALICE, &to_alice()).expect("a message that is taken"));
    is_clear(&relay.receives(ALICE, CAROL, &received).expect("a message that is taken"));
    let refused = relay.receives(ALICE, CAROL, &altered).expect_err("an altered message is taken");
    assert!(refused.starts_with("550 5.7.7"), "{refused}");
}

/// Alice alone can read it, and it is signed.
#[track_caller]
fn is_protected(wire: &[u8]) {
    assert!(!contains(wire, "The offer stands"), "clear text went out");
    let (layers, entity) = peel("alice", wire);
    assert!(layers.contains(&"detached") && layers.contains(&"enveloped"), "{layers:?}");
    assert_eq!(split(&entity).1, split(TEXT).1);
}

/// Carol reads it as it was written, and who signed it.
#[track_caller]
fn is_clear(arrived: &[u8]) {
    assert!(contains(arrived, "The offer stands until Friday."));
    assert!(field(arrived, "authentication-results").concat().contains("smime=pass"));
}

/// A message with one letter of its middle changed.
fn altered(message: &[u8]) -> Vec<u8> {
    let mut altered = message.to_vec();
    let at = altered.len() / 2;
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    altered
}

/// Whatever keeps the private keys away: mail waits, in both directions, and no
/// clear text goes out.
#[track_caller]
pub fn deferred(site: &Site, says: &str) {
    let sent = site.outbound(CAROL, &[ALICE], &to_alice());
    sent.refused("451 4.7.5");
    assert!(sent.mentions(says), "no event mentions {says:?}: {}", sent.json);
    assert!(!sent.text().contains(says), "the client is told {says:?}");
    site.inbound(ALICE, &[CAROL], &from_alice()).refused("451 4.7.5");
}

/// What `wasmime check` says of a site.
pub fn check(site: &Site) -> String {
    let output = run(site.wasmime().args(["check", "--config", "wasmime.toml"]), b"");
    String::from_utf8(output.stdout).expect("text")
}

/// A signature with the key of an identity: SHA-256 with RSA.
#[track_caller]
pub fn signature(identity: &host::Identity) -> Vec<u8> {
    // The DER of sha256WithRSAEncryption and id-sha256.
    let algorithm = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00";
    let digest = b"\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";
    identity.key.sign(algorithm, digest, b"a message").expect("a signature")
}
