//! The keyring as an operator knows it: keys in, keys found, nothing in the
//! clear.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::{Certificates as _, Clock, PrivateKeys as _};

mod alterations;
mod harvest;
mod request;
mod rotation;
mod versions;

const NOV_2026: u64 = 1_795_348_800; // 2026-11-22T12:00:00Z
const DAY: u64 = 86_400;

struct Fixed(u64);

impl Clock for Fixed {
    fn now(&self) -> u64 {
        self.0
    }
}

/// A keyring in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("nec.keyring")
    }

    fn open(&self) -> Keyring {
        Keyring::open_or_create(&self.path()).unwrap()
    }
}

fn generate(keyring: &Keyring, address: &str, now: u64) -> Record {
    let options = GenerateOptions { address: address.to_owned(), algorithm: KeyAlgorithm::Rsa2048, days: 365, now };
    let filed = keyring.generate(&options).unwrap();
    assert_eq!(filed.iter().map(|filed| filed.record.kind).collect::<Vec<_>>(), [Kind::Private, Kind::Public]);
    filed.into_iter().next().unwrap().record
}

fn bundle(octets: &[u8], password: Option<&str>) -> Bundle {
    let mut bundle = Bundle::default();
    bundle.read("file", octets, password).unwrap();
    bundle
}

fn bare(address: Option<&str>) -> ImportOptions {
    ImportOptions { address: address.map(Into::into), pin: false }
}

fn services(keyring: Keyring, now: u64) -> KeyringServices {
    KeyringServices::new(Arc::new(keyring), Arc::new(Fixed(now)))
}

fn contains(path: &Path, needle: &[u8]) -> bool {
    fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle)
}

#[test]
fn fig_5_and_6_pair_an_address_with_its_keys() {
    let bench = Bench::new();
    let made = generate(&bench.open(), "Taro@NEC.co.jp", NOV_2026);
    assert_eq!(made.address, "Taro@nec.co.jp");
    assert_eq!(made.facts.algorithm, Algorithm::Rsa(2048));
    assert_eq!(made.facts.mailboxes, ["Taro@nec.co.jp"]);
    assert!(!made.facts.authority);

    let again = Keyring::open(&bench.path()).unwrap();
    let records = again.records(NOV_2026).unwrap();
    assert_eq!(
        records.iter().map(|r| (r.kind, r.pinned)).collect::<Vec<_>>(),
        [(Kind::Private, false), (Kind::Public, true)]
    );

    let services = services(again, NOV_2026);
    let found = services.certificates("Taro@nec.CO.JP").unwrap();
    assert_eq!((found.len(), found[0].pinned), (1, true));
    let identities = services.identities("Taro@nec.co.jp").unwrap();
    assert_eq!(identities[0].certificate, made.certificate);
    assert!(services.identities("taro@nec.co.jp").unwrap().is_empty(), "the local part has case");
    assert!(services.certificates("no address").unwrap().is_empty());
}

#[test]
fn a_generated_certificate_is_fit_for_mail_and_signed_by_its_key() {
    use smime::x509::{Certificate, usage};
    let bench = Bench::new();
    let made = generate(&bench.open(), "太郎@例え.jp", NOV_2026);
    let certificate = Certificate::from_der(&made.certificate).unwrap();
    usage::may_sign(&certificate).unwrap();
    usage::may_encipher(&certificate).unwrap();
    assert_eq!(made.facts.mailboxes, ["太郎@xn--r8jz45g.jp"], "in A-labels (RFC 9598)");
    assert!(made.facts.is_valid_at(NOV_2026) && made.facts.is_valid_at(NOV_2026 + 364 * DAY));
    assert!(!made.facts.is_valid_at(NOV_2026 + 366 * DAY));
    smime::crypto::signature::verify(
        certificate.public_key(),
        certificate.signature_algorithm(),
        None,
        certificate.tbs(),
        certificate.signature(),
        &smime::crypto::Software,
    )
    .unwrap();
}

#[test]
fn no_octet_of_a_private_key_lies_in_the_file() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let pkcs8 = keyring.pkcs8(&made.facts.key_id).unwrap();
    let info = pkcs8::PrivateKeyInfoRef::try_from(pkcs8.as_slice()).unwrap();
    let key = <pkcs1::RsaPrivateKeyRef<'_> as der::Decode>::from_der(info.private_key.as_bytes()).unwrap();
    drop(keyring);
    assert!(contains(&bench.path(), key.modulus.as_bytes()), "the public key is there");
    for secret in [key.private_exponent, key.prime1, key.prime2, key.exponent1, key.exponent2, key.coefficient] {
        for part in secret.as_bytes().windows(16).step_by(16) {
            assert!(!contains(&bench.path(), part));
        }
    }
}

