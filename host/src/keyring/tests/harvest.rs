//! Certificates come with mail, and are learned, held, or passed over.

use sha2::Digest as _;

use super::*;
use crate::memory::FixedClock;
use crate::services::notes::collect;
use crate::{FieldValue, Harvest as _, Severity};

const ALICE: &str = "alice@peer.example";

/// SMIMECapabilities: AES-256-GCM; RC2 with 40 bits.
const GCM: &[u8] = &[0x30, 0x0d, 0x30, 0x0b, 0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2e];
const RC2: &[u8] = &[0x30, 0x10, 0x30, 0x0e, 0x06, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 2, 2, 2, 0, 0xa0];

fn pki(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pki").join(name)).unwrap()
}

fn certificate(name: &str) -> Vec<u8> {
    bundle(&pki(&format!("{name}.pem")), None).certificates().next().unwrap().to_vec()
}

fn fingerprint(name: &str) -> [u8; 32] {
    CertificateFacts::from_der(&certificate(name)).unwrap().fingerprint
}

/// A keyring that learns what the authority of the tests vouches for.
struct Learner {
    bench: Bench,
    harvest: KeyringHarvest,
    keyring: Arc<Keyring>,
}

impl Learner {
    fn new() -> Self {
        Self::of(Bench::new(), NOV_2026)
    }

    fn of(bench: Bench, now: u64) -> Self {
        let keyring = Arc::new(bench.open());
        let authorities = Authorities::new(&[certificate("ca")], &[]);
        let harvest = KeyringHarvest::new(Arc::clone(&keyring), authorities, Arc::new(FixedClock(now)));
        Self { bench, harvest, keyring }
    }

    /// Offers a certificate, and tells what the audit says of it.
    fn offer(&self, owner: &str, name: &str, capabilities: Option<&[u8]>) -> Vec<String> {
        let offer = || self.harvest.offer(owner, &certificate(name), &[certificate("ca")], capabilities);
        let ((), events) = collect(offer);
        self.harvest.settle();
        let told = events.iter().map(|event| {
            let word = event.fields.iter().find_map(|field| match &field.value {
                FieldValue::Text(word) if matches!(field.name.as_str(), "cause" | "grounds") => Some(word.as_str()),
                _ => None,
            });
            let alarm = event.name == "certificate-held"
                || (event.name == "certificate-not-learned" && word != Some("not-for-encryption"));
            assert_eq!(event.severity == Severity::Warning, alarm, "{event:?}");
            [&[event.name.as_str()], word.as_slice()].concat().join(" ")
        });
        told.collect()
    }

    fn rows(&self) -> Vec<Record> {
        self.keyring.records_of(Kind::Public, ALICE, NOV_2026).unwrap()
    }

    fn served(&self) -> Vec<crate::Entry> {
        services(self.bench.open(), NOV_2026).certificates(ALICE).unwrap()
    }
}

#[test]
fn the_certificate_of_a_trusted_signer_is_learned_with_what_it_reads() {
    let learner = Learner::new();
    assert_eq!(learner.offer("Alice@PEER.example", "alice", None), ["certificate-not-learned not-trusted"]);
    assert_eq!(learner.offer("alice@PEER.example", "alice", Some(GCM)), ["certificate-learned first"]);
    let rows = learner.rows();
    assert_eq!((rows.len(), rows[0].source, rows[0].held, rows[0].pinned), (1, Source::Learned, false, false));
    let served = learner.served();
    assert_eq!(served[0].capabilities.as_deref(), Some(GCM));
    assert_eq!(learner.keyring.chain(&rows[0].facts.fingerprint).unwrap(), [certificate("ca")]);
    assert_eq!(learner.offer(ALICE, "alice", Some(GCM)), [""; 0], "nothing new, nothing told");
}

