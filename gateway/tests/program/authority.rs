//! The built-in authority: what it issues, in the eyes of others.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;

const CAROL: &str = "carol@lan.example";
const ALICE: &str = "alice@peer.example";

/// Our tenant, whose users get certificates as they send, and their authority's list
/// at hand.
fn ours(more: &str) -> Site {
    let site = Site::empty(&format!(
        "[tenant.lan.authority]\nrevocation-list = \"lan.crl\"\non-demand = true\n{more}\n{POLICY}"
    ));
    site.import(&[&pki("alice.pem")]);
    site
}

/// Calls `wasmime keys`; what it prints.
#[track_caller]
fn keys(site: &Site, args: &[&str]) -> String {
    let output = run(site.wasmime().arg("keys").args(args).args(["--config", "wasmime.toml"]), b"");
    assert!(output.status.success(), "keys {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Calls `wasmime keys`, which must fail; what it says.
#[track_caller]
fn refused(site: &Site, args: &[&str]) -> String {
    let output = run(site.wasmime().arg("keys").args(args).args(["--config", "wasmime.toml"]), b"");
    assert_eq!(output.status.code(), Some(1), "keys {args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

/// What OpenSSL makes of a certificate that was issued with its chain beside it, with
/// `more` options.
fn openssl_verifies(site: &Site, certificate: &str, more: &[&str]) -> Result<(), String> {
    let path = |name: &str| site.path().join(name).display().to_string();
    let (root, certificate) = (path("root.pem"), path(certificate));
    let mut args = vec!["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &certificate];
    args.extend(more);
    args.push(&certificate);
    attempt("openssl", &args, b"").map(drop)
}

#[test]
fn openssl_verifies_what_is_issued() {
    if !have("openssl_verifies_what_is_issued", &["openssl"]) {
        return;
    }
    for (authority, algorithm) in [("rsa3072", "rsa3072"), ("ec-p384", "ec-p256"), ("rsa2048", "ed25519")] {
        let site = ours(&format!("authority-algorithm = {authority:?}\nalgorithm = {algorithm:?}"));
        let told = keys(&site, &["issue", "--address", CAROL, "--output", "carol.pem"]);
        assert!(told.contains("made the tenant's authority"), "{told}");
        keys(&site, &["root", "--output", "root.pem"]);
        keys(&site, &["crl"]);
        let list = site.path().join("lan.crl").display().to_string();
        for more in [&["-purpose", "smimesign"][..], &["-crl_check_all", "-CRLfile", &list], &["-verify_email", CAROL]]
        {
            openssl_verifies(&site, "carol.pem", more).unwrap_or_else(|e| panic!("{authority} {algorithm}: {e}"));
        }
        let enciphers = openssl_verifies(&site, "carol.pem", &["-purpose", "smimeencrypt"]);
        // OpenSSL asks for keyEncipherment, which is not for curves (RFC 5480, section 3).
        assert_eq!(enciphers.is_ok(), algorithm.starts_with("rsa"), "{enciphers:?}");

        let path = |name: &str| site.path().join(name).display().to_string();
        let text = must("openssl", &["x509", "-in", &path("root.pem"), "-noout", "-text"], b"");
        let text = String::from_utf8(text).expect("text");
        for stands in
            ["CA:TRUE, pathlen:1", "Name Constraints: critical", "email:lan.example", "Certificate Sign, CRL Sign"]
        {
            assert!(text.contains(stands), "no {stands}: {text}");
        }
        let list = must("openssl", &["crl", "-in", &path("lan.crl"), "-noout", "-text"], b"");
        let list = String::from_utf8(list).expect("text");
        for stands in ["X509v3 CRL Number", "X509v3 Authority Key Identifier", "Next Update", "No Revoked Certificates"]
        {
            assert!(list.contains(stands), "no {stands}: {list}");
        }
    }
}

#[test]
fn nss_takes_what_is_issued_until_it_has_the_list() {
    if !have("nss_takes_what_is_issued_until_it_has_the_list", &["openssl", "certutil", "crlutil"]) {
        return;
    }
    let site = ours("");
    keys(&site, &["issue", "--address", CAROL, "--output", "chain.pem"]);
    keys(&site, &["root", "--output", "root.pem"]);
    let path = |name: &str| site.path().join(name).display().to_string();
    let chain = fs::read_to_string(path("chain.pem")).expect("certificates");
    let (carol, issuing) = chain.split_at(chain[1..].find("-----BEGIN").expect("two of them") + 1);
    fs::write(path("carol.pem"), carol).expect("a file");
    fs::write(path("issuing.pem"), issuing).expect("a file");
    fs::create_dir(path("nss")).expect("a folder");
    let database = format!("sql:{}", path("nss"));
    must("certutil", &["-N", "-d", &database, "--empty-password"], b"");
    for (name, trust) in [("root", ",C,"), ("issuing", ",,"), ("carol", ",,")] {
        let file = path(&format!("{name}.pem"));
        must("certutil", &["-A", "-d", &database, "-n", name, "-t", trust, "-a", "-i", &file], b"");
    }
    let verify = |usage: &str| attempt("certutil", &["-V", "-d", &database, "-u", usage, "-n", "carol"], b"");
    verify("S").expect("she signs");
    verify("R").expect("she is written to");
    keys(&site, &["revoke", CAROL]);
    keys(&site, &["crl", "--format", "der", "--output", "lan.der"]);
    must("crlutil", &["-I", "-d", &database, "-i", &path("lan.der"), "-t", "1"], b"");
    assert!(verify("S").is_err(), "a revoked certificate is taken");
}

/// GnuPG 2.2 knows no name constraints, and has to be told to go on without.
#[test]
fn gpgsm_takes_what_is_issued_for_good() {
    if !have("gpgsm_takes_what_is_issued_for_good", &["openssl", "gpgsm"]) {
        return;
    }
    let site = ours("");
    keys(&site, &["issue", "--address", CAROL, "--output", "carol.pem"]);
    keys(&site, &["root", "--output", "root.pem"]);
    let path = |name: &str| site.path().join(name).display().to_string();
    let home = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").expect("a temporary folder");
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("permissions");
    let printed = must("openssl", &["x509", "-in", &path("root.pem"), "-noout", "-fingerprint", "-sha1"], b"");
    let printed = String::from_utf8(printed).expect("text");
    let fingerprint = printed.trim().split('=').nth(1).expect("a fingerprint");
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).expect("a file");
    write("gpgsm.conf", "batch\ndisable-crl-checks\ndisable-dirmngr\nignore-cert-extension 2.5.29.30\n");
    write("trustlist.txt", &format!("{fingerprint} S\n"));
    let folder = home.path().display().to_string();
    must("gpgsm", &["--homedir", &folder, "--import", &path("root.pem"), &path("carol.pem")], b"");
    let said = must("gpgsm", &["--homedir", &folder, "--with-validation", "--list-keys", CAROL], b"");
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("[certificate is good]"), "{said}");
}

/// A partner trusts the root, and no more: mail of ours counts there, until it is
/// revoked and the partner has the list.
#[test]
fn who_trusts_the_root_verifies_mail_until_it_is_revoked() {
    let test = "who_trusts_the_root_verifies_mail_until_it_is_revoked";
    if !have(test, &["openssl"]) {
        return;
    }
    let site = ours("");
    let sent = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT));
    assert!(sent.mentions("certificate-issued"), "{}", sent.json);
    let wire = &sent.delivered().bytes;
    assert!(!site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT)).mentions("certificate-issued"));
    // Her certificate and that of its issuer come along, and the root does not.
    let along = site.path().join("along.pem").display().to_string();
    must("openssl", &["cms", "-verify", "-noverify", "-inform", "SMIME", "-certsout", &along], wire);
    let along = fs::read_to_string(along).expect("certificates");
    assert_eq!(along.matches("BEGIN CERTIFICATE").count(), 2, "{along}");
    keys(&site, &["root", "--output", "root.pem"]);
    keys(&site, &["crl"]);

    let partner = Site::configured(&format!(
        "[tenant.lan]\ndomains = [\"peer.example\"]\nkeyring = \"peer.keyring\"\nanchors = [\"root.pem\"]\n\
         revocation-lists = [\"*.crl\"]\n{STRICT}"
    ));
    let brought = |file: &str| fs::copy(site.path().join(file), partner.path().join(file)).expect("a copy");
    partner.import(&[&pki("alice.pem"), &pki("alice.key")]);
    fs::copy(pki("ca.pem"), partner.path().join("root.pem")).expect("a copy");
    partner.inbound(CAROL, &[ALICE], wire).refused("550 5.7.1");
    brought("root.pem");
    brought("lan.crl");
    let arrived = partner.inbound(CAROL, &[ALICE], wire);
    assert!(field(&arrived.delivered().bytes, "authentication-results").concat().contains("smime=pass"));

    let told = keys(&site, &["revoke", CAROL, "--reason", "key-compromise"]);
    assert!(told.contains("carol@lan.example: ") && told.contains("revoked, and retired"), "{told}");
    partner.inbound(CAROL, &[ALICE], wire).delivered();
    brought("lan.crl");
    partner.inbound(CAROL, &[ALICE], wire).refused("550 5.7.1");
    // Nor is she issued another by sending.
    let refusal = site.outbound(CAROL, &[ALICE], &message(CAROL, ALICE, TEXT));
    refusal.refused("550 5.7.5");
    assert!(refused(&site, &["revoke", CAROL]).contains("nothing in force"));
}