#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    for file in ["nec.keyring", "nec.keyring.key"] {
        let mode = fs::metadata(bench.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn without_its_key_file_or_with_another_a_keyring_stays_shut() {
    let bench = Bench::new();
    drop(bench.open());
    let key = bench.folder.path().join("nec.keyring.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let error = Keyring::open(&bench.path()).err().unwrap();
    assert!(matches!(error, KeyringError::NoUnlocking { .. }));
    assert!(error.to_string().contains("nec.keyring.key"), "{error}");

    let other = Bench::new();
    drop(other.open());
    fs::copy(other.folder.path().join("nec.keyring.key"), &key).unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::WrongUnlocking { .. })));
    fs::write(&key, kept).unwrap();
    Keyring::open(&bench.path()).unwrap();
}

#[test]
fn a_passphrase_beside_a_new_keyring_seals_it() {
    let bench = Bench::new();
    let passphrase = bench.folder.path().join("nec.keyring.passphrase");
    fs::write(&passphrase, "correct horse battery\n").unwrap();
    fs::set_permissions(&passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let keyring = bench.open();
    assert_eq!(keyring.method(), seal::Method::Passphrase);
    assert!(!bench.folder.path().join("nec.keyring.key").exists());
    drop(keyring);
    fs::write(&passphrase, "another one entirely\n").unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::WrongUnlocking { .. })));
}

#[test]
fn a_sealed_key_moved_to_another_row_or_altered_does_not_open() {
    let bench = Bench::new();
    let keyring = bench.open();
    let (one, other) = (generate(&keyring, "one@nec.co.jp", NOV_2026), generate(&keyring, "other@nec.co.jp", NOV_2026));
    drop(keyring);
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    raw.execute(
        "UPDATE private_key SET sealed = (SELECT sealed FROM private_key WHERE key_id = ?) WHERE key_id = ?",
        rusqlite::params![one.facts.key_id, other.facts.key_id],
    )
    .unwrap();
    drop(raw);
    let keyring = bench.open();
    assert!(matches!(keyring.key(&other.facts.key_id), Err(KeyringError::Unsealable(_))));
    keyring.key(&one.facts.key_id).unwrap();
    let services = services(keyring, NOV_2026);
    assert!(
        matches!(services.identities("other@nec.co.jp"), Err(crate::Refusal::Unavailable(_))),
        "deferred, not bounced"
    );
}

#[test]
fn a_key_is_unsealed_once() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let (first, second) = (keyring.key(&made.facts.key_id).unwrap(), keyring.key(&made.facts.key_id).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    keyring.remove(Kind::Private, "taro@nec.co.jp", &made.facts.fingerprint).unwrap();
    assert!(keyring.key(&made.facts.key_id).is_err(), "a removed key is not served from memory");
}

#[test]
fn a_key_of_every_algorithm_is_generated_for_what_it_does() {
    let bench = Bench::new();
    let keyring = bench.open();
    for (algorithm, name, enciphers) in [
        (KeyAlgorithm::Rsa2048, "RSA 2048", true),
        (KeyAlgorithm::EcP256, "P-256", true),
        (KeyAlgorithm::EcP384, "P-384", true),
        (KeyAlgorithm::EcP521, "P-521", true),
        (KeyAlgorithm::Ed25519, "Ed25519", false),
    ] {
        let options = GenerateOptions { address: "hana@nec.co.jp".to_owned(), algorithm, days: 365, now: NOV_2026 };
        let facts = keyring.generate(&options).unwrap().remove(0).record.facts;
        assert_eq!(facts.algorithm.to_string(), name);
        assert_eq!((facts.signs, facts.enciphers), (true, enciphers), "{name}");
        assert_eq!(facts.algorithm.unusable(), None);
        assert!(keyring.key(&facts.key_id).is_ok(), "{name}");
        let certificate = keyring.records_of(Kind::Public, "hana@nec.co.jp", NOV_2026).unwrap();
        let own = certificate.iter().find(|record| record.facts.fingerprint == facts.fingerprint).unwrap();
        let own = smime::x509::Certificate::from_der(&own.certificate).unwrap();
        let (algorithm, signature) = (own.signature_algorithm(), own.signature());
        let bulk = &smime::crypto::Software;
        smime::crypto::signature::verify(own.public_key(), algorithm, None, own.tbs(), signature, bulk).unwrap();
    }
}

