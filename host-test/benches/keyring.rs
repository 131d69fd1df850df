//! A keyring of a million certificates: how long a look-up by address takes, and
//! the filing of one more.
//!
//! With `--bench` it measures; as a test it only runs, with a thousand. The
//! certificates are real DER, of one key, and differ in the name of their owner;
//! nobody looks at their signatures. They are written as the keyring writes them,
//! in one transaction.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host::Certificates as _;
use host::keyring::{
    Bundle, CertificateFacts, GenerateOptions, ImportOptions, KeyAlgorithm, Keyring, KeyringServices, Kind,
};
use host::services::SystemClock;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

/// 2026-11-22T12:00:00Z.
const NOW: u64 = 1_795_348_800;

fn main() {
    let measures = std::env::args().any(|argument| argument == "--bench");
    let (certificates, lookups, filings) = if measures { (1_000_000, 50_000, 200) } else { (1_000, 100, 5) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("million.keyring");
    let template = Template::new(&Keyring::open_or_create(&path).unwrap());
    let started = Instant::now();
    fill(&path, &template, certificates);
    let size = std::fs::metadata(&path).unwrap().len();
    say(&format!("{certificates} certificates in {:.1} s, {} MiB", started.elapsed().as_secs_f64(), size >> 20));

    let keyring = Arc::new(Keyring::open(&path).unwrap());
    let services = KeyringServices::new(Arc::clone(&keyring), Arc::new(SystemClock));
    // A step that shares no factor with the count comes by all of them, in no order
    // that a cache could foresee.
    let some = |at: usize| at * 611_953 % certificates;
    report("present", lookups, |at| {
        assert_eq!(services.certificates(&address(some(at))).unwrap().len(), 1);
    });
    report("absent", lookups, |at| {
        assert!(services.certificates(&address(certificates + some(at))).unwrap().is_empty());
    });
    report("filing one", filings, |at| {
        let mut bundle = Bundle::default();
        bundle.read("new", &template.of(certificates + at), None).unwrap();
        keyring.import(bundle, &ImportOptions::default()).unwrap();
    });
    assert_eq!(keyring.records_of(Kind::Public, &address(certificates), NOW).unwrap().len(), 1);
}

/// Owners, by number: their addresses are of one length.
fn address(number: usize) -> String {
    format!("user{number:08}@bench.example")
}

/// A certificate whose owner can be replaced: the owner's address stands at these
/// places.
struct Template {
    encoded: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    fn new(keyring: &Keyring) -> Self {
        let options = GenerateOptions { address: address(0), algorithm: KeyAlgorithm::EcP256, days: 3650, now: NOW };
        let record = keyring.generate(&options).unwrap().remove(0).record;
        for kind in [Kind::Private, Kind::Public] {
            keyring.remove(kind, &record.address, &record.facts.fingerprint).unwrap();
        }
        let (encoded, model) = (record.certificate, address(0));
        let is_model = |at: &usize| encoded[*at..].starts_with(model.as_bytes());
        let places = (0..encoded.len()).filter(is_model).collect();
        Self { encoded, places }
    }

    fn of(&self, number: usize) -> Vec<u8> {
        let own = address(number);
        let mut encoded = self.encoded.clone();
        for &at in &self.places {
            encoded[at..at + own.len()].copy_from_slice(own.as_bytes());
        }
        encoded
    }
}

/// Files certificates as the keyring does, without a transaction for each.
fn fill(path: &Path, template: &Template, certificates: usize) {
    let mut connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -300000").unwrap();
    let key_id = CertificateFacts::from_der(&template.of(0)).unwrap().key_id;
    let transaction = connection.transaction().unwrap();
    {
        let mut certificate = transaction.prepare("INSERT INTO certificate VALUES (?, ?, ?)").unwrap();
        let mut row = transaction
            .prepare("INSERT INTO public_key_store (address, fingerprint, source, added) VALUES (?, ?, 'imported', ?)")
            .unwrap();
        let fingerprint = |number| -> [u8; 32] { Sha256::digest(template.of(number)).into() };
        let mut sorted: Vec<([u8; 32], usize)> =
            (0..certificates).map(|number| (fingerprint(number), number)).collect();
        // In the order of the table: each page is written once.
        sorted.sort_unstable();
        for (fingerprint, number) in &sorted {
            certificate.execute(params![fingerprint, key_id, template.of(*number)]).unwrap();
        }
        sorted.sort_unstable_by_key(|(_, number)| *number);
        for (fingerprint, number) in &sorted {
            row.execute(params![address(*number), fingerprint, NOW as i64]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// Does something so many times, and says how long it took: half of the times, 99 of
/// 100 times, and at most.
fn report(what: &str, times: usize, mut work: impl FnMut(usize)) {
    let mut took: Vec<Duration> = (0..times)
        .map(|at| {
            let started = Instant::now();
            work(at);
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    let micros = |part: usize| took[(times * part / 100).min(times - 1)].as_secs_f64() * 1e6;
    say(&format!("{what:<10}  p50 {:>8.1} µs   p99 {:>8.1} µs   max {:>8.1} µs", micros(50), micros(99), micros(100)));
}

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "keyring: {line}").unwrap();
}
