//! OpenSSL at either end, for every algorithm and every nesting.

use super::{OUTBOUND, arrives, cms_of};
use crate::support::openssl::{Signing, encrypt, oaep, peel, sign, verify};
use crate::support::*;

const DIGESTS: [&str; 3] = ["sha256", "sha384", "sha512"];
const CBC: [&str; 3] = ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc"];
const GCM: [&str; 2] = ["aes-128-gcm", "aes-256-gcm"];

fn here(test: &str) -> bool {
    have(test, &["openssl"])
}

/// Every signature: padding, digest, detached or opaque, with and without
/// signed attributes, both identifiers of the signer, BER and DER.
#[test]
fn openssl_signs_and_we_deliver() {
    if !here("openssl_signs_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    for digest in DIGESTS {
        for padding in [&[][..], &["pss"]] {
            for form in [&[][..], &["-nodetach"]] {
                for extra in [&[][..], &["-noattr"], &["-keyid"], &["-stream"], &["-nosmimecap"], &["-cades"]] {
                    let options = [padding, form, extra].concat();
                    if options == ["pss", "-nodetach", "-stream"] {
                        // OpenSSL 3.0 cannot: "illegal zero content".
                        continue;
                    }
                    let signed = Signing { digest, options: &options, ..Signing::ALICE }.sign(TEXT);
                    arrives(&site, &signed, TEXT, "pass");
                }
            }
        }
    }
}