#[test]
fn keys_on_lattices_are_filed_with_their_certificates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smime/tests/vectors/lattices");
    for (name, shown) in [("ml-dsa-65", "ML-DSA-65"), ("ml-kem-1024", "ML-KEM-1024")] {
        let bench = Bench::new();
        let keyring = bench.open();
        let pem = |file: String| fs::read(folder.join(file)).unwrap();
        let both = [pem(format!("certificates/{name}.pem")), pem(format!("keys/{name}.pem"))].concat();
        let filed = keyring.import(bundle(&both, None), &bare(None)).unwrap();
        let private = filed.iter().find(|filed| filed.record.kind == Kind::Private).unwrap();
        assert_eq!(private.record.facts.algorithm.to_string(), shown);
        assert!(keyring.key(&private.record.facts.key_id).is_ok(), "{name}");
    }
}

#[test]
fn the_newest_valid_key_goes_first_and_a_retired_one_last() {
    let bench = Bench::new();
    let keyring = bench.open();
    let old = generate(&keyring, "taro@nec.co.jp", NOV_2026 - 500 * DAY);
    let current = generate(&keyring, "taro@nec.co.jp", NOV_2026 - 100 * DAY);
    let newest = generate(&keyring, "taro@nec.co.jp", NOV_2026 - DAY);
    let future = generate(&keyring, "taro@nec.co.jp", NOV_2026 + 100 * DAY);
    let order = |keyring: &Keyring| -> Vec<[u8; 32]> {
        let records = keyring.records_of(Kind::Private, "taro@nec.co.jp", NOV_2026).unwrap();
        records.iter().map(|record| record.facts.fingerprint).collect()
    };
    let [old, current, newest, future] = [old, current, newest, future].map(|record| record.facts.fingerprint);
    assert_eq!(order(&keyring), [newest, current, future, old]);
    keyring.retire("taro@nec.co.jp", &newest, true).unwrap();
    assert_eq!(order(&keyring), [current, future, old, newest]);
    keyring.retire("taro@nec.co.jp", &newest, false).unwrap();
    assert_eq!(order(&keyring)[0], newest);
}

#[test]
fn a_retired_key_opens_old_mail_and_serves_nothing_new() {
    let bench = Bench::new();
    let keyring = Arc::new(bench.open());
    let key = generate(&keyring, "taro@nec.co.jp", NOV_2026 - DAY);
    let clock = Arc::new(crate::memory::FixedClock(NOV_2026));
    let services = KeyringServices::new(Arc::clone(&keyring), clock);
    assert!(services.certificates("taro@nec.co.jp").unwrap()[0].pinned);
    assert!(!services.identities("taro@nec.co.jp").unwrap()[0].retired);
    keyring.retire("taro@nec.co.jp", &key.facts.fingerprint, true).unwrap();
    assert!(services.certificates("taro@nec.co.jp").unwrap().is_empty(), "its pin counts no more");
    assert!(services.identities("taro@nec.co.jp").unwrap()[0].retired);
}

#[test]
fn t29_a_pin_is_found_by_either_spelling_of_a_domain() {
    let bench = Bench::new();
    let keyring = bench.open();
    generate(&keyring, "taro@b\u{fc}cher.example", NOV_2026 - DAY);
    for spelling in ["taro@B\u{dc}CHER.example", "taro@xn--bcher-kva.example"] {
        assert_eq!(keyring.records_of(Kind::Public, spelling, NOV_2026).unwrap().len(), 1, "{spelling}");
    }
}

#[test]
fn a_pinned_public_key_goes_before_a_newer_one() {
    let bench = Bench::new();
    let keyring = bench.open();
    let pinned = generate(&keyring, "taro@nec.co.jp", NOV_2026 - 100 * DAY);
    let newer = generate(&keyring, "taro@nec.co.jp", NOV_2026 - DAY);
    keyring.pin("taro@nec.co.jp", &newer.facts.fingerprint, false).unwrap();
    let records = keyring.records_of(Kind::Public, "taro@nec.co.jp", NOV_2026).unwrap();
    assert_eq!(records[0].facts.fingerprint, pinned.facts.fingerprint);
    assert!(matches!(keyring.pin("taro@nec.co.jp", &[0; 32], true), Err(KeyringError::NotFound(_))));
}

