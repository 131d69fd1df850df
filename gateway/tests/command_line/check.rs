//! `wasmime check`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::bench::{BOTH, Bench, Done, pki};

fn check(bench: &Bench, at: &str) -> Done {
    bench.call(&["check", "--config", "wasmime.toml", "--at", at], b"")
}

#[track_caller]
fn wrong(done: &Done, says: &str) {
    assert!(done.text().contains(says), "{}\ndoes not say: {says}", done.text());
    assert_eq!(done.status, 1, "{}{}", done.text(), done.err);
}

fn pki_site(more: &str) -> Bench {
    let bench =
        Bench::new(&format!("[tenant.lan]\ndomains = [\"lan.example\"]\nanchors = [{:?}]\n{more}", pki("ca.pem")));
    bench.keys("import", "lan", &[&pki("carol.pem"), &pki("carol.key")]).good();
    bench.keys("import", "lan", &[&pki("alice.pem")]).good();
    bench
}

const NOV: &str = "2026-11-22T12:00:00Z";

#[test]
fn all_is_well_where_all_is_well() {
    let done = check(&pki_site(""), NOV);
    assert!(done.good().text().contains("lan: all is well"));
}

#[test]
fn a_keyring_that_is_missing_shut_or_open_to_all_is_told() {
    let bench = Bench::new(BOTH);
    wrong(&check(&bench, NOV), "there is no keyring");
    let bench = pki_site("");
    fs::set_permissions(bench.path("lan.keyring"), fs::Permissions::from_mode(0o644)).unwrap();
    wrong(&check(&bench, NOV), "chmod 600");
    fs::set_permissions(bench.path("lan.keyring"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(bench.path("lan.keyring.key"), fs::Permissions::from_mode(0o640)).unwrap();
    wrong(&check(&bench, NOV), "lan.keyring.key can be read or written by others");
    fs::remove_file(bench.path("lan.keyring.key")).unwrap();
    wrong(&check(&bench, NOV), "cannot be unlocked");
}

#[test]
fn keys_that_expire_are_told_a_month_before_and_afterwards() {
    let bench = Bench::new("[tenant.nec]\ndomains = [\"nec.co.jp\"]\n");
    bench.keys("generate", "nec", &["--address", "taro@nec.co.jp", "--algorithm", "rsa2048", "--days", "20"]).good();
    let now = bench.call(&["check", "--config", "wasmime.toml"], b"");
    wrong(&now, "the last key that taro@nec.co.jp signs with expires on");
    wrong(&check(&bench, "2040-01-01T00:00:00Z"), "taro@nec.co.jp decrypts with expired on");
    bench.keys("generate", "nec", &["--address", "taro@nec.co.jp", "--algorithm", "rsa2048"]).good();
    bench.call(&["check", "--config", "wasmime.toml"], b"").good();
}

#[test]
fn certificates_that_do_not_count_are_told() {
    let bench = pki_site("");
    bench.keys("import", "lan", &[&pki("alice-untrusted.pem"), "--address", "mallory@peer.example"]).good();
    wrong(&check(&bench, NOV), "mallory@peer.example: no public key on file counts: the certificate does not name");
    let bench = Bench::new("[tenant.lan]\ndomains = [\"lan.example\"]\n[tenant.lan.outbound]\nsign = \"never\"\n");
    bench.keys("import", "lan", &[&pki("alice.pem")]).good();
    wrong(&check(&bench, NOV), "has no path to a trust anchor, and is not pinned");
}

#[test]
fn what_the_configuration_names_in_vain_is_told() {
    let bench = pki_site("intermediates = [\"nothing.pem\"]\n");
    wrong(&check(&bench, NOV), "nothing.pem cannot be read");
    let bench = pki_site(&format!("intermediates = [{:?}]\n", pki("alice.pem")));
    wrong(&check(&bench, NOV), "is not the certificate of an authority");
    let bench = Bench::new("[tenant.lan]\ndomains = [\"elsewhere.example\"]\n");
    bench.keys("import", "lan", &[&pki("carol.pem"), &pki("carol.key")]).good();
    wrong(&check(&bench, NOV), "is of none of the tenant's domains");
}

#[test]
fn revocation_lists_are_told_before_they_end_and_afterwards() {
    let bench = pki_site(&format!("revocation-lists = [{:?}]\n", pki("nobody.crl")));
    assert!(!check(&bench, NOV).good().text().contains("revocation"));
    // In force until 2049-12-31T23:59:59Z, as are the certificates.
    let soon = check(&bench, "2049-12-30T12:00:00Z");
    assert!(soon.text().contains("note: the revocation list of CN=Test authority,O=Wasmime tests is in force until"));
    let bench = pki_site(&format!("revocation-lists = [{:?}]\n", pki("outdated.crl")));
    wrong(&check(&bench, NOV), "no revocation list of CN=Test authority,O=Wasmime tests is in force");
}

#[test]
fn nobody_to_sign_is_told() {
    let bench = Bench::new("[tenant.lan]\ndomains = [\"lan.example\"]\n");
    bench.keys("import", "lan", &["--pin", &pki("alice.pem")]).good();
    wrong(&check(&bench, NOV), "nobody has a private key");
}

#[test]
fn what_is_wrong_with_the_gateway_and_its_listeners_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let done = check(
        &pki_site(&format!(
            "limits = {{ messages = 64, message-size = \"50MiB\" }}\n[gateway]\nmemory = \"100MiB\"\n\
             audit = \"no/such/audit.jsonl\"\nstate = \"nowhere\"\n\
             [[listener]]\nname = \"milter\"\nprotocol = \"milter\"\naddress = \"{taken}\"\ndirection = \"by-client\"\n\
             [[listener]]\nname = \"socket\"\nprotocol = \"lmtp\"\naddress = \"unix:no/such.sock\"\n\
             direction = \"inbound\"\nnext-hop = \"lmtp+unix:nobody.sock\"\n"
        )),
        NOV,
    );
    for says in [
        "gateway: wrong: memory = \"100.0 MiB\" does not hold a message of 50.0 MiB, which tenant lan accepts",
        "gateway: wrong: the audit file ",
        "gateway: wrong: state: there is no folder ",
        &format!("listener milter: note: {taken} is in use"),
        "listener milter: note: there is no next-hop",
        "listener milter: note: nobody is `inside`",
        "no/such.sock cannot be opened",
        "nobody.sock cannot be reached",
        "lan: all is well",
    ] {
        wrong(&done, says);
    }
}