/// Keys of 3072 and 4096 bits, an intermediate authority in the message, a key
/// that signs with PSS alone.
#[test]
fn openssl_signs_with_other_keys_and_we_deliver() {
    if !here("openssl_signs_with_other_keys_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    let intermediate = pki("sub.pem");
    for (signer, options) in [("erin", &["-certfile", &intermediate][..]), ("frank", &[]), ("paula", &["pss"])] {
        let (from, to) = (format!("{signer}@peer.example"), "carol@lan.example");
        let outcome = site.inbound(&from, &[to], &message(&from, to, &sign(signer, MIXED, options)));
        assert_eq!(entity_of(&outcome.delivered().bytes), MIXED, "{signer}: {}", outcome.json);
    }
}

/// With two signers both must verify, and one of them be the author.
#[test]
fn openssl_signs_twice_and_we_deliver() {
    if !here("openssl_signs_twice_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    for signers in [["alice", "bob"], ["bob", "alice"]] {
        arrives(&site, &Signing { signers: &signers, ..Signing::ALICE }.sign(TEXT), TEXT, "pass");
    }
}

/// Every cipher with every key transport, to one and to several, by issuer and
/// serial or by key identifier, BER and DER.
#[test]
fn openssl_encrypts_and_we_deliver() {
    if !here("openssl_encrypts_and_we_deliver") {
        return;
    }
    let site = Site::with(TRUSTING);
    for cipher in CBC.iter().chain(&GCM) {
        let transports = [None, Some("sha1"), Some("sha256"), Some("sha384"), Some("sha512")];
        for transport in transports {
            let key = transport.map(oaep).unwrap_or_default();
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            for extra in [&[][..], &["-keyid"], &["-stream"]] {
                let options = [&key, extra].concat();
                for recipients in [&["carol"][..], &["bob", "dave", "carol"]] {
                    arrives(&site, &encrypt(recipients, MIXED, cipher, &options), MIXED, "none");
                }
            }
        }
    }
}

/// Every nesting, with ciphers that authenticate and such that do not.
#[test]
fn openssl_nests_and_we_deliver() {
    if !here("openssl_nests_and_we_deliver") {
        return;
    }
    let site = Site::with(STRICT);
    let trusting = Site::with(TRUSTING);
    for entity in [TEXT, MIXED] {
        for cipher in ["aes-256-cbc", "aes-256-gcm"] {
            for inner in [&[][..], &["-nodetach"]] {
                for outer in [&[][..], &["-nodetach", "-stream"]] {
                    let seal = |entity: &[u8]| encrypt(&["carol"], entity, cipher, &[]);
                    let signed = sign("alice", entity, inner);
                    arrives(&site, &sign("alice", &signed, outer), entity, "pass");
                    arrives(&site, &seal(&signed), entity, "pass");
                    arrives(&trusting, &seal(&seal(entity)), entity, "none");
                    arrives(&site, &seal(&seal(&signed)), entity, "pass");
                    // Signed from outside only: anyone may have signed it again.
                    arrives(&trusting, &sign("alice", &seal(entity), outer), entity, "policy");
                    arrives(&site, &sign("alice", &seal(&signed), outer), entity, "pass");
                }
            }
        }
    }
}

/// Every order and form of ours, for an unknown peer of either kind.
#[test]
fn we_write_and_openssl_reads() {
    if !here("we_write_and_openssl_reads") {
        return;
    }
    for unknown in ["compatible", "modern"] {
        for (policy, layers) in OUTBOUND {
            let site = Site::with(&format!("[tenant.lan.outbound]\nunknown-peer = {unknown:?}\n{policy}"));
            for entity in [TEXT, MIXED] {
                let (from, to) = ("carol@lan.example", "alice@peer.example");
                let original = message(from, to, entity);
                let outcome = site.outbound(from, &[to], &original);
                let (found, inner) = peel("alice", &outcome.delivered().bytes);
                assert_eq!(inner, entity, "{policy}");
                let sealed = if unknown == "modern" { "auth-enveloped" } else { "enveloped" };
                let expected = layers.iter().filter(|l| **l != "signed?" || unknown == "compatible").count();
                assert_eq!(found.len(), expected, "{found:?} under {policy}");
                assert_eq!(
                    found.contains(&sealed),
                    policy.contains("encrypt = \"required\""),
                    "{found:?} under {policy}"
                );
            }
        }
    }
}

/// Every recipient of a group opens the same ciphertext.
#[test]
fn we_write_to_several_and_each_reads() {
    if !here("we_write_to_several_and_each_reads") {
        return;
    }
    let site = Site::new();
    let (from, to) = ("carol@lan.example", "alice@peer.example, bob@peer.example, frank@peer.example");
    let recipients: Vec<&str> = to.split(", ").collect();
    let outcome = site.outbound(from, &recipients, &message(from, to, MIXED));
    let sent = &outcome.delivered().bytes;
    for reader in ["alice", "bob", "frank"] {
        assert_eq!(peel(reader, sent).1, MIXED, "{reader}");
    }
}

/// 8-bit text is made 7-bit before it is signed, so that no relay breaks it,
/// and reads as it did.
#[test]
fn we_write_eight_bit_and_openssl_reads() {
    if !here("we_write_eight_bit_and_openssl_reads") {
        return;
    }
    let entity = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n見積書です。\r\n";
    let site = Site::with("[tenant.lan.outbound]\nsign = \"required\"\nencrypt = \"never\"");
    let (from, to) = ("carol@lan.example", "alice@peer.example");
    let outcome = site.outbound(from, &[to], &message(from, to, entity.as_bytes()));
    let sent = &outcome.delivered().bytes;
    assert!(sent.is_ascii(), "{}", String::from_utf8_lossy(sent));
    let (layers, inner) = peel("alice", sent);
    assert_eq!(layers, ["detached"]);
    let encoding = field(&inner, "content-transfer-encoding").concat().to_ascii_lowercase();
    assert!(["base64", "quoted-printable"].contains(&encoding.as_str()), "{encoding}");
    if encoding == "base64" {
        assert_eq!(base64_decoded(split(&inner).1), "見積書です。\r\n".as_bytes());
    }
}

/// Keys of 3072 and 4096 bits open what is encrypted to them.
#[test]
fn openssl_encrypts_to_larger_keys_and_we_deliver() {
    if !here("openssl_encrypts_to_larger_keys_and_we_deliver") {
        return;
    }
    let site = Site::configured(
        "[tenant.lan]\ndomains = [\"peer.example\"]\nkeyring = \"lan.keyring\"\nanchors = []\n[tenant.lan.inbound]\n\
         accept-unauthenticated = true\nauthserv-id = \"mail.peer.example\"\n",
    );
    for name in ["erin", "frank"] {
        site.import(&[&pki(&format!("{name}.pem")), &pki(&format!("{name}.key"))]);
        for transport in [vec![], oaep("sha256"), oaep("sha512")] {
            let options: Vec<&str> = transport.iter().map(String::as_str).collect();
            for cipher in ["aes-256-cbc", "aes-256-gcm"] {
                let (from, to) = ("carol@lan.example", format!("{name}@peer.example"));
                let sealed = encrypt(&[name], MIXED, cipher, &options);
                let outcome = site.inbound(from, &[&to], &message(from, &to, &sealed));
                assert_eq!(entity_of(&outcome.delivered().bytes), MIXED, "{name}: {}", outcome.json);
            }
        }
    }
}

/// Triple DES is named, and no key is used.
#[test]
fn openssl_encrypts_with_triple_des_and_we_say_what_is_wrong() {
    if !here("openssl_encrypts_with_triple_des_and_we_say_what_is_wrong") {
        return;
    }
    let site = Site::with(TRUSTING);
    for entity in [TEXT.to_vec(), sign("alice", TEXT, &[])] {
        let sealed = encrypt(&["carol"], &entity, "des3", &[]);
        let outcome = site.inbound(
            "alice@peer.example",
            &["carol@lan.example"],
            &message("alice@peer.example", "carol@lan.example", &sealed),
        );
        outcome.refused("550 5.7.6").without_key();
        assert!(outcome.text().contains("des-ede3-cbc"), "{}", outcome.text());
    }
}

/// The issuers of a signer come along, and the anchor does not.
#[test]
fn we_send_the_issuers_and_openssl_needs_no_others() {
    if !here("we_send_the_issuers_and_openssl_needs_no_others") {
        return;
    }
    let site = Site::configured(&format!(
        "[tenant.lan]\ndomains = [\"peer.example\"]\nkeyring = \"lan.keyring\"\nanchors = [{:?}]\n\
         [tenant.lan.outbound]\nencrypt = \"never\"\n",
        pki("ca.pem")
    ));
    site.import(&[&pki("erin.pem"), &pki("erin.key"), &pki("sub.pem")]);
    let (from, to) = ("erin@peer.example", "carol@lan.example");
    let outcome = site.outbound(from, &[to], &message(from, to, MIXED));
    let sent = &outcome.delivered().bytes;
    assert_eq!(unwrapped(&verify(sent)), MIXED);
    let certificates = must("openssl", &["pkcs7", "-inform", "DER", "-print_certs", "-noout"], &cms_of(sent).1);
    let certificates = String::from_utf8_lossy(&certificates).into_owned();
    let subjects: Vec<&str> = certificates.lines().filter(|line| line.starts_with("subject")).collect();
    assert_eq!(subjects.len(), 2, "{certificates}");
    assert!(!subjects.iter().any(|subject| subject.contains("Test authority")), "{certificates}");
}