#[test]
fn t28_what_does_not_name_its_owner_or_has_no_path_is_not_learned() {
    let learner = Learner::new();
    for (owner, name) in [
        ("victim@peer.example", "alice"),
        (ALICE, "bob"),
        (ALICE, "alice-by-bob"),
        (ALICE, "alice-untrusted"),
        (ALICE, "alice-expired"),
        (ALICE, "alice-1024"),
    ] {
        let told = learner.offer(owner, name, Some(GCM));
        assert!(told.len() == 1 && told[0].starts_with("certificate-not-learned"), "{name}: {told:?}");
    }
    assert!(learner.keyring.records(NOV_2026).unwrap().is_empty());
    let ((), events) = collect(|| learner.harvest.offer(ALICE, &[0x30, 0x80], &[], None));
    assert_eq!(events[0].name, "certificate-not-learned");
    let long = vec![vec![0; 64 << 10]];
    let ((), events) = collect(|| learner.harvest.offer(ALICE, &certificate("alice"), &long, None));
    assert_eq!(events[0].name, "certificate-not-learned");
}

#[test]
fn t29_one_that_differs_from_a_known_one_waits_for_approval() {
    let learner = Learner::new();
    learner.offer(ALICE, "alice", None);
    assert_eq!(learner.offer(ALICE, "alice-new", Some(GCM)), ["certificate-held"]);
    assert_eq!(learner.offer(ALICE, "alice-new", Some(GCM)), ["certificate-held"], "the alarm goes on");
    assert_eq!(learner.served().len(), 1, "the known one stays in use");
    assert_eq!(learner.served()[0].certificate, certificate("alice"));
    let held = learner.keyring.held().unwrap();
    assert_eq!(held.iter().map(|held| held.facts.fingerprint).collect::<Vec<_>>(), [fingerprint("alice-new")]);

    let retired = learner.keyring.approve(ALICE, &fingerprint("alice-new")).unwrap();
    assert_eq!(retired, [fingerprint("alice")]);
    let served = learner.served();
    assert_eq!((served.len(), &served[0].certificate), (1, &certificate("alice-new")));
    assert_eq!(served[0].capabilities.as_deref(), Some(GCM));
    assert!(learner.keyring.approve(ALICE, &fingerprint("alice-new")).is_err(), "it does not wait any more");
    assert_eq!(learner.offer(ALICE, "alice", None), ["certificate-not-learned retired"]);
}

#[test]
fn t29_nothing_competes_with_a_pinned_one() {
    let learner = Learner::new();
    let options = ImportOptions { address: None, pin: true };
    learner.keyring.import(bundle(&pki("alice.pem"), None), &options).unwrap();
    assert_eq!(learner.offer(ALICE, "alice-new", Some(GCM)), ["certificate-not-learned pinned"]);
    assert_eq!(learner.rows().len(), 1);
    assert!(learner.served()[0].pinned);
}

#[test]
fn what_the_operator_removed_or_retired_is_not_learned_again() {
    let learner = Learner::new();
    learner.offer(ALICE, "alice", None);
    learner.keyring.remove(Kind::Public, ALICE, &fingerprint("alice")).unwrap();
    assert_eq!(learner.offer(ALICE, "alice", None), ["certificate-not-learned removed"]);
    assert!(learner.rows().is_empty());
    learner.keyring.import(bundle(&pki("alice.pem"), None), &bare(None)).unwrap();
    assert_eq!(learner.offer(ALICE, "alice", None), [""; 0], "the operator has changed his mind");
    learner.keyring.retire(ALICE, &fingerprint("alice"), true).unwrap();
    assert_eq!(learner.offer(ALICE, "alice", None), ["certificate-not-learned retired"]);
    assert!(learner.served().is_empty());
    assert_eq!(
        learner.offer(ALICE, "alice-new", None),
        ["certificate-learned first"],
        "a successor comes in its place"
    );
}

#[test]
fn one_for_the_same_key_renews_the_other() {
    let learner = Learner::new();
    let key = bundle(&pki("alice.key"), None).private_keys.remove(0).key.pkcs8;
    let pair = pair::Pair::from_pkcs8(&key).unwrap();
    let own = generate::self_signed(&pair, ALICE, NOV_2026 - DAY, 365).unwrap();
    let own = own.certificates().next().unwrap().to_vec();
    learner.keyring.import(bundle(&own, None), &bare(None)).unwrap();
    assert_eq!(learner.offer(ALICE, "alice", None), ["certificate-learned same-key"]);
    assert_eq!(learner.offer(ALICE, "alice-new", None), ["certificate-held"]);
}