#[test]
fn openssl_hears_of_a_revocation_by_the_list() {
    if !have("openssl_hears_of_a_revocation_by_the_list", &["openssl"]) {
        return;
    }
    let site = ours("algorithm = \"ec-p256\"");
    keys(&site, &["issue", "--address", CAROL, "--output", "carol.pem"]);
    keys(&site, &["issue", "--address", "dave@lan.example", "--output", "dave.pem"]);
    keys(&site, &["root", "--output", "root.pem"]);
    keys(&site, &["revoke", CAROL, "--reason", "affiliation-changed"]);
    let list = site.path().join("lan.crl").display().to_string();
    let checked = ["-crl_check_all", "-CRLfile", &list];
    let said = openssl_verifies(&site, "carol.pem", &checked).unwrap_err();
    assert!(said.contains("certificate revoked"), "{said}");
    openssl_verifies(&site, "dave.pem", &checked).expect("dave's is in force");
    let text = String::from_utf8(must("openssl", &["crl", "-in", &list, "-noout", "-text"], b"")).expect("text");
    assert!(text.contains("Affiliation Changed"), "{text}");

    // Each list has a number of its own, and DER is for those who want that.
    keys(&site, &["crl", "--format", "der", "--output", "lan.der"]);
    let der = site.path().join("lan.der").display().to_string();
    let number = |args: &[&str]| {
        let text = must("openssl", &[&["crl", "-noout", "-crlnumber"][..], args].concat(), b"");
        String::from_utf8(text).expect("text").trim().to_owned()
    };
    assert_ne!(number(&["-in", &list]), number(&["-inform", "DER", "-in", &der]));
}

