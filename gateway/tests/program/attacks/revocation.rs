//! T30: a certificate that its authority took back.

use super::*;

/// A site that keeps a revocation list of `tests/pki`, under a policy.
fn keeping(list: &str, policy: &str) -> Site {
    let (anchor, list) = (pki("ca.pem"), pki(&format!("{list}.crl")));
    let site = Site::configured(&format!(
        "[tenant.lan]\ndomains = [\"lan.example\"]\nkeyring = \"lan.keyring\"\nanchors = [{anchor:?}]\n\
         revocation-lists = [{list:?}]\n{policy}\n"
    ));
    for name in ["carol", "dave"] {
        site.import(&[&pki(&format!("{name}.pem")), &pki(&format!("{name}.key"))]);
    }
    site.import(&[&pki("alice.pem")]);
    site
}

#[test]
fn t30_a_revoked_signer_is_refused() {
    if !here("t30_a_revoked_signer_is_refused") {
        return;
    }
    let signed = from_alice(&sign("alice", TEXT, &[]));
    let receive = |list: &str| keeping(list, STRICT).inbound(ALICE, &[CAROL], &signed);
    assert_eq!(receive("nobody").delivered().recipients, [CAROL]);
    let revoked = receive("alice-revoked");
    assert_eq!(revoked.reply(), "550 5.7.1", "{}", revoked.json);
    assert!(revoked.mentions("certificate-revoked"), "{}", revoked.json);
    // Lists are kept, and none of them is in force: it may be for a later attempt.
    let outdated = receive("outdated");
    assert_eq!(outdated.reply(), "451 4.7.5", "{}", outdated.json);
}

#[test]
fn t30_nothing_is_encrypted_to_a_revoked_certificate() {
    if !here("t30_nothing_is_encrypted_to_a_revoked_certificate") {
        return;
    }
    let send = |list: &str| keeping(list, "").outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT));
    assert!(!send("nobody").delivered().unchanged);
    assert_eq!(send("alice-revoked").reply(), "550 5.7.5");
    assert_eq!(send("outdated").reply(), "451 4.7.5");
}
