//! A certificate is requested, and comes.

use der::Decode;
use x509_cert::request::{CertReq, ExtensionReq};

use super::*;

/// The certificate that some authority issues for a key of ours: here by another key.
fn issued(keyring: &Keyring, key_id: &[u8; 32], address: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let key = |name: &str, octets: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, octets).unwrap();
        path
    };
    let own = key("own.p8", &keyring.pkcs8(key_id).unwrap());
    let openssl = |arguments: &[&str]| {
        let done = std::process::Command::new("openssl").current_dir(folder.path()).args(arguments).output();
        let done = done.expect("openssl, which make peers installs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    openssl(
        &["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Authority"]
            .iter()
            .chain(&["-keyout", "ca.key", "-out", "ca.pem", "-days", "30"])
            .copied()
            .collect::<Vec<_>>(),
    );
    let names = format!("subjectAltName=email:{address}\nbasicConstraints=critical,CA:FALSE\n");
    key("names", names.as_bytes());
    openssl(&["req", "-new", "-key", own.to_str().unwrap(), "-keyform", "DER", "-subj", "/CN=x", "-out", "own.csr"]);
    openssl(
        &["x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "names"]
            .iter()
            .chain(&["-days", "30", "-set_serial", "7", "-out", "own.pem"])
            .copied()
            .collect::<Vec<_>>(),
    );
    fs::read(folder.path().join("own.pem")).unwrap()
}

fn has_openssl() -> bool {
    let found = std::process::Command::new("openssl").arg("version").output().is_ok();
    if !found {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), "skipped: a request: openssl is not installed (make peers)");
    }
    found
}

#[test]
fn a_request_names_the_address_and_what_the_key_is_for() {
    let keyring = Bench::new();
    let keyring = keyring.open();
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256, KeyAlgorithm::Ed25519] {
        let encoded = keyring.request("Taro@NEC.co.jp", RequestedKey::New(algorithm), NOV_2026).unwrap();
        let request = CertReq::from_der(&encoded).unwrap();
        assert_eq!(request.info.subject.to_string(), "CN=Taro@nec.co.jp");
        let value = request.info.attributes.iter().next().unwrap().values.iter().next().unwrap();
        let extensions: ExtensionReq = value.decode_as().unwrap();
        assert_eq!(extensions.0.len(), 4, "constraints, both usages, names");
        let signed = der::Encode::to_der(&request.info).unwrap();
        let (key, signature) = (&request.info.public_key, request.signature.raw_bytes());
        smime::crypto::signature::verify(key, &request.algorithm, None, &signed, signature, &smime::crypto::Software)
            .unwrap();
    }
}

#[test]
fn until_its_certificate_comes_a_requested_key_does_nothing() {
    let bench = Bench::new();
    let keyring = bench.open();
    keyring.request("taro@nec.co.jp", RequestedKey::New(KeyAlgorithm::EcP256), NOV_2026).unwrap();
    let records = keyring.records(NOV_2026).unwrap();
    assert_eq!(records.iter().map(|r| (r.kind, r.source)).collect::<Vec<_>>(), [(Kind::Private, Source::Requested)]);
    let services = services(keyring, NOV_2026);
    assert!(services.identities("taro@nec.co.jp").unwrap().is_empty());
    assert!(services.certificates("taro@nec.co.jp").unwrap().is_empty());
}

#[test]
fn the_certificate_that_comes_finds_its_key() {
    if !has_openssl() {
        return;
    }
    let bench = Bench::new();
    let keyring = bench.open();
    keyring.request("taro@nec.co.jp", RequestedKey::New(KeyAlgorithm::EcP256), NOV_2026).unwrap();
    let requested = keyring.records(NOV_2026).unwrap().remove(0);
    let answer = issued(&keyring, &requested.facts.key_id, "taro@nec.co.jp");
    let filed = keyring.import(bundle(&answer, None), &bare(None)).unwrap();
    assert_eq!(filed.iter().map(|filed| filed.record.kind).collect::<Vec<_>>(), [Kind::Private, Kind::Public]);
    let records = keyring.records(NOV_2026).unwrap();
    assert_eq!(records.iter().map(|record| record.source).collect::<Vec<_>>(), [Source::Imported; 2]);
    assert_eq!(records[0].facts.key_id, requested.facts.key_id);
    assert_eq!(services(keyring, system_now()).identities("taro@nec.co.jp").unwrap().len(), 1);
}

