//! Keys in every form that OpenSSL writes.

use super::bench::{BOTH, Bench, openssl, pki};

const PASSWORD: &str = "correct horse battery";

fn bench() -> Bench {
    let bench = Bench::new(BOTH);
    bench.write("password", format!("{PASSWORD}\n").as_bytes());
    bench.write("key.pem", &std::fs::read(pki("alice.key")).unwrap());
    bench.write("cert.pem", &std::fs::read(pki("alice.pem")).unwrap());
    bench.write("ca.pem", &std::fs::read(pki("ca.pem")).unwrap());
    bench
}

/// Makes files with OpenSSL, imports them, and tells what was filed.
fn filed(bench: &Bench, made_by: &[&str], imported: &[&str]) -> Option<String> {
    for command in made_by {
        openssl(bench, command)?;
    }
    let arguments: Vec<&str> = ["--password-file", "password"].iter().chain(imported).copied().collect();
    Some(bench.keys("import", "nec", &arguments).good().text())
}

#[test]
fn private_keys_in_every_form_are_matched_to_their_certificate() {
    for (made_by, imported) in [
        ("rsa -traditional -in key.pem -out k", "k"),
        ("rsa -traditional -in key.pem -outform DER -out k", "k"),
        ("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out k", "k"),
        ("pkcs8 -topk8 -in key.pem -passout file:password -out k", "k"),
        ("pkcs8 -topk8 -in key.pem -passout file:password -outform DER -out k", "k"),
        ("pkcs8 -topk8 -v2 des3 -in key.pem -passout file:password -out k", "k"),
        ("pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -in key.pem -passout file:password -out k", "k"),
        ("pkcs8 -topk8 -scrypt -in key.pem -passout file:password -out k", "k"),
    ] {
        let bench = bench();
        let Some(filed) = filed(&bench, &[made_by], &[imported, "cert.pem"]) else { return };
        assert!(filed.contains("private key, RSA 2048"), "{made_by}: {filed}");
    }
}

#[test]
fn certificates_in_every_form_are_filed() {
    for made_by in [
        "x509 -in cert.pem -outform DER -out c",
        "crl2pkcs7 -nocrl -certfile cert.pem -certfile ca.pem -out c",
        "crl2pkcs7 -nocrl -certfile cert.pem -certfile ca.pem -outform DER -out c",
        "x509 -in cert.pem -text -out c",
    ] {
        let bench = bench();
        let Some(filed) = filed(&bench, &[made_by], &["c"]) else { return };
        assert!(filed.contains("public key, RSA 2048"), "{made_by}: {filed}");
        assert_eq!(filed.lines().count(), 1, "the authority is not filed: {filed}");
    }
}

#[test]
fn pkcs_12_of_today_and_of_old_is_read() {
    let export = "pkcs12 -export -in cert.pem -inkey key.pem -certfile ca.pem -passout file:password -out c";
    for options in [
        "",
        " -macalg sha1",
        " -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1",
        " -certpbe aes-128-cbc -keypbe aes-256-cbc -macalg sha512",
        // 40 bits of RC2 for the certificates, as before OpenSSL 3.
        " -legacy",
        " -name taro",
    ] {
        let bench = bench();
        let Some(filed) = filed(&bench, &[&format!("{export}{options}")], &["c"]) else { return };
        assert!(filed.contains("private key, RSA 2048"), "{options}: {filed}");
    }
}

#[test]
fn a_key_on_an_elliptic_curve_is_filed_and_used() {
    let bench = bench();
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -days 30 -subj /CN=x \
                   -addext subjectAltName=email:ec@nec.co.jp -addext basicConstraints=critical,CA:FALSE";
    let Some(filed) = filed(&bench, &[request], &["k", "c"]) else { return };
    assert!(filed.contains("ec@nec.co.jp: private key, P-256"), "{filed}");
    let Some(()) = openssl(&bench, "ec -in k -out sec1").map(drop) else { return };
    bench.keys("import", "abc", &["sec1", "c"]).good();
    assert_eq!(bench.keys("list", "nec", &["--json"]).good().json()[0]["usable"], true);
}

#[test]
fn a_key_that_is_too_short_is_refused_in_words() {
    let bench = bench();
    if openssl(&bench, "genrsa -out k 1024").is_some() {
        bench.keys("import", "nec", &["k"]).bad(1, "has 1024 bits, and 2048 are the least");
    }
}

#[test]
fn openssl_reads_what_is_exported() {
    let bench = bench();
    bench.keys("import", "nec", &["key.pem", "cert.pem"]).good();
    let address = bench.keys("list", "nec", &["--json"]).good().json()[0]["address"].as_str().unwrap().to_owned();
    let export = |format| {
        let with = ["--address", &address, "--private-key", "--password-file", "password", "--format", format];
        bench.keys("export", "nec", &[&with[..], &["--output", "e"]].concat()).good();
    };
    export("pkcs12");
    let Some(listed) = openssl(&bench, "pkcs12 -in e -passin file:password -noenc") else { return };
    let listed = String::from_utf8_lossy(&listed).into_owned();
    assert!(listed.contains("BEGIN PRIVATE KEY") && listed.contains("BEGIN CERTIFICATE"), "{listed}");
    export("pkcs8");
    let key = openssl(&bench, "pkey -in e -passin file:password").unwrap();
    assert_eq!(key, openssl(&bench, "pkey -in key.pem").unwrap());
}
