//! Somebody writes into the file who cannot unlock it.

use super::*;

fn write(bench: &Bench, sql: &str) {
    assert!(rusqlite::Connection::open(bench.path()).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn a_private_key_given_to_another_address_serves_nobody() {
    let bench = Bench::new();
    generate(&bench.open(), "taro@nec.co.jp", NOV_2026);
    write(
        &bench,
        "INSERT INTO private_key_store (address, fingerprint, key_id, source, added, bound) \
         SELECT 'mallory@nec.co.jp', fingerprint, key_id, source, added, bound FROM private_key_store",
    );
    let keyring = bench.open();
    let records = keyring.records(NOV_2026).unwrap();
    let altered = records.iter().filter(|record| record.altered).map(|record| record.address.as_str());
    assert_eq!(altered.collect::<Vec<_>>(), ["mallory@nec.co.jp"], "it is listed, to be removed");
    let services = services(keyring, NOV_2026);
    let refused = services.identities("mallory@nec.co.jp").err().unwrap();
    assert!(matches!(refused, crate::Refusal::Unavailable(why) if why.contains("cannot unlock the keyring")));
    assert_eq!(services.identities("taro@nec.co.jp").unwrap().len(), 1, "the owner's goes on");
}

#[test]
fn nobody_is_vouched_for_by_a_line_of_sql() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "mallory@evil.example", NOV_2026);
    keyring.import(bundle(&made.certificate, None), &bare(Some("taro@nec.co.jp"))).unwrap();
    drop(keyring);
    write(&bench, "UPDATE public_key_store SET pinned = 1 WHERE address = 'taro@nec.co.jp'");
    let refused = services(bench.open(), NOV_2026).certificates("taro@nec.co.jp");
    assert!(matches!(refused, Err(crate::Refusal::Unavailable(_))), "mail waits, and is not encrypted to mallory");

    bench.open().pin("taro@nec.co.jp", &made.facts.fingerprint, true).unwrap();
    assert!(services(bench.open(), NOV_2026).certificates("taro@nec.co.jp").unwrap()[0].pinned, "the operator may");
    bench.open().pin("taro@nec.co.jp", &made.facts.fingerprint, false).unwrap();
    assert!(!services(bench.open(), NOV_2026).certificates("taro@nec.co.jp").unwrap()[0].pinned);
}

#[test]
fn the_last_row_takes_certificate_and_key_with_it() {
    let bench = Bench::new();
    let keyring = bench.open();
    let made = generate(&keyring, "taro@nec.co.jp", NOV_2026);
    let other = generate(&keyring, "hanako@nec.co.jp", NOV_2026);
    keyring.remove(Kind::Private, "taro@nec.co.jp", &made.facts.fingerprint).unwrap();
    keyring.remove(Kind::Public, "taro@nec.co.jp", &made.facts.fingerprint).unwrap();
    drop(keyring);
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    for table in ["certificate", "private_key"] {
        let left: Vec<[u8; 32]> = raw
            .prepare(&format!("SELECT key_id FROM {table}"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(|row| row.unwrap())
            .collect();
        assert_eq!(left, [other.facts.key_id], "{table}");
    }
    assert!(!contains(&bench.path(), &made.certificate[..64]), "and what was written is overwritten");
}
