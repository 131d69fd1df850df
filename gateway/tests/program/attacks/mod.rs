//! Attacks, replayed against the real program. Tests are named after the attack.
//!
//! alice and bob write from `peer.example`; carol and dave live at
//! `lan.example`; mallory has a valid certificate of her own.

mod der;
mod fetching;
mod identity;
mod integrity;
mod oracles;
mod outbound;
mod parsers;
mod results;
mod revocation;

use crate::support::openssl::{encrypt, sign};
use crate::support::*;

const ALICE: &str = "alice@peer.example";
const CAROL: &str = "carol@lan.example";
const DAVE: &str = "dave@lan.example";
const MALLORY: &str = "mallory@evil.example";

fn here(test: &str) -> bool {
    have(test, &["openssl"])
}

/// alice to carol, as she sent it.
fn from_alice(protected: &[u8]) -> Vec<u8> {
    message(ALICE, CAROL, protected)
}

/// Sends `message` from alice to carol.
fn to_carol(site: &Site, message: &[u8]) -> Outcome {
    site.inbound(ALICE, &[CAROL], message)
}

fn site_mallory(site: &Site, protected: &[u8]) -> Outcome {
    site.inbound(MALLORY, &[CAROL], &message(MALLORY, CAROL, protected))
}

/// What carol gets, of whatever was let through.
fn got(outcome: &Outcome) -> &[u8] {
    &outcome.delivered().bytes
}

/// `smime=` results that stand in our name, in order.
fn results(message: &[u8]) -> Vec<String> {
    field(message, "authentication-results")
        .iter()
        .filter(|value| value.starts_with("mail.lan.example"))
        .flat_map(|value| value.match_indices("smime=").map(|(at, _)| value[at + 6..].to_owned()).collect::<Vec<_>>())
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_owned())
        .collect()
}

/// The three shapes of mail that is signed and encrypted, alice to carol.
fn shapes(entity: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    let signed = sign("alice", entity, &[]);
    let sealed = |entity: &[u8], cipher| encrypt(&["carol"], entity, cipher, &[]);
    [
        ("encrypt-then-sign", sign("alice", &sealed(entity, "aes-256-gcm"), &[])),
        ("sign-then-encrypt", sealed(&signed, "aes-256-cbc")),
        ("triple-wrap", sign("alice", &sealed(&signed, "aes-256-cbc"), &[])),
    ]
}