#[test]
fn a_key_made_elsewhere_is_certified_by_request() {
    if !have("a_key_made_elsewhere_is_certified_by_request", &["openssl"]) {
        return;
    }
    let site = ours("");
    let path = |name: &str| site.path().join(name).display().to_string();
    let request = |name: &str, algorithm: &[&str]| {
        let (key, csr) = (path(&format!("{name}.key")), path(&format!("{name}.csr")));
        let new =
            ["req", "-new", "-nodes", "-keyout", &key, "-out", &csr, "-subj", "/CN=whoever/O=Elsewhere", "-newkey"];
        must("openssl", &[&new[..], algorithm].concat(), b"");
    };
    request("dave", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    keys(&site, &["issue", "--address", "dave@lan.example", "--request", "dave.csr", "--output", "dave.pem"]);
    keys(&site, &["root", "--output", "root.pem"]);
    openssl_verifies(&site, "dave.pem", &["-purpose", "smimesign"]).expect("a path");
    let text = must("openssl", &["x509", "-in", &path("dave.pem"), "-noout", "-text"], b"");
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains("Key Agreement") && text.contains("email:dave@lan.example"), "{text}");
    assert!(!text.contains("whoever"), "what the request says of its owner is believed: {text}");

    request("weak", &["rsa:1024"]);
    let said = refused(&site, &["issue", "--address", "dave@lan.example", "--request", "weak.csr"]);
    assert!(said.contains("the request is"), "{said}");
    // Somebody else's key, which the bearer does not have.
    let mut stolen = must("openssl", &["req", "-in", &path("dave.csr"), "-outform", "DER"], b"");
    let last = stolen.len() - 1;
    stolen[last] ^= 1;
    fs::write(path("stolen.csr"), stolen).expect("a file");
    let said = refused(&site, &["issue", "--address", "dave@lan.example", "--request", "stolen.csr"]);
    assert!(said.contains("not signed by the key"), "{said}");
    let said = refused(&site, &["issue", "--address", "dave@elsewhere.example", "--request", "dave.csr"]);
    assert!(said.contains("none of the tenant's `domains`"), "{said}");
}

