//! Where in memory a fetched private key is, and for how long.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use host::PrivateKeys;
use zeroize::Zeroizing;

use crate::daemon::eventually;
use crate::kmip_failures::client;
use crate::kmip_server::KmipServer;
use crate::story::signature;

/// Nobody else in this process uses the key of dave.
const DAVE: &str = "dave@lan.example";

#[test]
fn a_fetched_key_is_in_locked_memory_for_its_time_and_then_nowhere() {
    let Some(server) = KmipServer::start("a_fetched_key_is_in_locked_memory_for_its_time_and_then_nowhere") else {
        return;
    };
    server.register_identity("dave", DAVE);
    let needle = Needle::of(&server.key("dave"));
    assert_eq!(needle.places(), []);

    let keys = client(&server, Duration::from_secs(4));
    let identities = keys.identities(DAVE).expect("an answer");
    signature(&identities[0]);
    let places = needle.places();
    assert!(!places.is_empty(), "the key is not held");
    assert!(places.iter().all(|place| place.locked), "the key is in memory that is not locked: {places:?}");

    drop(identities);
    eventually("a memory without the key", || needle.places().is_empty().then_some(()));
}

/// The end of a private key, disguised so that it is not found in itself: what
/// comes later into the same memory is shorter, and does not write over that.
struct Needle(Vec<u8>);

/// Where it was found.
#[derive(Debug, PartialEq)]
struct Place {
    address: u64,
    locked: bool,
}

impl Needle {
    fn of(pkcs8: &str) -> Self {
        let key = Zeroizing::new(fs::read(pkcs8).expect("a key"));
        // Of the 128 octets of the coefficient, which is the last number.
        Self(key[key.len() - 40..key.len() - 8].iter().map(|octet| octet ^ DISGUISE).collect())
    }

    /// Every place in the memory of this process where it is, in either order of
    /// octets: as it is encoded, and as it is computed with.
    fn places(&self) -> Vec<Place> {
        let memory = File::open("/proc/self/mem").expect("the memory");
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        let mut found = Vec::new();
        for (range, locked) in mappings() {
            let mut at = range.start;
            while at < range.end {
                let most = buffer.len().min((range.end - at) as usize);
                // What is unmapped meanwhile holds no key.
                let Ok(count @ 1..) = memory.read_at(&mut buffer[..most], at) else { break };
                let hits = self.hits(&buffer[..count]).into_iter().map(|hit| at + hit as u64);
                let hits = hits.filter(|address| !own.contains(address));
                found.extend(hits.map(|address| Place { address, locked }));
                // The next piece begins with the end of this one.
                at += if count == buffer.len() { count - self.0.len() } else { count } as u64;
            }
        }
        buffer.fill(0);
        found.dedup();
        found
    }

    fn hits(&self, octets: &[u8]) -> Vec<usize> {
        let (first, last) = (self.0[0] ^ DISGUISE, self.0[self.0.len() - 1] ^ DISGUISE);
        let is = |window: &[u8]| {
            let window = || window.iter().map(|octet| octet ^ DISGUISE);
            window().eq(self.0.iter().copied()) || window().rev().eq(self.0.iter().copied())
        };
        let starts = memchr::memchr2_iter(first, last, octets);
        starts.filter(|start| octets.get(*start..start + self.0.len()).is_some_and(is)).collect()
    }
}

const DISGUISE: u8 = 0x5A;

/// The memory of this process that it can write to, and whether it is locked.
fn mappings() -> Vec<(Range<u64>, bool)> {
    let text = fs::read_to_string("/proc/self/smaps").expect("the mappings");
    let mut mappings: Vec<(Range<u64>, bool)> = Vec::new();
    let mut writable = false;
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if let Some((_, locked)) = mappings.last_mut().filter(|_| writable) {
                *locked = flags.split_whitespace().any(|flag| flag == "lo");
            }
        } else if let Some((range, rest)) = line.split_once(' ').filter(|(range, _)| range.contains('-')) {
            let ends = range.split_once('-').map(|(from, to)| [from, to].map(|end| u64::from_str_radix(end, 16)));
            let Some([Ok(from), Ok(to)]) = ends else { continue };
            writable = rest.starts_with("rw");
            if writable {
                mappings.push((from..to, false));
            }
        }
    }
    mappings
}
