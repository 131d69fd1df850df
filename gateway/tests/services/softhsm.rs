//! Private keys in a token that they do not leave.

use crate::softhsm_token::Token;
use crate::story::{ALICE, CAROL, check, deferred, from_alice, send_receive_tamper, site_with_environment, to_alice};
use crate::support::openssl::{encrypt, oaep, sign};
use crate::support::*;

#[test]
fn keys_in_a_token_serve_as_those_in_a_keyring() {
    let Some(token) = Token::make("keys_in_a_token_serve_as_those_in_a_keyring") else { return };
    token.import("carol", CAROL);
    send_receive_tamper(&site_with_environment(&token.services(""), &token.environment()));
}

/// The certificate has the address; the key only its CKA_ID.
#[test]
fn a_key_is_found_by_its_certificate() {
    let Some(token) = Token::make("a_key_is_found_by_its_certificate") else { return };
    token.import_key("carol", "key of 2026", "0A0B");
    token.import_certificate("carol", CAROL, "0A0B");
    token.import_key("dave", "another key", "0C");
    send_receive_tamper(&site_with_environment(&token.services(""), &token.environment()));
}

#[test]
fn the_certificate_of_a_key_may_be_in_the_keyring() {
    let Some(token) = Token::make("the_certificate_of_a_key_may_be_in_the_keyring") else { return };
    token.import_key("carol", CAROL, "01");
    let site = site_with_environment(&token.services(""), &token.environment());
    site.import(&[&pki("carol.pem")]);
    send_receive_tamper(&site);
}

/// Key transport of every kind, most of which SoftHSM itself does not know.
#[test]
fn every_padding_is_taken_off() {
    let Some(token) = Token::make("every_padding_is_taken_off") else { return };
    token.import("carol", CAROL);
    let site = site_with_environment(&token.services(""), &token.environment());
    let mut paddings: Vec<Vec<String>> = vec![Vec::new()];
    paddings.extend(["sha1", "sha256", "sha384", "sha512"].map(oaep));
    for padding in paddings {
        let options: Vec<&str> = padding.iter().map(String::as_str).collect();
        let sealed = encrypt(&["carol"], &sign("alice", TEXT, &[]), "aes-256-cbc", &options);
        let arrived = site.inbound(ALICE, &[CAROL], &message(ALICE, CAROL, &sealed));
        assert!(contains(&arrived.delivered().bytes, "The offer stands"), "{options:?}");
    }
}

#[test]
fn a_wrong_pin_is_offered_once_and_mail_waits() {
    let Some(token) = Token::make("a_wrong_pin_is_offered_once_and_mail_waits") else { return };
    token.import("carol", CAROL);
    let site = site_with_environment(&token.services(""), &token.environment());
    token.write_pin("9999");
    deferred(&site, "does not take the PIN");
    assert!(check(&site).contains("wrong: the token `smime` does not take the PIN"), "{}", check(&site));
    token.write_pin("1234\n");
    send_receive_tamper(&site);
}

#[test]
fn a_token_or_module_that_is_not_there_defers_mail() {
    let Some(token) = Token::make("a_token_or_module_that_is_not_there_defers_mail") else { return };
    let other = token.services("").replace("\"smime\"", "\"other\"");
    deferred(&site_with_environment(&other, &token.environment()), "no token is called `other`");
    let module = token.services("").replace("libsofthsm2.so", "nothing.so");
    deferred(&site_with_environment(&module, &token.environment()), "cannot be used");
}

#[test]
fn a_key_that_is_absent_or_of_another_address_is_no_key() {
    let Some(token) = Token::make("a_key_that_is_absent_or_of_another_address_is_no_key") else { return };
    let site = site_with_environment(&token.services(""), &token.environment());
    site.outbound(CAROL, &[ALICE], &to_alice()).refused("550 5.7.5");
    // Dave's key and certificate, filed for carol.
    token.import("dave", CAROL);
    let refused = site.outbound(CAROL, &[ALICE], &to_alice());
    refused.refused("550 5.7.5");
    assert!(refused.mentions("of another address"), "{}", refused.json);
    site.inbound(ALICE, &[CAROL], &from_alice()).without_key();
}
