//! Certificates of other projects, where they are at hand.

use std::path::{Path, PathBuf};

use smime::budget::Budget;
use smime::error::CertificateError;
use smime::x509::{Certificate, address, path, usage};

use crate::NOW;
use crate::foreign::corpora;

/// Reads a certificate in PEM or DER.
fn read(path: &Path) -> Result<Certificate, CertificateError> {
    let octets = std::fs::read(path).unwrap();
    let Some(begin) = find(&octets, b"-----BEGIN CERTIFICATE-----") else { return Certificate::from_der(&octets) };
    let body = &octets[begin + 27..];
    let body: Vec<u8> =
        body[..find(body, b"-----END").unwrap()].iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
    Certificate::from_der(&base64_simd::STANDARD.decode_to_vec(body).unwrap())
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|w| w == wanted)
}

#[test]
fn rfc_9216_certificates_validate_and_so_do_those_across() {
    let Some(folder) = corpora("rfc/rfc9216") else { return };
    let load = |name: &str| read(&folder.join(format!("{name}.crt"))).unwrap();
    let all = [
        "alice.encrypt",
        "alice.sign",
        "bob.encrypt",
        "bob.sign",
        "carlos.encrypt",
        "carlos.sign",
        "dana.encrypt",
        "dana.sign",
        "ca.25519",
        "ca.25519.cross",
        "ca.rsa",
        "ca.rsa.cross",
    ];
    let pool = all.map(load);
    for (name, address, authority, other) in [
        ("alice", "alice@smime.example", "ca.rsa", "ca.25519"),
        ("bob", "bob@smime.example", "ca.rsa", "ca.25519"),
        ("carlos", "carlos@smime.example", "ca.25519", "ca.rsa"),
        ("dana", "dana@smime.example", "ca.25519", "ca.rsa"),
    ] {
        let (sign, encrypt) = (load(&format!("{name}.sign")), load(&format!("{name}.encrypt")));
        assert_eq!((usage::may_sign(&sign), usage::may_encipher(&encrypt)), (Ok(()), Ok(())), "{name}");
        assert_eq!(usage::may_encipher(&sign), Err(CertificateError::Usage));
        for certificate in [sign, encrypt] {
            assert!(address::names(&certificate, address));
            let validate = |anchor: &str| {
                path::validate(&certificate, &pool, &[load(anchor)], NOW, &mut Budget::for_message(0))
                    .map(|path| path.issuers)
            };
            assert_eq!(validate(authority), Ok(vec![]), "{name}");
            // The other authority issued a certificate for this one.
            assert_eq!(validate(other), Ok(vec![load(&format!("{authority}.cross"))]), "{name}");
        }
    }
}

#[test]
fn every_foreign_certificate_parses() {
    let Some(folder) = corpora("") else { return };
    let mut found = Vec::new();
    collect(&folder, &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for path in found {
        let read = read(&path);
        assert!(read.is_ok(), "{}: {read:?}", path.display());
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "crt" || e == "cer") {
            found.push(path);
        }
    }
}

#[test]
fn t30_bouncy_castle_paths_with_old_algorithms_are_refused() {
    let Some(folder) = corpora("bc-java/mail/src/test/resources/org/bouncycastle/mail/smime/test") else { return };
    let load = |name: &str| read(&folder.join(format!("{name}.crt"))).unwrap();
    let pool = ["certpath_inter1", "certpath_inter2"].map(load);
    for name in ["certpath_end1", "certpath_end2"] {
        let end = load(name);
        // The first instant of its validity.
        let mut budget = Budget::for_message(0);
        let found = path::validate(&end, &pool, &[load("certpath_root")], end.not_before(), &mut budget);
        assert_eq!(found, Err(CertificateError::Algorithm), "{name}");
    }
    for name in ["validator.root", "validator.fakeRoot"] {
        assert!(load(name).is_self_issued(), "{name}");
    }
}
