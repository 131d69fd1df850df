//! Other implementations at either end: what they make we deliver clear, what
//! we make they verify and decrypt, and the innermost entity stays as it was.

mod bouncy_castle;
mod curves;
mod gnutls;
mod gpgsm;
mod nss;
mod openssl;

use std::path::Path;

use crate::support::*;

/// A program that signs, encrypts, verifies and decrypts whole entities, with
/// the keys of alice (`peer.example`) and the certificates of everybody.
trait Peer {
    /// A signed entity around `entity`, by alice.
    fn sign(&self, entity: &[u8], form: Form) -> Vec<u8>;
    /// An encrypted entity around `entity`, for the owners of certificates in `tests/pki`.
    fn encrypt(&self, recipients: &[&str], entity: &[u8]) -> Vec<u8>;
    /// The content of an entity signed by `signer`, or why it does not accept the signature.
    fn verify(&self, entity: &[u8], signer: &str) -> Result<Vec<u8>, String>;
    /// The content of an entity encrypted to alice.
    fn decrypt(&self, entity: &[u8]) -> Vec<u8>;
    /// Whether it reads AES-GCM and RSAES-OAEP.
    fn is_modern(&self) -> bool;
}

/// The form of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Detached,
    Opaque,
}

/// The four jobs of a peer, each checked by OpenSSL: what fails below is then
/// not between the two of them.
fn peer_and_openssl(peer: &dyn Peer) {
    for entity in [TEXT, MIXED] {
        for form in [Form::Detached, Form::Opaque] {
            let signed = peer.sign(entity, form);
            assert_eq!(crate::support::openssl::verify(&signed), entity, "{form:?}");
            let options: &[&str] = if form == Form::Opaque { &["-nodetach"] } else { &[] };
            let signed = crate::support::openssl::sign("bob", entity, options);
            assert_eq!(peer.verify(&signed, "bob").as_deref(), Ok(entity), "{form:?}");
        }
        // What it says about our messages below is worth something only if it can say no.
        let mut altered = crate::support::openssl::sign("bob", entity, &[]);
        let at = find(&altered, b"offer").expect("the word");
        altered[at] ^= 1;
        assert!(peer.verify(&altered, "bob").is_err());

        let encrypted = peer.encrypt(&["carol", "dave"], entity);
        for recipient in ["carol", "dave"] {
            assert_eq!(crate::support::openssl::decrypt(recipient, &encrypted), entity);
        }
        let encrypted = crate::support::openssl::encrypt(&["alice"], entity, "aes-256-cbc", &[]);
        assert_eq!(peer.decrypt(&encrypted), entity);
    }
}

/// alice writes to carol: every nesting is delivered clear, and the entity is
/// the one she wrote, bit for bit.
fn peer_writes(peer: &dyn Peer) {
    let site = Site::new();
    let trusting = Site::with(TRUSTING);
    for entity in [TEXT, MIXED] {
        for form in [Form::Detached, Form::Opaque] {
            arrives(&site, &peer.sign(entity, form), entity, "pass");
            let encrypted = peer.encrypt(&["carol"], entity);
            let signed_inside = peer.encrypt(&["carol"], &peer.sign(entity, form));
            arrives(&site, &signed_inside, entity, "pass");
            // Signed from outside only: anyone may have signed it again.
            arrives(&trusting, &peer.sign(&encrypted, form), entity, "policy");
            arrives(&site, &peer.sign(&signed_inside, form), entity, "pass");
            arrives(&trusting, &encrypted, entity, "none");
        }
    }
}

/// Sends `protected` from alice to carol: delivered clear, with `smime=result`.
#[track_caller]
fn arrives(site: &Site, protected: &[u8], entity: &[u8], result: &str) {
    arrives_from(site, "alice", "carol", protected, entity, result);
}

/// Sends `protected` from someone at the peer to someone here: delivered clear,
/// with `smime=result`.
#[track_caller]
fn arrives_from(site: &Site, from: &str, to: &str, protected: &[u8], entity: &[u8], result: &str) {
    let (from, to) = (&format!("{from}@peer.example"), &format!("{to}@lan.example"));
    let outcome = site.inbound(from, &[to], &message(from, to, protected));
    let delivered = outcome.delivered();
    let shown = String::from_utf8_lossy(&delivered.bytes);
    assert_eq!(entity_of(&delivered.bytes), entity, "{}\n{shown}", outcome.json);
    assert_eq!(field(&delivered.bytes, "subject"), ["The offer"]);
    let results = field(&delivered.bytes, "authentication-results").join("\n");
    let expected = format!("smime={result}");
    assert!(results.contains(&expected) || (result == "none" && results.is_empty()), "{results}\n{}", outcome.json);
}

/// carol writes to alice under every order and form: the peer takes the layers
/// off, one by one, and finds what she wrote.
fn peer_reads(peer: &dyn Peer) {
    let modern: &[&str] = if peer.is_modern() { &["compatible", "modern"] } else { &["compatible"] };
    for unknown in modern {
        for (policy, layers) in OUTBOUND {
            let site = Site::with(&format!("[tenant.lan.outbound]\nunknown-peer = {unknown:?}\n{policy}"));
            for entity in [TEXT, MIXED] {
                let (from, to) = ("carol@lan.example", "alice@peer.example");
                let outcome = site.outbound(from, &[to], &message(from, to, entity));
                let sent = &outcome.delivered().bytes;
                let (found, inner) = peel(peer, sent);
                assert_eq!(inner, entity, "{policy}");
                assert_eq!(found, expected_layers(layers, unknown), "{policy}, {unknown}");
                assert_eq!(field(sent, "from"), [from]);
                assert_eq!(field(sent, "subject"), ["The offer"]);
            }
        }
    }
}

