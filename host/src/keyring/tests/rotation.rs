//! The secret of a keyring is replaced by another.

use std::os::unix::fs::PermissionsExt;

use super::*;

const PASSPHRASE: &str = "correct horse battery";

fn file(bench: &Bench, name: &str) -> PathBuf {
    bench.folder.path().join(name)
}

fn both_serve(bench: &Bench, made: &Record) {
    let services = services(bench.open(), NOV_2026);
    assert_eq!(services.identities("taro@nec.co.jp").unwrap()[0].certificate, made.certificate);
    assert!(services.certificates("taro@nec.co.jp").unwrap()[0].pinned);
}

#[test]
fn after_a_rotation_the_new_secret_opens_and_the_old_does_not() {
    let bench = Bench::new();
    let made = generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    let old_key = fs::read(file(&bench, "nec.keyring.key")).unwrap();
    let old_keyring = fs::read(bench.path()).unwrap();

    assert_eq!(bench.open().rotate(None).unwrap(), file(&bench, "nec.keyring.key"));
    both_serve(&bench, &made);
    assert_ne!(fs::read(file(&bench, "nec.keyring.key")).unwrap(), old_key);
    assert_eq!(bench.open().rotate(Some(PASSPHRASE)).unwrap(), file(&bench, "nec.keyring.passphrase"));
    assert_eq!(bench.open().method(), seal::Method::Passphrase);
    both_serve(&bench, &made);
    let mode = fs::metadata(file(&bench, "nec.keyring.passphrase")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!file(&bench, "nec.keyring.passphrase.next").exists());
    bench.open().rotate(None).unwrap();
    both_serve(&bench, &made);

    fs::write(file(&bench, "nec.keyring.key"), &old_key).unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::WrongUnlocking { .. })));
    fs::write(bench.path(), old_keyring).unwrap();
    both_serve(&bench, &made);
}

#[test]
fn who_has_the_old_copy_and_the_old_key_opens_no_key_filed_later() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let before = keyring.seal();
    keyring.rotate(None).unwrap();
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    let sealed: Vec<u8> = raw.query_row("SELECT sealed FROM private_key", [], |row| row.get(0)).unwrap();
    assert!(before.unseal(&made.facts.key_id, &sealed).is_none(), "the data key is another, too");
}

#[test]
fn a_process_that_has_the_keyring_open_goes_on() {
    let bench = Bench::new();
    let (running, other) = (bench.open(), bench.open());
    let made = generate(&other, "taro@nec.co.jp", NOV_2026);
    let second = generate(&other, "hanako@nec.co.jp", NOV_2026);
    running.key(&made.facts.key_id).unwrap();
    other.rotate(Some(PASSPHRASE)).unwrap();
    running.key(&second.facts.key_id).unwrap();
    assert!(running.records(NOV_2026).unwrap().iter().all(|record| !record.altered));
    other.rotate(None).unwrap();
    // What it files is sealed by what is in force, not by what it began with.
    generate(&running, "jiro@nec.co.jp", NOV_2026);
    let opened = bench.open();
    for record in opened.records(NOV_2026).unwrap() {
        assert!(!record.altered && opened.key(&record.facts.key_id).is_ok(), "{}", record.address);
    }
}

#[test]
fn a_rotation_that_was_interrupted_is_finished_by_who_opens_the_keyring() {
    let bench = Bench::new();
    let made = generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    let old_key = fs::read(file(&bench, "nec.keyring.key")).unwrap();

    // Killed before the keyring knew of it: what is there says nothing.
    fs::write(file(&bench, "nec.keyring.key.next"), b"wasmime-keyr").unwrap();
    both_serve(&bench, &made);
    bench.open().rotate(None).unwrap();

    // Killed when the keyring knew of it, and the file had not its name yet.
    fs::rename(file(&bench, "nec.keyring.key"), file(&bench, "nec.keyring.key.next")).unwrap();
    fs::write(file(&bench, "nec.keyring.key"), old_key).unwrap();
    fs::set_permissions(file(&bench, "nec.keyring.key"), fs::Permissions::from_mode(0o600)).unwrap();
    both_serve(&bench, &made);
    assert!(!file(&bench, "nec.keyring.key.next").exists());
    both_serve(&bench, &made);
}

#[test]
fn an_altered_row_is_not_made_sound_and_an_altered_key_stops_it() {
    let bench = Bench::new();
    let made = generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    let write = |sql: &str| {
        assert!(rusqlite::Connection::open(bench.path()).unwrap().execute(sql, []).unwrap() > 0);
    };
    write(
        "INSERT INTO private_key_store (address, fingerprint, key_id, source, added, bound) \
         SELECT 'mallory@nec.co.jp', fingerprint, key_id, source, added, bound FROM private_key_store",
    );
    bench.open().rotate(None).unwrap();
    both_serve(&bench, &made);
    let mallory = services(bench.open(), NOV_2026).identities("mallory@nec.co.jp");
    assert!(matches!(mallory, Err(crate::Refusal::Unavailable(_))));

    let key = fs::read(file(&bench, "nec.keyring.key")).unwrap();
    write("UPDATE private_key SET sealed = zeroblob(99)");
    assert!(matches!(bench.open().rotate(None), Err(KeyringError::Unsealable(_))));
    assert_eq!(fs::read(file(&bench, "nec.keyring.key")).unwrap(), key);
}
