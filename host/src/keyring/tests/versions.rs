//! Keyrings of earlier and later releases, and the queries that find keys.
//!
//! `version-1/nec.keyring` and its key file were made by the last program that
//! wrote version 1: two keys generated with `--algorithm rsa2048 --days 3650`, the
//! one of hanako retired, and `tests/pki/alice.pem` imported.

use super::*;

const VERSION_1: &[u8] = include_bytes!("version-1/nec.keyring");
const ITS_KEY: &[u8] = include_bytes!("version-1/nec.keyring.key");

fn of_version_1() -> Bench {
    let bench = Bench::new();
    for (name, octets) in [("nec.keyring", VERSION_1), ("nec.keyring.key", ITS_KEY)] {
        let path = bench.folder.path().join(name);
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    bench
}

#[test]
fn a_keyring_of_version_1_is_brought_up_to_date_and_loses_nothing() {
    let bench = of_version_1();
    for opened in ["the first time", "again"] {
        let keyring = Keyring::open(&bench.path()).unwrap();
        let records = keyring.records(NOV_2026 + DAY).unwrap();
        let told: Vec<_> = records.iter().map(|r| (r.address.as_str(), r.kind, r.pinned, r.retired)).collect();
        assert_eq!(
            told,
            [
                ("hanako@nec.co.jp", Kind::Private, false, true),
                ("hanako@nec.co.jp", Kind::Public, true, true),
                ("taro@nec.co.jp", Kind::Private, false, false),
                ("taro@nec.co.jp", Kind::Public, true, false),
                ("alice@peer.example", Kind::Public, false, false),
            ],
            "{opened}"
        );
        assert!(records.iter().all(|record| !record.altered && !record.held), "{opened}");
        let services = services(keyring, NOV_2026 + DAY);
        assert_eq!(services.identities("taro@nec.co.jp").unwrap().len(), 1);
        assert!(services.identities("hanako@nec.co.jp").unwrap()[0].retired);
        assert!(services.certificates("taro@nec.co.jp").unwrap()[0].pinned);
    }
}

#[test]
fn several_at_once_bring_one_keyring_up_to_date() {
    let bench = of_version_1();
    let path = bench.path();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| Keyring::open(&path).map(drop))).collect();
        opened.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
    assert!(bench.open().records(NOV_2026).unwrap().iter().all(|record| !record.altered));
}

#[test]
fn without_its_key_an_older_keyring_stays_as_it_is() {
    let bench = of_version_1();
    fs::remove_file(bench.folder.path().join("nec.keyring.key")).unwrap();
    assert!(matches!(Keyring::open(&bench.path()), Err(KeyringError::NoUnlocking { .. })));
    assert_eq!(fs::read(bench.path()).unwrap(), VERSION_1);
}

#[test]
fn a_keyring_of_a_later_release_is_refused_with_what_to_do() {
    let bench = Bench::new();
    drop(bench.open());
    rusqlite::Connection::open(bench.path()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let error = Keyring::open(&bench.path()).err().unwrap();
    assert!(matches!(error, KeyringError::Newer { found: 99, .. }));
    assert!(error.to_string().ends_with("upgrade wasmime"), "{error}");
}

#[test]
fn keys_are_found_by_indexes_and_never_by_going_through_all() {
    use super::super::rows::{Which, sql};
    let bench = Bench::new();
    drop(bench.open());
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    let address = |kind| sql(kind, Which::Of("taro@nec.co.jp"));
    for query in [
        address(Kind::Private),
        address(Kind::Public),
        sql(Kind::Public, Which::Held),
        "SELECT encoded FROM chain WHERE fingerprint = ? ORDER BY position".to_owned(),
        "SELECT sealed FROM private_key WHERE key_id = ?".to_owned(),
        "SELECT 1 FROM private_key_store WHERE key_id = ? LIMIT 1".to_owned(),
        "SELECT encoded FROM certificate WHERE key_id = ?".to_owned(),
        "DELETE FROM certificate WHERE fingerprint = ?1 \
         AND NOT EXISTS (SELECT 1 FROM private_key_store WHERE fingerprint = ?1) \
         AND NOT EXISTS (SELECT 1 FROM public_key_store WHERE fingerprint = ?1)"
            .to_owned(),
    ] {
        let mut plan = raw.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let parameters = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.map(|step| step.unwrap()).collect();
        let by_index = |step: &String| {
            step.starts_with("SEARCH ")
                || step.contains("USING INDEX public_key_store_held")
                || step.contains("SUBQUERY")
        };
        assert!(!steps.is_empty() && steps.iter().all(by_index), "{query}: {steps:?}");
    }
}
