//! Certificate policies (T30; RFC 5280, section 6.1).

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::{Certificate, path};

use crate::NOW;

fn certificate(name: &str) -> Certificate {
    let path = format!("{}/tests/vectors/policies/{name}.cer", env!("CARGO_MANIFEST_DIR"));
    let encoded = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    Certificate::from_der(&encoded).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn validate(leaf: &str, pool: &[&str], anchor: &str) -> Result<usize, CertificateError> {
    let pool: Vec<Certificate> = pool.iter().map(|name| certificate(name)).collect();
    let found = path::validate(&certificate(leaf), &pool, &[certificate(anchor)], NOW, &mut Budget::for_message(0));
    found.map(|path| path.issuers.len())
}

/// Which of the four certificates of an authority have a path.
fn valid(authority: &str, pool: &[&str]) -> Vec<&'static str> {
    let is_valid = |policy: &&str| match validate(&format!("{authority}-{policy}"), pool, "root") {
        Ok(_) => true,
        Err(CertificateError::Policies) => false,
        Err(other) => panic!("{authority} {policy}: {other:?}"),
    };
    ["gold", "silver", "any", "none"].into_iter().filter(is_valid).collect()
}

#[test]
fn t30_where_no_policy_is_required_any_will_do() {
    assert_eq!(valid("free", &["free"]), ["gold", "silver", "any", "none"]);
    assert_eq!(validate("strange-qualifier", &["free"], "root"), Ok(1));
}

#[test]
fn t30_where_one_is_required_it_is_one_that_the_authorities_stand_by() {
    assert_eq!(valid("required", &["required"]), ["gold", "any"]);
    assert_eq!(valid("required-later", &["required-later"]), ["gold", "any"]);
    assert_eq!(valid("required-below", &["required-below"]), ["gold", "silver", "any", "none"]);
    assert_eq!(validate("self-required", &["free"], "root"), Err(CertificateError::Policies));
}

#[test]
fn t30_policies_are_mapped_where_that_is_allowed() {
    assert_eq!(valid("mapped", &["mapped"]), ["silver", "any"]);
    assert_eq!(valid("mapped-below", &["no-mapping", "mapped-below"]), [""; 0]);
    assert_eq!(valid("any-mapped", &["any-mapped"]), ["gold", "silver", "any", "none"]);
    assert_eq!(valid("maps-any", &["maps-any"]), [""; 0]);
}

#[test]
fn t30_any_policy_counts_unless_it_is_inhibited() {
    assert_eq!(valid("no-any", &["no-any"]), ["gold"]);
    // The authority may still use it for itself.
    assert_eq!(valid("no-any-new", &["no-any-below", "no-any-new"]), ["gold", "silver"]);
}

#[test]
fn t30_an_anchor_is_held_to_its_constraints_and_not_to_its_policies() {
    for (leaf, expected) in [("gold", true), ("silver", true), ("any", true), ("none", false)] {
        let found = validate(&format!("required-{leaf}"), &[], "required");
        assert_eq!(found, if expected { Ok(0) } else { Err(CertificateError::Policies) }, "{leaf}");
    }
    assert_eq!(validate("no-any-any", &[], "no-any"), Err(CertificateError::Policies));
}

#[test]
fn t30_another_path_serves_where_policies_bar_one() {
    for pool in [["twice", "twice-bare"], ["twice-bare", "twice"]] {
        assert_eq!(valid("twice", &pool), ["gold", "any"]);
    }
    assert_eq!(valid("twice", &["twice-bare"]), [""; 0]);
}

/// The authorities that are needed below the root, by the authority of a leaf.
const CHAINS: [(&str, &[&str]); 10] = [
    ("free", &["free"]),
    ("required", &["required"]),
    ("required-later", &["required-later"]),
    ("required-below", &["required-below"]),
    ("mapped", &["mapped"]),
    ("mapped-below", &["no-mapping", "mapped-below"]),
    ("any-mapped", &["any-mapped"]),
    ("maps-any", &["maps-any"]),
    ("no-any", &["no-any"]),
    ("no-any-new", &["no-any-below", "no-any-new"]),
];

#[test]
fn t43_openssl_judges_policies_alike() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies");
    std::fs::create_dir_all(&folder).unwrap();
    let pem = |names: &[&str], file: &str| {
        let one = |name: &&str| {
            let base64 = base64_simd::STANDARD.encode_to_string(certificate(name).encoded());
            let lines: Vec<&str> =
                base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        let path = folder.join(file);
        std::fs::write(&path, names.iter().map(one).collect::<String>()).unwrap();
        path
    };
    let root = pem(&["root"], "root.pem");
    for (authority, pool) in CHAINS {
        let untrusted = pem(pool, "untrusted.pem");
        for policy in ["gold", "silver", "any", "none"] {
            let leaf = pem(&[&format!("{authority}-{policy}")], "leaf.pem");
            let mut command = std::process::Command::new("openssl");
            command
                .args(["verify", "-policy_check", "-policy", "2.5.29.32.0", "-attime", &NOW.to_string(), "-CAfile"])
                .arg(&root);
            let Ok(judged) = command.arg("-untrusted").arg(&untrusted).arg(&leaf).output() else {
                // Past the capture of the test runner.
                let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no openssl here\n");
                return;
            };
            assert_eq!(judged.status.success(), valid(authority, pool).contains(&policy), "{authority} {policy}");
        }
    }
}
