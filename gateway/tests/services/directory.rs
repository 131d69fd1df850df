//! Correspondents' certificates in a directory.

use crate::slapd::Slapd;
use crate::story::{ALICE, CAROL, send_receive_tamper, to_alice};
use crate::support::*;

/// A site of `lan.example` whose keyring has the private keys of its users and no
/// certificate of anybody else; `services` says where those are.
pub fn site(services: &str) -> Site {
    let site = Site::empty(&format!("{services}\n{POLICY}"));
    site.import(&[&pki("carol.pem"), &pki("carol.key")]);
    site
}

#[test]
fn certificates_in_a_directory_serve_as_those_in_a_keyring() {
    let Some(slapd) = Slapd::start("certificates_in_a_directory_serve_as_those_in_a_keyring") else { return };
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["alice"]);
    send_receive_tamper(&site(&slapd.services("")));
    let start_tls = format!("ldap://127.0.0.1:{}", slapd.port());
    send_receive_tamper(&site(&slapd.services_at(&[&start_tls], "")));
}

#[test]
fn every_attribute_that_clients_use_is_read() {
    let Some(slapd) = Slapd::start("every_attribute_that_clients_use_is_read") else { return };
    slapd.add_person("Bob", "bob@peer.example", "userSMIMECertificate", &["bob"]);
    let chain = ["-certfile", &pki("mallory.pem"), "-certfile", &pki("ca.pem")];
    let bundle = must("openssl", &[&["crl2pkcs7", "-nocrl", "-outform", "DER"][..], &chain].concat(), b"");
    slapd.add_person_with("Mallory", "mallory@evil.example", "userSMIMECertificate", &bundle);
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["alice"]);
    let site = site(&slapd.services(""));
    for address in ["bob@peer.example", "mallory@evil.example", ALICE] {
        let (name, _) = address.split_once('@').expect("an address");
        let sent = site.outbound(CAROL, &[address], &message(CAROL, address, TEXT));
        let (layers, _) = openssl::peel(name, &sent.delivered().bytes);
        assert!(layers.contains(&"enveloped"), "{name}: {layers:?}");
    }
}

/// RFC 2798, section 2.8: a bundle is signed by its owner, over what the owner's
/// client reads.
#[test]
fn what_a_client_reads_is_believed_if_its_owner_signed_it() {
    let Some(slapd) = Slapd::start("what_a_client_reads_is_believed_if_its_owner_signed_it") else { return };
    let site = site(&slapd.services("cache-entries = 0"));
    let sign = |digest: &str| {
        let (certificate, key) = (pki("alice.pem"), pki("alice.key"));
        let args =
            ["cms", "-sign", "-binary", "-md", digest, "-outform", "DER", "-signer", &certificate, "-inkey", &key];
        must("openssl", &args, b"")
    };
    let sent = |name: &str, bundle: &[u8]| {
        slapd.add_person_with(name, ALICE, "userSMIMECertificate", bundle);
        let sent = site.outbound(CAROL, &[ALICE], &to_alice());
        sent.delivered();
        slapd.remove(name);
        sent
    };
    let signed = sign("sha256");
    assert!(sent("Alice", &signed).mentions("\"capabilities\""), "a signature that verifies");
    let mut altered = signed;
    // The last octet is one of the signature.
    *altered.last_mut().expect("a signature") ^= 1;
    let altered = sent("Alice", &altered);
    assert!(altered.mentions("unknown-peer") && !altered.mentions("\"capabilities\""), "{}", altered.json);
}

#[test]
fn the_certificate_of_another_address_serves_nobody() {
    let Some(slapd) = Slapd::start("the_certificate_of_another_address_serves_nobody") else { return };
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["mallory"]);
    let site = site(&slapd.services(""));
    let sent = site.outbound(CAROL, &[ALICE], &to_alice());
    sent.refused("550 5.7.5");
    assert!(sent.mentions("certificate-passed-over") && sent.mentions("another-address"), "{}", sent.json);
}

#[test]
fn a_directory_is_no_authority() {
    let Some(slapd) = Slapd::start("a_directory_is_no_authority") else { return };
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["alice-untrusted", "alice-expired"]);
    let sent = site(&slapd.services("")).outbound(CAROL, &[ALICE], &to_alice());
    sent.refused("550 5.7.5");
    assert!(sent.mentions("certificate-no-path") && sent.mentions("certificate-expired"), "{}", sent.json);
}

#[test]
fn nobody_is_found_by_an_address_that_is_a_filter() {
    let Some(slapd) = Slapd::start("nobody_is_found_by_an_address_that_is_a_filter") else { return };
    slapd.add_person("Alice", ALICE, "userCertificate;binary", &["alice"]);
    let site = site(&slapd.services(""));
    for hostile in ["*@peer.example", "\"*)(mail=*\"@peer.example", "\"x)(|(cn=*\"@peer.example", "\\2a@peer.example"] {
        let sent = site.outbound(CAROL, &[hostile], &to_alice());
        assert!(sent.reply() == "550 5.7.5" && !sent.mentions("passed-over"), "{hostile}: {}", sent.json);
    }
}

#[test]
fn the_keyring_goes_first_where_it_is_named_first() {
    let Some(slapd) = Slapd::start("the_keyring_goes_first_where_it_is_named_first") else { return };
    let services = slapd.services("timeout = \"1s\"");
    let site = site(&services.replace("[\"directory\"]", "[\"keyring\", \"directory\"]"));
    site.import(&[&pki("alice.pem")]);
    slapd.daemon().signal(rustix::process::Signal::STOP);
    // What the keyring knows needs no directory; what it does not waits for it.
    send_receive_tamper(&site);
    let sent = site.outbound(CAROL, &["bob@peer.example"], &message(CAROL, "bob@peer.example", TEXT));
    sent.refused("451 4.7.5");
    slapd.daemon().signal(rustix::process::Signal::CONT);
}