/// Users inside with keys on curves, and what signs with each: P-256, P-384, Ed25519.
const ON_CURVES: [&str; 3] = ["judy", "karl", "mona"];

/// What we make of `entity` for bob: a signature by one of [`ON_CURVES`] alone.
fn we_sign(signer: &str, entity: &[u8], form: Form) -> Vec<u8> {
    let form = if form == Form::Detached { "detached" } else { "opaque" };
    let site = Site::with(&format!("[tenant.lan.outbound]\nencrypt = \"never\"\nform = {form:?}"));
    site.import(&[&pki(&format!("{signer}.pem")), &pki(&format!("{signer}.key"))]);
    let (from, to) = (&format!("{signer}@lan.example"), "bob@peer.example");
    let outcome = site.outbound(from, &[to], &message(from, to, entity));
    outcome.delivered().bytes.clone()
}

/// Imports a PKCS #12 file with alice's key, at her own end, and opens what
/// was encrypted to her.
fn imported_opens(file: &Path, password: &str) {
    let site = Site::configured(
        "[tenant.lan]\ndomains = [\"peer.example\"]\nkeyring = \"lan.keyring\"\nanchors = []\n\
         [tenant.lan.inbound]\naccept-unauthenticated = true\nauthserv-id = \"mail.peer.example\"\n",
    );
    let (from, to) = ("carol@lan.example", "alice@peer.example");
    site.import_p12_for(to, file, password);
    let encrypted = crate::support::openssl::encrypt(&["alice"], MIXED, "aes-256-cbc", &[]);
    let outcome = site.inbound(from, &[to], &message(from, to, &encrypted));
    assert_eq!(entity_of(&outcome.delivered().bytes), MIXED, "{}", outcome.json);
}

/// Policies, and the layers that they make from outside in.
pub const OUTBOUND: [(&str, &[&str]); 7] = [
    ("sign = \"required\"\nencrypt = \"never\"", &["detached"]),
    ("sign = \"required\"\nencrypt = \"never\"\nform = \"opaque\"", &["opaque"]),
    ("sign = \"never\"\nencrypt = \"required\"", &["enveloped"]),
    ("sign = \"required\"\nencrypt = \"required\"\norder = \"encrypt-then-sign\"", &["signed", "enveloped", "signed?"]),
    ("sign = \"required\"\nencrypt = \"required\"\norder = \"sign-then-encrypt\"", &["enveloped", "signed"]),
    ("sign = \"required\"\nencrypt = \"required\"\norder = \"triple-wrap\"", &["signed", "enveloped", "signed"]),
    (
        "sign = \"required\"\nencrypt = \"required\"\norder = \"triple-wrap\"\nform = \"opaque\"",
        &["signed", "enveloped", "signed"],
    ),
];

/// `signed?` is the inner signature that CBC gets under encrypt-then-sign.
fn expected_layers(layers: &[&'static str], unknown: &str) -> Vec<&'static str> {
    layers
        .iter()
        .filter(|layer| **layer != "signed?" || unknown == "compatible")
        .map(|layer| match *layer {
            "enveloped" => "encrypted",
            _ => "signed",
        })
        .collect()
}

/// Takes the protection off with `peer`; its layers from outside in.
fn peel(peer: &dyn Peer, message: &[u8]) -> (Vec<&'static str>, Vec<u8>) {
    let mut entity = message.to_vec();
    let mut layers = Vec::new();
    loop {
        let content_type = field(&entity, "content-type").concat().to_ascii_lowercase();
        if content_type.starts_with("multipart/signed") || content_type.contains("smime-type=signed-data") {
            layers.push("signed");
            entity = peer.verify(&entity, "carol").expect("a signature that it accepts");
        } else if content_type.contains("enveloped-data") {
            layers.push("encrypted");
            entity = peer.decrypt(&entity);
        } else {
            return (layers, unwrapped(&entity));
        }
    }
}

/// The content of a `multipart/signed` entity and its detached signature, or
/// nothing and the CMS structure of an `application/pkcs7-mime` entity.
fn cms_of(entity: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
    let content_type = field(entity, "content-type").concat();
    let (_, body) = split(entity);
    if !content_type.to_ascii_lowercase().starts_with("multipart/signed") {
        return (None, base64_decoded(body));
    }
    let boundary = content_type.split("boundary=").nth(1).and_then(|b| b.trim_matches('"').split(['"', ';']).next());
    let delimiter = format!("--{}", boundary.expect("a boundary"));
    let first = find(body, delimiter.as_bytes()).expect("the first part") + delimiter.len() + 2;
    let delimiter = format!("\r\n{delimiter}");
    let second = first + find(&body[first..], delimiter.as_bytes()).expect("the second part");
    let signature = &body[second + delimiter.len() + 2..];
    let end = find(signature, delimiter.as_bytes()).expect("the last delimiter");
    let (_, signature) = split(&signature[..end]);
    (Some(body[first..second].to_vec()), base64_decoded(signature))
}
