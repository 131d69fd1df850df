//! Private keys in a key management server.

use crate::kmip_server::KmipServer;
use crate::story::{ALICE, CAROL, from_alice, send_receive_tamper, site, to_alice};
use crate::support::openssl::{encrypt, peel, print, sign};
use crate::support::*;

#[test]
fn keys_in_a_key_management_server_serve_as_those_in_a_keyring() {
    let Some(server) = KmipServer::start("keys_in_a_key_management_server_serve_as_those_in_a_keyring") else { return };
    server.register_identity("carol", CAROL);
    let site = site(&server.services(""));
    send_receive_tamper(&site);
    // The sandbox asked for signatures, and the keyring has none of the keys.
    let kept = std::fs::read(site.path().join("lan.keyring")).expect("the keyring");
    let key = std::fs::read(server.key("carol")).expect("the key");
    assert!(find(&kept, &key[200..232]).is_none());
}

#[test]
fn the_server_signs_where_that_is_wanted() {
    let Some(server) = KmipServer::start("the_server_signs_where_that_is_wanted") else { return };
    server.register_identity("carol", CAROL);
    let site = site(&server.services("server-side-sign = true"));
    let sent = site.outbound(CAROL, &[ALICE], &to_alice());
    assert_eq!(peel("alice", &sent.delivered().bytes).0[0], "detached");
    // An inner signature and an outer one; it gave out a certificate, and no key.
    assert_eq!((server.count("Sign"), server.count("Get")), (2, 1));
    send_receive_tamper(&site);
}

#[test]
fn a_key_may_be_pkcs1_and_its_certificate_in_the_keyring() {
    let Some(server) = KmipServer::start("a_key_may_be_pkcs1_and_its_certificate_in_the_keyring") else { return };
    server.register(&[["key", CAROL, &server.pkcs1_key("carol"), "pkcs1"]]);
    let site = site(&server.services(""));
    site.import(&[&pki("carol.pem")]);
    send_receive_tamper(&site);
}

/// KMIP 1.2 has no word for their signatures: they are fetched, whoever is to sign.
#[test]
fn keys_on_curves_are_fetched() {
    let Some(server) = KmipServer::start("keys_on_curves_are_fetched") else { return };
    let users = [("judy", "judy@lan.example", "ec256"), ("karl", "karl@lan.example", "ec384")];
    for (name, address, kind) in users {
        let (key, certificate) = (server.key(name), server.certificate(name));
        server.register(&[["key", address, &key, kind], ["certificate", address, &certificate, "-"]]);
    }
    for more in ["", "server-side-sign = true"] {
        let site = site(&server.services(more));
        for (name, address, _) in users {
            let sent = site.outbound(address, &[ALICE], &message(address, ALICE, TEXT));
            assert!(print(&sent.delivered().bytes).contains("ecdsa-with-SHA"), "{name}");
            peel("alice", &sent.delivered().bytes);
            let sealed = encrypt(&[name], &sign("alice", TEXT, &[]), "aes-256-cbc", &[]);
            let arrived = site.inbound(ALICE, &[address], &message(ALICE, address, &sealed));
            assert!(contains(&arrived.delivered().bytes, "The offer stands until Friday."), "{name}");
        }
    }
    assert_eq!(server.count("Sign"), 0);
}

/// Rollover: the old key decrypts old mail, the new one signs; one that waits for
/// its day does nothing.
#[test]
fn the_state_of_a_key_says_what_it_does() {
    let Some(server) = KmipServer::start("the_state_of_a_key_says_what_it_does") else { return };
    let site = site(&server.services(""));
    let (key, certificate) = (server.key("carol"), server.certificate("carol"));
    server.register(&[["pre-active", CAROL, &key, "pkcs8"], ["certificate", CAROL, &certificate, "-"]]);
    site.outbound(CAROL, &[ALICE], &to_alice()).refused("550 5.7.5");
    server.register(&[["destroy", CAROL, "-", "-"]]);
    server.register(&[["deactivated", CAROL, &key, "pkcs8"], ["certificate", CAROL, &certificate, "-"]]);
    site.outbound(CAROL, &[ALICE], &to_alice()).refused("550 5.7.5");
    assert!(contains(&site.inbound(ALICE, &[CAROL], &from_alice()).delivered().bytes, "The offer stands"));
}

#[test]
fn two_keys_of_an_address_both_decrypt_and_one_signs() {
    let Some(server) = KmipServer::start("two_keys_of_an_address_both_decrypt_and_one_signs") else { return };
    server.register_identity("carol", CAROL);
    // A second pair for carol, from the authority that all trust.
    let second = server.path().join("second");
    second_identity(&second);
    let second = second.display().to_string();
    let (key, certificate) = (format!("{second}.p8"), format!("{second}.der"));
    server.register(&[["key", CAROL, &key, "pkcs8"], ["certificate", CAROL, &certificate, "-"]]);
    send_receive_tamper(&site(&server.services("")));
}

/// Makes `FILE.p8` and `FILE.der` for carol.
fn second_identity(file: &std::path::Path) {
    let file = file.display().to_string();
    let (key, request, configuration) = (format!("{file}.key"), format!("{file}.csr"), format!("{file}.cnf"));
    let extensions = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=emailProtection\n\
                      subjectAltName=email:carol@lan.example\n";
    std::fs::write(&configuration, extensions).expect("a file");
    let new = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", "/CN=c"];
    must("openssl", &new, b"");
    let (authority, authority_key) = (pki("ca.pem"), pki("ca.key"));
    let mut issue = vec!["x509", "-req", "-in", &request, "-CA", &authority, "-CAkey", &authority_key];
    let (p8, der) = (format!("{file}.p8"), format!("{file}.der"));
    issue.extend(["-set_serial", "7", "-extfile", &configuration, "-outform", "DER", "-out", &der, "-days", "300"]);
    must("openssl", &issue, b"");
    must("openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &p8], b"");
}

#[test]
fn a_second_server_stands_in_for_the_first() {
    let Some(server) = KmipServer::start("a_second_server_stands_in_for_the_first") else { return };
    server.register_identity("carol", CAROL);
    let nobody = crate::ports::free();
    let site = site(&server.services_at(&[nobody, server.port()], ""));
    let sent = site.outbound(CAROL, &[ALICE], &to_alice());
    assert_eq!(peel("alice", &sent.delivered().bytes).0[0], "detached");
}