#[test]
fn t10_a_certificate_with_the_key_of_another_gives_nobody_that_key() {
    if !has_openssl() {
        return;
    }
    let bench = Bench::new();
    let keyring = bench.open();
    let taro = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let claimed = issued(&keyring, &taro.facts.key_id, "mallory@nec.co.jp");
    let filed = keyring.import(bundle(&claimed, None), &bare(None)).unwrap();
    assert_eq!(filed.iter().map(|filed| filed.record.kind).collect::<Vec<_>>(), [Kind::Public]);
    drop(keyring);
    // Nor does a row that was written by hand.
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    let copied = "INSERT INTO private_key_store SELECT 'mallory@nec.co.jp', fingerprint, key_id, 'requested', 0, 0, bound \
                  FROM private_key_store";
    assert_eq!(raw.execute(copied, []).unwrap(), 1);
    let filed = bench.open().import(bundle(&claimed, None), &bare(None)).unwrap();
    assert_eq!(filed.iter().map(|filed| filed.record.kind).collect::<Vec<_>>(), [Kind::Public]);
    let identities = services(bench.open(), system_now()).identities("mallory@nec.co.jp");
    assert!(identities.is_ok_and(|identities| identities.is_empty()));
}

#[test]
fn a_key_that_signed_itself_is_certified_and_opens_old_mail_still() {
    if !has_openssl() {
        return;
    }
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let encoded = keyring.request("taro@nec.co.jp", RequestedKey::OnFile(made.facts.fingerprint), NOV_2026).unwrap();
    let request = CertReq::from_der(&encoded).unwrap();
    assert_eq!(
        <sha2::Sha256 as sha2::Digest>::digest(request.info.public_key.subject_public_key.raw_bytes())[..],
        made.facts.key_id
    );
    let answer = issued(&keyring, &made.facts.key_id, "taro@nec.co.jp");
    let filed = keyring.import(bundle(&answer, None), &bare(None)).unwrap();
    assert!(filed[0].remarks.iter().any(|remark| remark.contains("takes the place")), "{filed:?}");
    let services = services(keyring, system_now());
    let identities = services.identities("taro@nec.co.jp").unwrap();
    assert_eq!(identities.iter().map(|identity| identity.retired).collect::<Vec<_>>(), [false, true]);
    assert_eq!(identities[1].certificate, made.certificate, "for mail that names it");
    assert!(services.certificates("taro@nec.co.jp").unwrap().iter().all(|entry| !entry.pinned));
    let missing = Bench::new().open().request("taro@nec.co.jp", RequestedKey::OnFile([0; 32]), NOV_2026);
    assert!(matches!(missing, Err(KeyringError::NotFound(_))));
}

fn system_now() -> u64 {
    crate::services::SystemClock.now() + 60
}

#[test]
fn g2_the_authority_of_a_domain_is_known_by_its_name_alone() {
    let keyring = Bench::new();
    let keyring = keyring.open();
    for authority in ["domain-signing-authority", "domain-confidentiality-authority"] {
        let made = generate(&keyring, &format!("{authority}@nec.co.jp"), NOV_2026);
        assert_eq!(made.facts.subject, format!("CN={authority}"));
        assert_eq!(made.facts.mailboxes, [format!("{authority}@nec.co.jp")]);
        let certificate = smime::x509::Certificate::from_der(&made.certificate).unwrap();
        let is_one = [smime::domain::Authority::Signing, smime::domain::Authority::Confidentiality]
            .iter()
            .any(|authority| authority.speaks_for(&certificate, "taro@nec.co.jp"));
        assert!(is_one, "{authority}");
    }
}
