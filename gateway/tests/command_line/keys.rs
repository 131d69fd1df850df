//! `wasmime keys`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::bench::{BOTH, Bench, openssl, pki};

const TARO: &str = "taro@nec.co.jp";

fn generate(bench: &Bench, address: &str) {
    bench.keys("generate", "nec", &["--address", address, "--algorithm", "rsa2048"]).good();
}

fn fingerprints(bench: &Bench, kind: &str) -> Vec<String> {
    let json = bench.keys("list", "nec", &["--json"]).good().json();
    let rows = json.as_array().unwrap().iter().filter(|row| row["kind"] == kind);
    rows.map(|row| row["fingerprint"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn list_prints_figs_5_and_6() {
    let bench = Bench::new(BOTH);
    let made = bench.keys("generate", "nec", &["--address", TARO, "--algorithm", "rsa2048"]).good();
    assert!(made.err.contains("made the keyring") && made.err.contains("nec.keyring.key"), "{}", made.err);
    let table = bench.keys("list", "nec", &[]).good().text();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ADDRESS"));
    assert!(lines[1].starts_with("taro@nec.co.jp  private  RSA 2048  ") && lines[1].contains("generated"), "{table}");
    assert!(lines[2].starts_with("taro@nec.co.jp  public   RSA 2048  ") && lines[2].ends_with("pinned"), "{table}");
    let json = bench.keys("list", "nec", &["--json"]).good().json();
    for key in [
        "address",
        "kind",
        "algorithm",
        "fingerprint",
        "not-before",
        "not-after",
        "source",
        "pinned",
        "retired",
        "usable",
    ] {
        assert!(!json[0][key].is_null(), "{key}");
    }
    let shown = bench.keys("show", "nec", &["--address", TARO]).good().text();
    assert!(
        shown.contains("subject       CN=taro@nec.co.jp") && shown.contains("names         taro@nec.co.jp"),
        "{shown}"
    );
    bench.keys("list", "abc", &[]).bad(1, "there is no keyring");
    bench.keys("list", "xyz", &[]).bad(64, "has no tenant `xyz`");
    bench.call(&["keys", "list", "--config", "wasmime.toml"], b"").bad(64, "say which with --tenant: abc, nec");
}

#[test]
fn the_only_tenant_need_not_be_named() {
    let bench = Bench::new("[tenant.nec]\ndomains = [\"nec.co.jp\"]\n");
    bench
        .call(&["keys", "generate", "--config", "wasmime.toml", "--address", TARO, "--algorithm", "rsa2048"], b"")
        .good();
    bench.call(&["keys", "list", "--config", "wasmime.toml"], b"").good();
}

#[test]
fn an_export_is_a_certificate_unless_a_private_key_is_asked_for() {
    let bench = Bench::new(BOTH);
    generate(&bench, TARO);
    let certificate = bench.keys("export", "nec", &["--address", TARO]).good().text();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----\n") && !certificate.contains("PRIVATE"));
    bench.write("password", b"correct horse battery\n");
    for (format, name) in [("pkcs12", "taro.p12"), ("pkcs8", "taro.pem")] {
        let with =
            ["--address", TARO, "--private-key", "--password-file", "password", "--format", format, "--output", name];
        bench.keys("export", "nec", &with).good();
        assert_eq!(fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o777, 0o600);
        bench.keys("import", "abc", &[name]).bad(1, "give --password-file");
        bench.write("wrong", b"not the password\n");
        bench.keys("import", "abc", &["--password-file", "wrong", name]).bad(1, "the password is wrong");
        let filed = bench.keys("import", "abc", &["--password-file", "password", name]).good();
        assert!(filed.text().contains("private key, RSA 2048"), "{}", filed.text());
    }
    bench.write("short", b"short\n");
    bench
        .keys("export", "nec", &["--address", TARO, "--private-key", "--password-file", "short"])
        .bad(1, "12 characters");
    bench.write("empty", b"\n");
    bench
        .keys("export", "nec", &["--address", TARO, "--private-key", "--password-file", "empty"])
        .bad(1, "no password");
    bench.keys("export", "nec", &["--address", "nobody@nec.co.jp"]).bad(1, "no key is filed for nobody@nec.co.jp");
}

#[test]
fn which_of_several_keys_is_meant_must_be_said() {
    let bench = Bench::new(BOTH);
    generate(&bench, TARO);
    generate(&bench, TARO);
    let all = fingerprints(&bench, "public");
    bench.keys("pin", "nec", &["--address", TARO]).bad(1, "say which with --fingerprint");
    bench.keys("pin", "nec", &["--address", TARO, "--fingerprint", "zz"]).bad(64, "8 to 64 hexadecimal digits");
    bench.keys("pin", "nec", &["--address", TARO, "--fingerprint", "0123456789"]).bad(1, "begins with 0123456789");
    let prefix = all[1][..12].to_uppercase();
    let done = bench.keys("pin", "nec", &["--address", TARO, "--fingerprint", &prefix, "--undo"]).good();
    assert!(done.text().contains("no longer pinned"));
    let listed = bench.keys("list", "nec", &["--json"]).good().json();
    let pinned = listed.as_array().unwrap().iter().filter(|row| row["pinned"] == true).count();
    assert_eq!(pinned, 1);
}

#[test]
fn a_private_key_is_not_removed_by_the_way() {
    let bench = Bench::new(BOTH);
    generate(&bench, TARO);
    bench.keys("remove", "nec", &["--address", TARO]).bad(1, "`wasmime keys retire`");
    bench.keys("remove", "nec", &["--address", TARO, "--private-key"]).good();
    assert_eq!(bench.keys("list", "nec", &["--json"]).good().json(), serde_json::json!([]));
    bench.keys("remove", "nec", &["--address", TARO]).bad(1, "no key is filed");
}

#[test]
fn a_certificate_goes_under_the_addresses_it_names_or_the_one_given() {
    let bench = Bench::new(BOTH);
    let filed = bench.keys("import", "nec", &[&pki("alice.pem")]).good().text();
    assert!(filed.starts_with("alice@"), "{filed}");
    let filed = bench.keys("import", "nec", &["--address", "Info@PEER.example", &pki("alice.pem")]).good().text();
    assert!(
        filed.contains("Info@peer.example: public key") && filed.contains("counts only if it is pinned"),
        "{filed}"
    );
    bench.keys("import", "nec", &["--address", "nobody", &pki("alice.pem")]).bad(1, "is not a mail address");
    bench.keys("import", "nec", &[&pki("ca.pem")]).bad(1, "certificates of authorities only");
    bench.keys("import", "nec", &[&pki("common-name.pem")]).bad(1, "names no mail address");
    bench.keys("import", "nec", &["nothing.pem"]).bad(1, "nothing.pem cannot be read");
    bench.keys("generate", "nec", &["--address", "no address"]).bad(1, "is not a mail address");
}

#[test]
fn key_and_certificate_come_from_two_files_in_any_order() {
    let bench = Bench::new(BOTH);
    bench.keys("import", "nec", &[&pki("alice.key")]).bad(1, "no certificate belongs to this private key");
    let filed = bench.keys("import", "nec", &[&pki("alice.key"), &pki("alice.pem")]).good().text();
    assert!(filed.contains("private key") && filed.contains("public key"), "{filed}");
    bench.keys("import", "abc", &[&pki("alice.key"), &pki("bob.pem")]).bad(1, "no certificate belongs");
}

#[test]
fn what_is_no_key_is_refused_in_words() {
    let bench = Bench::new(BOTH);
    for (content, says) in [
        ("", "is empty"),
        ("hello", "is none of PEM"),
        ("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", "not a sound certificate"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nQUJD\n-----END RSA PRIVATE KEY-----\n",
            "openssl pkcs8 -topk8",
        ),
    ] {
        bench.write("file", content.as_bytes());
        bench.keys("import", "nec", &["file"]).bad(1, says);
    }
}

#[test]
fn a_passphrase_seals_a_keyring_that_finds_one() {
    let bench = Bench::new(BOTH);
    bench.write("nec.keyring.passphrase", b"correct horse battery\n");
    fs::set_permissions(bench.path("nec.keyring.passphrase"), fs::Permissions::from_mode(0o644)).unwrap();
    bench.keys("generate", "nec", &["--address", TARO]).bad(1, "chmod 600");
    fs::set_permissions(bench.path("nec.keyring.passphrase"), fs::Permissions::from_mode(0o600)).unwrap();
    generate(&bench, TARO);
    assert!(!bench.path("nec.keyring.key").exists());
    bench.write("nec.keyring.passphrase", b"another one, sorry\n");
    bench.keys("list", "nec", &[]).bad(1, "does not unlock");
}

#[test]
fn a_retired_key_can_be_brought_back() {
    let bench = Bench::new(BOTH);
    generate(&bench, TARO);
    let done = bench.keys("retire", "nec", &["--address", TARO]).good();
    assert!(done.text().contains("serves for what is old only"), "{}", done.text());
    let listed = bench.keys("list", "nec", &["--json"]).good().json();
    assert!(listed.as_array().unwrap().iter().all(|row| row["retired"] == true), "{listed}");
    bench.keys("retire", "nec", &["--address", TARO, "--undo"]).good();
    let listed = bench.keys("list", "nec", &["--json"]).good().json();
    assert!(listed.as_array().unwrap().iter().all(|row| row["retired"] == false), "{listed}");
    bench.keys("retire", "nec", &["--address", "nobody@nec.co.jp"]).bad(1, "no key is filed");
}

#[test]
fn a_certificate_is_requested_for_a_key_that_stays() {
    let bench = Bench::new(BOTH);
    let made = bench.keys("request", "nec", &["--address", TARO, "--algorithm", "ec-p256"]).good();
    assert!(made.text().starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"), "{}", made.text());
    assert!(made.err.contains("`wasmime keys import` the certificate that comes"), "{}", made.err);
    assert!(bench.keys("list", "nec", &[]).good().text().contains("waits for its certificate"));
    let listed = bench.keys("list", "nec", &["--json"]).good().json();
    assert_eq!(listed[0]["usable"], false);
    let fingerprint = listed[0]["fingerprint"].as_str().unwrap();
    let again = ["--address", TARO, "--fingerprint", fingerprint, "--output", "taro.csr"];
    bench.keys("request", "nec", &again).good();
    assert!(bench.read("taro.csr").starts_with(b"-----BEGIN CERTIFICATE REQUEST-----\n"));
    if let Some(checked) = openssl(&bench, "req -in taro.csr -verify -noout -text") {
        let text = String::from_utf8_lossy(&checked).into_owned();
        assert!(text.contains("email:taro@nec.co.jp") && text.contains("E-mail Protection"), "{text}");
    }
    bench.keys("request", "nec", &["--address", TARO, "--fingerprint", "0123456789"]).bad(1, "begins with 0123456789");
}

#[test]
fn the_secret_of_a_keyring_is_replaced() {
    let bench = Bench::new(BOTH);
    generate(&bench, TARO);
    let old = bench.read("nec.keyring.key");
    let done = bench.keys("rotate", "nec", &[]).good().text();
    assert!(done.contains("is sealed by") && done.contains("back that up"), "{done}");
    assert_ne!(bench.read("nec.keyring.key"), old);
    bench.write("new", b"too short\n");
    bench.keys("rotate", "nec", &["--passphrase-file", "new"]).bad(1, "too short");
    bench.write("new", b"correct horse battery\n");
    let done = bench.keys("rotate", "nec", &["--passphrase-file", "new"]).good().text();
    assert!(done.contains("nec.keyring.passphrase") && done.contains("unlocks backups from before"), "{done}");
    fs::remove_file(bench.path("nec.keyring.key")).unwrap();
    let exported = ["--address", TARO, "--private-key", "--password-file", "new", "--output", "taro.p12"];
    bench.keys("export", "nec", &exported).good();
}