/// As a timer does it.
#[test]
fn what_expires_soon_is_renewed_and_the_list_with_it() {
    let site = ours("algorithm = \"ec-p256\"");
    keys(&site, &["renew"]);
    keys(&site, &["issue", "--address", CAROL, "--days", "20"]);
    keys(&site, &["issue", "--address", "dave@lan.example"]);
    let told = keys(&site, &["renew", "--within", "30d"]);
    assert!(told.contains("carol@lan.example: private key, P-256") && !told.contains("dave"), "{told}");
    assert!(site.path().join("lan.crl").exists());
    let listed = keys(&site, &["list", "--address", CAROL, "--json"]);
    assert_eq!(listed.matches("\"retired\": true").count(), 2, "{listed}");
    assert_eq!(listed.matches("\"source\": \"issued\"").count(), 4, "{listed}");
    assert_eq!(keys(&site, &["renew", "--within", "30d"]), "");
}

#[test]
fn a_check_says_what_keeps_the_authority_from_its_work() {
    let site = ours("algorithm = \"ec-p256\"");
    let check = |args: &[&str]| {
        let output = run(site.wasmime().args(["check", "--config", "wasmime.toml"]).args(args), b"");
        String::from_utf8(output.stdout).expect("text")
    };
    keys(&site, &["issue", "--address", CAROL]);
    assert!(check(&[]).contains("there is no revocation list"), "{}", check(&[]));
    keys(&site, &["renew"]);
    let sound = check(&[]);
    assert!(!sound.contains("revocation list") && !sound.contains("root"), "{sound}");
    let later = check(&["--at", "2046-01-01T00:00:00Z"]);
    assert!(later.contains("is no longer in force") && later.contains("own root expires on"), "{later}");
    let path = site.path().join("wasmime.toml");
    let text = fs::read_to_string(&path).expect("the configuration");
    fs::write(&path, text.replace("\"lan.example\"]", "\"lan.example\", \"new.example\"]")).expect("the configuration");
    assert!(check(&[]).contains("before it had the domain new.example"), "{}", check(&[]));
}

/// What stands in the keyring's file of an authority's key is sealed.
#[test]
fn an_authoritys_key_is_nowhere_in_the_keyrings_file() {
    let site = ours("authority-algorithm = \"rsa2048\"");
    keys(&site, &["issue", "--address", CAROL]);
    let file = fs::read(site.path().join("lan.keyring")).expect("the keyring");
    // The version and the algorithm that a PKCS #8 of RSA begins with.
    let begins = b"\x02\x01\x00\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00";
    assert!(!file.windows(begins.len()).any(|window| window == begins));
}
