//! Whoever sends probes learns nothing from the answer, nor from the time it takes (T13, T45): box tests in the manner of
//! marvin-toolkit, on the time of the processor, so that other work on the machine does not count.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cpu_time::ProcessTime;
use host::memory::MemoryKeys;
use host::{Certificates, Direction, Identity, Reply, Runtime, SoftwareKey, Tenant, Verdict};
use host_test::script::{address, envelope};
use host_test::variants::Variants;
use host_test::{sizes, variants};
use smime::cms::recipient::{KeyTransport, key_transport};
use smime::cms::{Cipher, auth_enveloped_data, enveloped_data};
use smime::crypto::Software;
use smime::mime::writer;
use smime::x509::Certificate;

/// The process is measured as a whole, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nThe offer stands until Friday.\r\n";

/// carol's organisation, where she has a key of `tests/pki`.
fn tenant(key: &str) -> (Tenant, Certificate) {
    let read = |kind: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/pki/{key}.{kind}"));
        let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        der::pem::decode_vec(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())).1
    };
    let (certificate, software) = (read("pem"), SoftwareKey::from_pkcs8(&read("key")).unwrap());
    let mut keys = MemoryKeys::default();
    let identity =
        Identity { certificate: certificate.clone(), chain: Vec::new(), key: Arc::new(software), retired: false };
    keys.add_identity(&address("carol"), identity);
    let keys = Arc::new(keys);
    let certificates = Arc::clone(&keys) as Arc<dyn Certificates>;
    let parsed = Certificate::from_der(&certificate).unwrap();
    (Tenant { certificates, private_keys: keys, ..sizes::tenant() }, parsed)
}

/// Octets that look random, another run of them for each `seed`.
fn octets(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A `RecipientInfo` with this content-encryption key, by PKCS #1 v1.5, whose padding has no zeros.
fn recipient_info(certificate: &Certificate, key: &[u8], seed: u64) -> Vec<u8> {
    let mut padding = |len| octets(seed + 1, len as usize).into_iter().map(|octet| octet | 1).collect();
    key_transport(certificate, KeyTransport::Pkcs1v15, key, &mut padding).unwrap()
}

/// A message from alice with this entity in it.
fn message(entity: &[u8]) -> Vec<u8> {
    let header = "From: alice@peer.example\r\nTo: carol@lan.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
    [header.as_bytes(), entity].concat()
}

/// Sends `rounds` messages of each kind, by turns; the one reply to all of them, and for each kind what its cheapest
/// quarter costs on average, in nanoseconds: noise only adds.
fn measure(runtime: &Runtime, tenant: &Tenant, rounds: u64, kinds: &[&dyn Fn(u64) -> Vec<u8>]) -> (Reply, Vec<u128>) {
    let envelope = envelope(Direction::Inbound, "alice", &["carol"]);
    let mut reply = None;
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..rounds {
        for (kind, times) in kinds.iter().zip(&mut times) {
            let message = kind(round);
            let started = ProcessTime::now();
            let outcome = runtime.run(tenant, &envelope, &message);
            times.push(started.elapsed().as_nanos());
            let Verdict::Reject(found) = outcome.verdict else { panic!("{:?}", outcome.verdict) };
            assert_eq!(*reply.get_or_insert(found.clone()), found, "one answer to all");
        }
    }
    let cheapest = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times.truncate(times.len() / 4);
        times.iter().sum::<u128>() / times.len() as u128
    });
    (reply.unwrap(), cheapest.collect())
}

#[track_caller]
fn assert_alike(times: &[u128]) {
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(most - least < least / 4, "{times:?} ns");
}

#[test]
fn t13_probes_of_every_kind_get_one_answer_in_one_time() {
    let _alone = ALONE.lock();
    let runtime = variants::runtime(None).unwrap();
    // 10,000 probes: of a key of 2048 bits, and of one of 4096.
    for (key, rounds) in [("carol", 2_400), ("frank", 100)] {
        let (tenant, certificate) = tenant(key);
        let sealed = |info: Vec<u8>, round| {
            let (key, iv) = (octets(round + 7, 32), octets(round + 8, 16));
            let cms = enveloped_data::write(&[info], Cipher::Aes256Cbc, &key, &iv, TEXT.to_vec(), &Software).unwrap();
            message(&writer::pkcs7_mime(cms, "enveloped-data"))
        };
        let last_octet = |info: &mut Vec<u8>| info.last_mut().map(|octet| *octet ^= 1);
        // What conforms and is another key; of another length; what does not conform; and zeros where a key would be.
        let other = |round| sealed(recipient_info(&certificate, &octets(round, 32), round), round);
        let short = |round| sealed(recipient_info(&certificate, &octets(round, 16), round), round);
        let broken = |round| {
            let mut info = recipient_info(&certificate, &octets(round, 32), round);
            last_octet(&mut info);
            sealed(info, round)
        };
        let zeros = |round| {
            let mut info = recipient_info(&certificate, &octets(round, 32), round);
            let len = info.len();
            info[len - 200..].fill(0);
            sealed(info, round)
        };
        let (reply, times) = measure(&runtime, &tenant, rounds, &[&other, &short, &broken, &zeros]);
        assert_eq!((reply.code, reply.subject, reply.detail), (550, 7, 7));
        assert_alike(&times);
    }
}

#[test]
fn t45_it_costs_the_same_wherever_a_tag_differs() {
    let _alone = ALONE.lock();
    let (tenant, certificate) = tenant("carol");
    let sealed = |at_end: usize, round: u64| {
        let (key, nonce) = (octets(round, 32), octets(round + 1, 12));
        let info = recipient_info(&certificate, &key, round);
        let cms = auth_enveloped_data::write(&[info], Cipher::Aes256Gcm, &key, &nonce, TEXT.repeat(50), &Software);
        let mut cms = cms.unwrap();
        let at = cms.len() - at_end;
        cms[at] ^= 1;
        message(&writer::pkcs7_mime(cms, "authEnveloped-data"))
    };
    // The first and the last octet of the tag, and one of the ciphertext.
    for (name, runtime) in Variants::all().unwrap().iter() {
        let (reply, times) = measure(
            runtime,
            &tenant,
            60,
            &[&|round| sealed(16, round), &|round| sealed(1, round), &|round| sealed(100, round)],
        );
        assert_eq!((reply.code, reply.subject, reply.detail), (550, 7, 7), "{name}");
        assert_alike(&times);
    }
}
