//! Services that fail, hang or panic (T35), that belong to somebody else (T33),
//! and many messages at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use host::memory::MemoryKeys;
use host::{
    Certificates, Direction, Entropy, Entry, Envelope, FieldValue, Identity, InboundPolicy, KeyError, OutboundPolicy,
    Outcome, Policies, PrivateKey, PrivateKeys, Refusal, Runtime, Tenant, Verdict,
};
use host_test::hsm::{FakeHsm, Recorder};
use host_test::script::{Script, envelope};
use host_test::{compare, sizes, variants};
use smime::cms::recipient::{KeyTransport, key_transport, key_transport_by_key_identifier};
use smime::cms::{Cipher, auth_enveloped_data};
use smime::crypto::Software;
use smime::mime::writer;
use smime::x509::Certificate;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| variants::runtime(None).unwrap());

const MESSAGE: &[u8] = b"From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: x\r\n\r\nHello\r\n";

fn out() -> Envelope {
    envelope(Direction::Outbound, "alice", &["carol"])
}

fn tenant() -> Tenant {
    Script::with_keys_of(&["alice", "carol"]).tenant().0
}

fn status(outcome: &Outcome) -> String {
    compare::name(&outcome.verdict).split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn cause(outcome: &Outcome) -> String {
    let words = outcome.events.last().expect("an event").fields.iter().filter_map(|field| match &field.value {
        FieldValue::Text(text) => Some(text.as_str()),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A service of every kind that does the same thing, whatever it is asked.
struct Broken<F>(F);

impl<F: Fn() -> Refusal + Send + Sync> Certificates for Broken<F> {
    fn certificates(&self, _: &str) -> Result<Vec<Entry>, Refusal> {
        Err(self.0())
    }
}

impl<F: Fn() -> Refusal + Send + Sync> PrivateKeys for Broken<F> {
    fn identities(&self, _: &str) -> Result<Vec<Identity>, Refusal> {
        Err(self.0())
    }
}

impl<F: Fn() -> Refusal + Send + Sync> PrivateKey for Broken<F> {
    fn sign(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Refused(self.0()))
    }

    fn unwrap_key(&self, _: &[u8], _: u32) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Refused(self.0()))
    }
}

impl<F: Fn() -> Refusal + Send + Sync> Entropy for Broken<F> {
    fn draw(&self, _: u32) -> Result<Vec<u8>, Refusal> {
        Err(self.0())
    }
}

impl<F: Fn() -> Refusal + Send + Sync> Policies for Broken<F> {
    fn outbound(&self, _: &str) -> OutboundPolicy {
        panic!("{:?}", self.0())
    }

    fn inbound(&self, _: &str) -> InboundPolicy {
        panic!("{:?}", self.0())
    }
}

fn down() -> Refusal {
    Refusal::Unavailable("the line is dead".to_owned())
}

/// The tenant, with the key of its first identity replaced.
fn with_key(key: Arc<dyn PrivateKey>) -> Tenant {
    with_identity(key, false)
}

fn with_identity(key: Arc<dyn PrivateKey>, retired: bool) -> Tenant {
    let script = Script::with_keys_of(&["alice", "carol"]);
    let mut keys = MemoryKeys::default();
    for (owner, entry) in &script.certificates {
        keys.add_certificate(owner, entry.clone());
    }
    let (owner, alice) = &script.keys[0];
    keys.add_identity(owner, Identity { certificate: alice.certificate.clone(), chain: Vec::new(), key, retired });
    let keys = Arc::new(keys);
    let (tenant, _) = script.tenant();
    Tenant { certificates: Arc::clone(&keys) as Arc<dyn Certificates>, private_keys: keys, ..tenant }
}

#[test]
fn t35_a_service_that_is_down_defers() {
    for tenant in [
        Tenant { certificates: Arc::new(Broken(down)), ..tenant() },
        Tenant { private_keys: Arc::new(Broken(down)), ..tenant() },
        with_key(Arc::new(Broken(down))),
    ] {
        let outcome = RUNTIME.run(&tenant, &out(), MESSAGE);
        assert_eq!(status(&outcome), "451 4.7.5", "{:?}", outcome.events);
    }
}

#[test]
fn a_retired_key_does_not_sign() {
    let outcome = RUNTIME.run(&with_identity(Arc::new(Broken(down)), true), &out(), MESSAGE);
    assert_eq!((status(&outcome).as_str(), outcome.private_key_operations), ("550 5.7.5", 0));
}

#[test]
fn t35_no_randomness_stops_the_message() {
    let outcome = RUNTIME.run(&Tenant { entropy: Arc::new(Broken(down)), ..tenant() }, &out(), MESSAGE);
    assert_eq!((status(&outcome).as_str(), cause(&outcome).as_str()), ("451 4.3.0", "no-entropy"));
}

#[test]
fn t35_a_short_draw_is_no_draw() {
    struct Short;
    impl Entropy for Short {
        fn draw(&self, len: u32) -> Result<Vec<u8>, Refusal> {
            Ok(vec![7; len as usize - 1])
        }
    }
    let outcome = RUNTIME.run(&Tenant { entropy: Arc::new(Short), ..tenant() }, &out(), MESSAGE);
    assert_eq!((status(&outcome).as_str(), cause(&outcome).as_str()), ("451 4.3.0", "no-entropy"));
}

#[test]
fn t35_a_service_that_panics_costs_its_message_and_no_more() {
    let panics = || -> Refusal { panic!("a service that fails on purpose") };
    for (tenant, service) in [
        (Tenant { certificates: Arc::new(Broken(panics)), ..tenant() }, "service-panicked certificates"),
        (Tenant { private_keys: Arc::new(Broken(panics)), ..tenant() }, "service-panicked private-keys"),
        (Tenant { policies: Arc::new(Broken(panics)), ..tenant() }, "service-panicked policy"),
        (with_key(Arc::new(Broken(panics))), "service-panicked private-keys"),
        (Tenant { entropy: Arc::new(Broken(panics)), ..tenant() }, "panic"),
    ] {
        let outcome = RUNTIME.run(&tenant, &out(), MESSAGE);
        assert_eq!((status(&outcome).as_str(), cause(&outcome).as_str()), ("451 4.3.0", service));
    }
    assert!(matches!(RUNTIME.run(&tenant(), &out(), MESSAGE).verdict, Verdict::Deliver(_)));
}

/// Waits until it is let go.
/// A service that answers on the thread of the message, because it says that it
/// never waits; or, with nobody to answer, panics there.
struct Prompt(Option<Arc<dyn Certificates>>, Mutex<Vec<ThreadId>>);

impl Certificates for Prompt {
    fn certificates(&self, owner: &str) -> Result<Vec<Entry>, Refusal> {
        self.1.lock().unwrap().push(thread::current().id());
        self.0.as_ref().expect("a service that fails on purpose").certificates(owner)
    }

    fn waits(&self) -> bool {
        false
    }
}

#[test]
fn a_service_that_never_waits_is_asked_on_the_thread_of_the_message() {
    let service = Arc::new(Prompt(Some(tenant().certificates), Mutex::default()));
    let prompt = Tenant { certificates: Arc::clone(&service) as Arc<dyn Certificates>, ..tenant() };
    assert!(matches!(RUNTIME.run(&prompt, &out(), MESSAGE).verdict, Verdict::Deliver(_)));
    assert!(service.1.lock().unwrap().iter().all(|asked_on| *asked_on == thread::current().id()));

    let broken = Tenant { certificates: Arc::new(Prompt(None, Mutex::default())), ..tenant() };
    let outcome = RUNTIME.run(&broken, &out(), MESSAGE);
    assert_eq!((status(&outcome).as_str(), cause(&outcome).as_str()), ("451 4.3.0", "service-panicked certificates"));
    assert!(matches!(RUNTIME.run(&prompt, &out(), MESSAGE).verdict, Verdict::Deliver(_)));
}

fn hangs(released: Receiver<()>) -> impl Fn() -> Refusal + Send + Sync {
    let released = Mutex::new(released);
    move || {
        let _ = released.lock().unwrap().recv();
        Refusal::Denied
    }
}

#[test]
fn t35_a_service_that_hangs_is_not_waited_for() {
    // It has its time, and the message has more: the guest defers by itself.
    let (release, released) = channel();
    let mut tenant = Tenant { certificates: Arc::new(Broken(hangs(released))), ..tenant() };
    tenant.limits.service_time = Duration::from_millis(50);
    let started = Instant::now();
    let outcome = RUNTIME.run(&tenant, &out(), MESSAGE);
    assert_eq!(status(&outcome), "451 4.7.5", "{:?}", outcome.events);
    assert!(outcome.events.iter().any(|event| event.name == "service-silent"));

    // The message has no more time either.
    tenant.limits.time = Duration::from_millis(50);
    let outcome = RUNTIME.run(&tenant, &out(), MESSAGE);
    assert_eq!((status(&outcome).as_str(), cause(&outcome).as_str()), ("451 4.3.0", "limit-time"));
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(release);
}

#[test]
fn t35_a_key_that_hangs_is_not_waited_for() {
    let (release, released) = channel();
    let mut tenant = with_key(Arc::new(Broken(hangs(released))));
    tenant.limits.service_time = Duration::from_millis(50);
    assert_eq!(status(&RUNTIME.run(&tenant, &out(), MESSAGE)), "451 4.7.5");
    drop(release);
}

#[test]
fn t35_services_that_hang_take_no_thread_from_another_tenant() {
    // The one thread that this tenant has hangs; the other tenant has its own.
    let (release, released) = channel();
    let mut hanging = Tenant { certificates: Arc::new(Broken(hangs(released))), ..tenant() };
    hanging.limits.service_time = Duration::from_millis(50);
    let own = RUNTIME.with_own_services(1);
    assert_eq!(status(&own.run(&hanging, &out(), MESSAGE)), "451 4.7.5");
    assert_eq!(cause(&own.run(&hanging, &out(), MESSAGE)), "no-worker");
    let other = RUNTIME.with_own_services(1);
    assert!(matches!(other.run(&tenant(), &out(), MESSAGE).verdict, Verdict::Deliver(_)));
    drop(release);
}

#[test]
fn t33_nobody_elses_key_is_handed_out() {
    let script = Script::with_keys_of(&["alice", "bob", "carol", "dave"]);
    // bob may not write as alice, nor may nobody.
    for submitter in [Some("bob@peer.example".to_owned()), None] {
        let envelope = Envelope { submitter, ..out() };
        let outcome = script.run(&RUNTIME, &envelope, MESSAGE);
        assert!(matches!(&outcome.verdict, Verdict::Reject(reply) if reply.code == 550), "{:?}", outcome.verdict);
        assert_eq!(outcome.private_key_operations, 0);
        assert!(outcome.events.iter().any(|event| event.name == "key-denied"), "{:?}", outcome.events);
    }
    // "No key" and "not yours" read the same.
    let not_yours = script.run(&RUNTIME, &Envelope { submitter: None, ..out() }, MESSAGE);
    let no_key = Script::with_keys_of(&["carol"]).run(&RUNTIME, &Envelope { submitter: None, ..out() }, MESSAGE);
    assert_eq!(not_yours.verdict, no_key.verdict);
}

#[test]
fn t33_a_ciphertext_opens_with_the_recipients_key_alone() {
    let script = Script::with_keys_of(&["alice", "carol", "dave"]);
    let sent = script.run(&RUNTIME, &out(), MESSAGE);
    let on_the_wire = sizes::delivered(&sent).unwrap();
    let received = script.run(&RUNTIME, &envelope(Direction::Inbound, "alice", &["dave"]), on_the_wire);
    assert_eq!(received.private_key_operations, 0);
    let received = script.run(&RUNTIME, &envelope(Direction::Inbound, "alice", &["carol"]), on_the_wire);
    assert_eq!(received.private_key_operations, 1);
    assert!(sizes::delivered(&received).unwrap().ends_with(b"\r\nHello\r\n"));
}

/// Two organisations whose authorities have one name, and gave one serial number and one key identifier to two keys.
#[test]
fn t33_a_certificate_that_looks_like_another_tenants_opens_nothing_of_it() {
    let lan = Script::with_keys_of(&["carol"]);
    let carol = Certificate::from_der(&lan.keys[0].1.certificate).unwrap();
    let mut other = Script::with_keys_of(&["dave"]);
    let dave = Certificate::from_der(&other.keys[0].1.certificate).unwrap();
    let [own, foreign] = [&carol, &dave].map(|c| c.public_key().subject_public_key.raw_bytes().to_vec());
    let mut likeness = carol.encoded().to_vec();
    let at = likeness.windows(own.len()).position(|w| w == own).unwrap();
    likeness[at..at + own.len()].copy_from_slice(&foreign);
    other.keys[0].1.certificate = likeness;

    let (key, nonce) = ([7; 32], [9; 12]);
    let mut draw = |len| vec![0x5A; len as usize];
    for info in [
        key_transport(&carol, KeyTransport::OaepSha256, &key, &mut draw).unwrap(),
        key_transport_by_key_identifier(&carol, KeyTransport::Pkcs1v15, &key, &mut draw).unwrap(),
    ] {
        let text = b"Content-Type: text/plain\r\n\r\nHello\r\n".to_vec();
        let cms = auth_enveloped_data::write(&[info], Cipher::Aes256Gcm, &key, &nonce, text, &Software).unwrap();
        let header = b"From: alice@peer.example\r\nTo: carol@lan.example\r\nMIME-Version: 1.0\r\n";
        let message = [&header[..], &writer::pkcs7_mime(cms, "authEnveloped-data")].concat();
        let received = lan.run(&RUNTIME, &envelope(Direction::Inbound, "alice", &["carol"]), &message);
        assert!(sizes::delivered(&received).unwrap().ends_with(b"\r\nHello\r\n"));
        // The other tenant has but a key of its own to try, and it does not fit.
        let received = other.run(&RUNTIME, &envelope(Direction::Inbound, "alice", &["dave"]), &message);
        assert_eq!((status(&received).as_str(), received.private_key_operations), ("550 5.7.7", 1));
    }
}

#[test]
fn a_fake_hsm_replays_what_a_key_answered() {
    let script = Script::with_keys_of(&["alice", "carol"]);
    let (owner, alice) = &script.keys[0];
    let real = script.tenant().0.private_keys.identities(owner).unwrap().remove(0).key;
    assert!(!alice.pkcs8.is_empty());
    let recorder = Arc::new(Recorder::new(real));
    let recorded = RUNTIME.run(&with_key(Arc::clone(&recorder) as Arc<dyn PrivateKey>), &out(), MESSAGE);
    let recording = recorder.recording();
    assert_eq!(recording.len() as u64, recorded.private_key_operations);
    assert!(!recording.is_empty());

    let replayed = RUNTIME.run(&with_key(Arc::new(FakeHsm::new(recording.clone()))), &out(), MESSAGE);
    compare::same(&recorded, &replayed).unwrap();
    // Another message is not in the recording.
    let other = [MESSAGE, b"!\r\n"].concat();
    let outcome = RUNTIME.run(&with_key(Arc::new(FakeHsm::new(recording))), &out(), &other);
    assert_eq!(status(&outcome), "451 4.7.5");
}

#[test]
fn many_messages_at_a_time_do_not_mix() {
    let script = Script::with_keys_of(&["alice", "bob", "carol", "dave"]);
    let alone: Vec<_> = ["alice", "bob"]
        .map(|from| {
            let message = String::from_utf8(MESSAGE.to_vec()).unwrap().replace("alice", from);
            let envelope = envelope(Direction::Outbound, from, &["carol"]);
            let outcome = script.run(&RUNTIME, &envelope, message.as_bytes());
            (envelope, message, outcome)
        })
        .into();
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (script, alone, done) = (&script, &alone, &done);
            scope.spawn(move || {
                let (envelope, message, expected) = &alone[thread % 2];
                for _ in 0..20 {
                    let outcome = script.run(&RUNTIME, envelope, message.as_bytes());
                    compare::same(expected, &outcome).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.load(Ordering::Relaxed), 160);
}
