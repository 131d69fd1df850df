//! Private keys on elliptic curves, in a token that they do not leave.

use crate::softhsm_token::Token;
use crate::story::{ALICE, check, site_with_environment};
use crate::support::openssl::{encrypt, peel, print, sign};
use crate::support::*;

/// Our users on P-256 and P-384, and how OpenSSL names the signatures of their keys.
const USERS: [(&str, &str, &str); 2] =
    [("judy", "judy@lan.example", "ecdsa-with-SHA256"), ("karl", "karl@lan.example", "ecdsa-with-SHA384")];

/// The same story as with RSA: out signed and encrypted, in decrypted and verified,
/// and not in where it was altered.
#[test]
fn keys_on_curves_sign_and_decrypt_in_their_token() {
    let Some(token) = Token::make("keys_on_curves_sign_and_decrypt_in_their_token") else { return };
    for ((name, address, _), id) in USERS.into_iter().zip(["0A", "0B"]) {
        token.import_curve(name, address, id);
    }
    let site = site_with_environment(&token.services(""), &token.environment());
    for (name, address, algorithm) in USERS {
        let sent = site.outbound(address, &[ALICE], &message(address, ALICE, TEXT));
        let wire = &sent.delivered().bytes;
        let (layers, entity) = peel("alice", wire);
        assert!(layers.contains(&"detached") && layers.contains(&"enveloped"), "{layers:?}");
        assert!(print(wire).contains(algorithm), "{}", print(wire));
        assert_eq!(split(&entity).1, split(TEXT).1);

        let signed = sign("alice", TEXT, &[]);
        for options in [&[][..], &["-keyid"], &["ecdh_kdf_md:sha256"], &["ecdh_kdf_md:sha384"]] {
            let sealed = encrypt(&[name], &signed, "aes-256-cbc", options);
            let received = message(ALICE, address, &sign("alice", &sealed, &[]));
            let arrived = site.inbound(ALICE, &[address], &received);
            assert!(contains(&arrived.delivered().bytes, "The offer stands until Friday."), "{name} {options:?}");

            let mut altered = received;
            let at = altered.len() / 2;
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            site.inbound(ALICE, &[address], &altered).refused("550 5.7.7").without_key();
        }
    }
    assert!(!check(&site).contains("of the token"), "{}", check(&site));
}

/// Ed25519 signs and nothing can be encrypted to it.
#[test]
fn a_key_of_ed25519_signs_in_its_token() {
    let test = "a_key_of_ed25519_signs_in_its_token";
    let Some(token) = Token::make(test) else { return };
    let path = |file: &str| token.path().join(file).display().to_string();
    let (key, request, certificate, der) = (path("ed.key"), path("ed.csr"), path("ed.pem"), path("ed.der"));
    must("openssl", &["genpkey", "-algorithm", "ED25519", "-out", &key], b"");
    must("openssl", &["req", "-new", "-key", &key, "-subj", "/CN=lea", "-out", &request], b"");
    let extensions = "keyUsage=critical,digitalSignature\nsubjectAltName=email:lea@lan.example\n";
    std::fs::write(path("ed.cnf"), extensions).expect("a file");
    let (authority, authority_key) = (pki("ca.pem"), pki("ca.key"));
    let mut issue = vec!["x509", "-req", "-in", &request, "-CA", &authority, "-CAkey", &authority_key];
    let extensions = path("ed.cnf");
    issue.extend(["-set_serial", "7", "-days", "300", "-extfile", &extensions, "-out", &certificate]);
    must("openssl", &issue, b"");
    must("openssl", &["x509", "-in", &certificate, "-outform", "DER", "-out", &der], b"");
    token.import_file(&key, "lea@lan.example", "05");
    token.write_object("cert", &der, "lea@lan.example", "05", &[]);

    let site = site_with_environment(&token.services(""), &token.environment());
    let sent = site.outbound("lea@lan.example", &[ALICE], &message("lea@lan.example", ALICE, TEXT));
    let wire = &sent.delivered().bytes;
    assert!(print(wire).contains("ED25519"), "{}", print(wire));

    // OpenSSL 3.0 does not verify Ed25519 in CMS; another gateway does.
    let peer = Site::configured(&format!(
        "[tenant.lan]\ndomains = [\"peer.example\"]\nkeyring = \"peer.keyring\"\nanchors = [{authority:?}]\n{STRICT}"
    ));
    peer.import(&[&pki("alice.pem"), &pki("alice.key")]);
    let arrived = peer.inbound("lea@lan.example", &[ALICE], wire);
    assert!(field(&arrived.delivered().bytes, "authentication-results").concat().contains("smime=pass"));
}

/// A key that its token does not let agree, as `softhsm2-util --import` makes them,
/// signs all the same; one on a curve that is not used is as good as none, and mail
/// does not wait for it.
#[test]
fn what_a_key_cannot_do_is_told_and_keeps_no_mail() {
    let Some(token) = Token::make("what_a_key_cannot_do_is_told_and_keeps_no_mail") else { return };
    let (_, judy, _) = USERS[0];
    token.import("judy", judy);
    token.generate("EC:secp256k1", "carol@lan.example", "07");
    let site = site_with_environment(&token.services(""), &token.environment());
    peel("alice", &site.outbound(judy, &[ALICE], &message(judy, ALICE, TEXT)).delivered().bytes);
    let told = check(&site);
    assert!(told.contains("(judy@lan.example): it signs alone: CKA_DECRYPT, or CKA_DERIVE on a curve"), "{told}");
    assert!(told.contains("(carol@lan.example): it is on none of the curves"), "{told}");

    let refused = site.outbound("carol@lan.example", &[ALICE], &message("carol@lan.example", ALICE, TEXT));
    refused.refused("550 5.7.5");
    assert!(refused.mentions("private-key-unused") && refused.mentions("none of the curves"), "{}", refused.json);
}
