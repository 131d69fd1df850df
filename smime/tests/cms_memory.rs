//! How much memory content takes while it is signed, encrypted and read: counted
//! by the allocator, in octets above what was there before.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use smime::budget::Budget;
use smime::cms::recipient::{KeyTransport, key_transport};
use smime::cms::{Cipher, ContentInfo, Encrypted, auth_enveloped_data, enveloped_data, signed_data};
use smime::crypto::Software;
use smime::x509::Certificate;

const CONTENT: usize = 8 << 20;
/// What keys, certificates and the structure around content may take.
const ROOM: usize = 256 << 10;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(by: usize) {
    let now = NOW.fetch_add(by, Relaxed) + by;
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(octets, layout) }
    }

    unsafe fn realloc(&self, octets: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // In the sandbox a buffer that grows is a second one beside the first.
        grow(size);
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(octets, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result, and the most memory that was in use at once above what `task`
/// was given.
fn measured<T>(what: &str, task: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = task();
    let peak = PEAK.load(Relaxed).saturating_sub(before);
    println!("{what}: {:.2} times the content", peak as f64 / CONTENT as f64);
    (result, peak)
}

fn certificate() -> Certificate {
    let pem = include_str!("vectors/openssl/certificates/carol.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Certificate::from_der(&base64_simd::STANDARD.decode_to_vec(base64).unwrap()).unwrap()
}

// One test, so that nothing else allocates meanwhile.
#[test]
fn content_is_held_once_more_at_most() {
    let content = vec![b'x'; CONTENT];
    let parse = |encoded: &[u8]| ContentInfo::parse(encoded, &mut Budget::for_message(encoded.len())).unwrap();

    let (signed, peak) = measured("sign", || signed_data::write(Some(&content), &[], &[]));
    assert!(peak < CONTENT + ROOM, "{peak}");
    let (info, peak) = measured("read signed data", || parse(&signed));
    assert!(peak < ROOM, "{peak}");
    let ContentInfo::Signed(data) = info else { panic!() };
    let (_, peak) = measured("look at signed content", || data.content().unwrap().join(&signed).len());
    assert!(peak < ROOM, "{peak}");
    drop(signed);

    // The same content in segments of 4 KiB, as a program writes it that
    // encodes while it reads.
    let segments: Vec<u8> = content.chunks(4096).flat_map(|chunk| [&[4, 0x82, 0x10, 0], chunk].concat()).collect();
    let (oid, data_oid) = ([6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 2], [6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1]);
    let streamed = [
        &[0x30, 0x80][..],
        &oid,
        &[0xA0, 0x80, 0x30, 0x80, 2, 1, 1, 0x31, 0, 0x30, 0x80],
        &data_oid,
        &[0xA0, 0x80, 0x24, 0x80],
        &segments,
        &[0; 6],
        &[0x31, 0],
        &[0; 6],
    ]
    .concat();
    drop(segments);
    let (info, peak) = measured("read streamed signed data", || parse(&streamed));
    assert!(peak < ROOM, "{peak}");
    let ContentInfo::Signed(data) = info else { panic!() };
    let (taken, peak) = measured("take streamed content", || data.content().unwrap().clone().take(streamed));
    assert!(peak < ROOM, "{peak}");
    assert_eq!(taken, content);
    drop(taken);

    let certificate = certificate();
    let mut draw = |len: u32| vec![7; len as usize];
    for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
        let key = vec![1; cipher.key_len()];
        let iv = vec![2; cipher.iv_len()];
        let recipients = [key_transport(&certificate, KeyTransport::OaepSha256, &key, &mut draw).unwrap()];
        let write = |plaintext: Vec<u8>| match cipher.is_authenticated() {
            true => auth_enveloped_data::write(&recipients, cipher, &key, &iv, plaintext, &Software).unwrap(),
            false => enveloped_data::write(&recipients, cipher, &key, &iv, plaintext, &Software).unwrap(),
        };
        // The plaintext is given away: at its peak there is it, and what it grows into.
        let plaintext = content.clone();
        let (encoded, peak) = measured("encrypt", || write(plaintext));
        assert!(peak < CONTENT + ROOM, "{cipher:?}: {peak}");
        // With some room to spare it stays where it is.
        let mut roomy = Vec::with_capacity(CONTENT + 4096);
        roomy.extend_from_slice(&content);
        let (_, peak) = measured("encrypt with room", || write(roomy).len());
        assert!(peak < ROOM, "{cipher:?}: {peak}");
        let (decrypted, peak) = measured("read and decrypt", || match parse(&encoded) {
            ContentInfo::Enveloped(data) => data.decrypt(encoded, &key, &Software).unwrap(),
            ContentInfo::AuthEnveloped(data) => data.decrypt(encoded, &key, &Software).unwrap(),
            other => panic!("{other:?}"),
        });
        assert!(peak < ROOM, "{cipher:?}: {peak}");
        assert_eq!(decrypted, content);
    }
}