#[test]
fn a_file_of_another_program_or_a_later_release_is_refused() {
    let bench = Bench::new();
    fs::write(bench.path(), b"this is no database, but it is long enough to look like something at least").unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::Damaged { .. })));
    fs::remove_file(bench.path()).unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::Missing(_))));

    rusqlite::Connection::open(bench.path()).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::Damaged { .. })));
    fs::remove_file(bench.path()).unwrap();

    drop(bench.open());
    rusqlite::Connection::open(bench.path()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::Newer { found: 99, .. })));
}

#[test]
fn several_at_once_make_one_keyring() {
    let bench = Bench::new();
    let path = bench.path();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| Keyring::open_or_create(&path).map(drop))).collect();
        opened.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
    generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
}

#[test]
fn a_private_key_leaves_only_under_a_password_and_comes_back() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    for container in [Container::Pkcs12, Container::Pkcs8] {
        assert!(keyring.export_private_key(&made, container, "too short").is_err());
        let exported = keyring.export_private_key(&made, container, "correct horse battery").unwrap();
        let mut wrong = Bundle::default();
        assert_eq!(
            wrong.read("f", &exported, Some("wrong horse battery")),
            Err(ImportError::PasswordWrong("f".into()))
        );
        assert_eq!(wrong.read("f", &exported, None), Err(ImportError::PasswordNeeded("f".into())));

        let other = Bench::new();
        let filed = other.open().import(bundle(&exported, Some("correct horse battery")), &bare(None)).unwrap();
        assert_eq!(filed.len(), 2);
        assert_eq!(filed[0].record.facts, made.facts);
        assert_eq!(other.open().pkcs8(&made.facts.key_id).unwrap(), keyring.pkcs8(&made.facts.key_id).unwrap());
    }
}

#[test]
fn key_and_certificate_may_come_one_after_the_other() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let key = keyring.pkcs8(&made.facts.key_id).unwrap();

    let other = Bench::new();
    let keyring = other.open();
    let lonely = keyring.import(bundle(&key, None), &bare(None)).unwrap_err();
    assert!(matches!(lonely, KeyringError::Import(ImportError::NoCertificate(_))), "{lonely}");
    assert!(keyring.records(NOV_2026).unwrap().is_empty(), "nothing is half filed");

    keyring.import(bundle(certificate_pem(&made.certificate).as_bytes(), None), &bare(None)).unwrap();
    assert_eq!(keyring.records(NOV_2026).unwrap().len(), 1);
    keyring.import(bundle(&key, None), &bare(None)).unwrap();
    let records = keyring.records(NOV_2026).unwrap();
    assert_eq!(records.iter().map(|record| record.kind).collect::<Vec<_>>(), [Kind::Private, Kind::Public]);
}

#[test]
fn importing_again_keeps_the_pin() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    keyring.import(bundle(&made.certificate, None), &bare(None)).unwrap();
    assert!(keyring.records_of(Kind::Public, "taro@nec.co.jp", NOV_2026).unwrap()[0].pinned);
}

#[test]
fn an_address_that_the_certificate_does_not_name_is_remarked() {
    let bench = Bench::new();
    let made = generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    let other = Bench::new();
    let filed = other.open().import(bundle(&made.certificate, None), &bare(Some("info@NEC.co.jp"))).unwrap();
    assert_eq!(filed[0].record.address, "info@nec.co.jp");
    assert!(filed[0].remarks.iter().any(|remark| remark.contains("does not name info@nec.co.jp")), "{filed:?}");
}

#[test]
fn what_is_no_key_file_is_said_to_be_none() {
    for (octets, says) in [
        (b"".as_slice(), "is empty"),
        (b"hello", "is none of PEM"),
        (&[0x30, 0x03, 0x02, 0x01, 0x00], "is none of PEM"),
        (b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", "not a sound certificate"),
        (b"-----BEGIN DH PARAMETERS-----\nQUJD\n-----END DH PARAMETERS-----\n", "is none of PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n", "not sound"),
        (b"-----BEGIN PKCS7-----\nMAMCAQA=\n-----END PKCS7-----\n", "not a sound PKCS #7"),
    ] {
        let error = Bundle::default().read("file", octets, None).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(
        Bundle::default().read("file", &vec![0x30; (16 << 20) + 1], None),
        Err(ImportError::TooLarge("file".into()))
    );
}