#[test]
fn t32_weak_capabilities_take_the_place_of_none() {
    let learner = Learner::new();
    assert_eq!(learner.offer(ALICE, "alice", Some(RC2)), ["certificate-learned first"]);
    assert_eq!(learner.served()[0].capabilities, None);
    assert_eq!(learner.offer(ALICE, "alice", Some(GCM)), ["capabilities-learned"]);
    assert_eq!(learner.offer(ALICE, "alice", Some(RC2)), [""; 0]);
    assert_eq!(learner.served()[0].capabilities.as_deref(), Some(GCM));
}

#[test]
fn what_an_earlier_message_said_does_not_replace_what_a_later_one_did() {
    let learner = Learner::new();
    learner.offer(ALICE, "alice", Some(GCM));
    let other: Vec<u8> = [&[0x30, 0x1a], &GCM[2..], &GCM[2..]].concat();
    let earlier = Learner::of(learner.bench, NOV_2026 - DAY);
    earlier.offer(ALICE, "alice", Some(&other));
    assert_eq!(earlier.served()[0].capabilities.as_deref(), Some(GCM));
    let later = Learner::of(earlier.bench, NOV_2026 + DAY);
    later.offer(ALICE, "alice", Some(&other));
    assert_eq!(later.served()[0].capabilities, Some(other));
}

#[test]
fn no_more_is_learned_of_an_address_than_a_person_has() {
    let learner = Learner::new();
    let raw = rusqlite::Connection::open(learner.bench.path()).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    learner.offer(ALICE, "alice", None);
    let mut key = 0_u8;
    let mut fill = |addresses: &dyn Fn(usize) -> String, count: usize| {
        for at in 0..count {
            key = key.wrapping_add(1);
            let sql = "INSERT OR IGNORE INTO public_key_store (address, fingerprint, source, held, added) \
                       VALUES (?, ?, 'learned', 1, ?)";
            let fingerprint = sha2::Sha256::digest([&[key][..], &at.to_be_bytes()].concat());
            raw.execute(sql, rusqlite::params![addresses(at), fingerprint.as_slice(), NOV_2026 as i64]).unwrap();
        }
    };
    // Rows without certificate are no rows: of the day all count.
    fill(&|at| format!("{at}@elsewhere.example"), 1_000);
    assert_eq!(learner.offer(ALICE, "alice-new", None), ["certificate-not-learned limit"]);
    assert_eq!(learner.offer(ALICE, "alice", Some(GCM)), ["capabilities-learned"], "what is known goes on");
}

#[test]
fn where_there_are_other_stores_what_was_learned_goes_last() {
    let learner = Learner::new();
    learner.offer(ALICE, "alice", None);
    let (filed, learned) = services(learner.bench.open(), NOV_2026).apart();
    assert!(filed.certificates(ALICE).unwrap().is_empty());
    assert_eq!(learned.certificates(ALICE).unwrap().len(), 1);
    learner.keyring.pin(ALICE, &fingerprint("alice"), true).unwrap();
    assert_eq!(filed.certificates(ALICE).unwrap().len(), 1, "vouched for by the operator");
}

#[test]
fn a_keyring_that_is_written_elsewhere_keeps_no_message_waiting() {
    let learner = Learner::new();
    let raw = rusqlite::Connection::open(learner.bench.path()).unwrap();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ((), events) = collect(|| learner.harvest.offer(ALICE, &certificate("alice"), &[certificate("ca")], Some(GCM)));
    assert_eq!(events[0].name, "certificate-learned");
    assert!(learner.rows().is_empty(), "the message is through, and nothing is written yet");
    raw.execute_batch("COMMIT").unwrap();
    learner.harvest.settle();
    assert_eq!(learner.rows().len(), 1);
}
