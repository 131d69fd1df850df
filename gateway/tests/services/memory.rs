//! What lies in the memory of this process, and where.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use zeroize::Zeroizing;

/// The end of a private key, disguised so that it is not found in itself: what
/// comes later into the same memory is shorter, and does not write over that.
pub struct Needle(Vec<u8>);

/// Where it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Where.
    pub address: u64,
    /// It is locked.
    pub locked: bool,
    /// It is that of a sandbox.
    pub sandbox: bool,
}

impl Needle {
    /// What is sought of a private key in a file: PKCS #8 of RSA with 2048 bits, in DER.
    pub fn of(pkcs8: &Path) -> Self {
        let key = Zeroizing::new(fs::read(pkcs8).expect("a key"));
        // Of the 128 octets of the coefficient, which is the last number.
        Self::new(&key[key.len() - 40..key.len() - 8])
    }

    /// These octets.
    pub fn new(octets: &[u8]) -> Self {
        Self(octets.iter().map(|octet| octet ^ DISGUISE).collect())
    }

    /// Every place in the memory of this process where it is, in either order of
    /// octets: as it is encoded, and as it is computed with.
    pub fn places(&self) -> Vec<Place> {
        self.places_in(|_| true)
    }

    /// Those in the memory of sandboxes.
    pub fn places_in_sandboxes(&self) -> Vec<Place> {
        self.places_in(|mapping| mapping.sandbox)
    }

    fn places_in(&self, wanted: impl Fn(&Mapping) -> bool) -> Vec<Place> {
        let memory = File::open("/proc/self/mem").expect("the memory");
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        let mut found = Vec::new();
        for Mapping { range, locked, sandbox, .. } in mappings().into_iter().filter(wanted) {
            let mut at = range.start;
            while at < range.end {
                let most = buffer.len().min((range.end - at) as usize);
                // What is unmapped meanwhile holds no key.
                let Ok(count @ 1..) = memory.read_at(&mut buffer[..most], at) else { break };
                let hits = self.hits(&buffer[..count]).into_iter().map(|hit| at + hit as u64);
                let hits = hits.filter(|address| !own.contains(address));
                found.extend(hits.map(|address| Place { address, locked, sandbox }));
                // The next piece begins with the end of this one.
                at += if count == buffer.len() { count - self.0.len() } else { count } as u64;
            }
        }
        buffer.fill(0);
        found.dedup();
        found
    }

    /// Whether it is in `octets`.
    pub fn is_in(&self, octets: &[u8]) -> bool {
        !self.hits(octets).is_empty()
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

/// Memory of this process that it can write to.
struct Mapping {
    range: Range<u64>,
    locked: bool,
    /// It is that of a sandbox: behind it lies room that cannot be touched, so large
    /// that nothing but linear memory has it.
    sandbox: bool,
}

/// The least octets of such room.
const ROOM: u64 = 1 << 30;

fn mappings() -> Vec<Mapping> {
    let text = fs::read_to_string("/proc/self/smaps").expect("the mappings");
    let mut mappings: Vec<Mapping> = Vec::new();
    let mut writable = false;
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if let Some(mapping) = mappings.last_mut().filter(|_| writable) {
                mapping.locked = flags.split_whitespace().any(|flag| flag == "lo");
            }
        } else if let Some((range, rest)) = line.split_once(' ').filter(|(range, _)| range.contains('-')) {
            let ends = range.split_once('-').map(|(from, to)| [from, to].map(|end| u64::from_str_radix(end, 16)));
            let Some([Ok(from), Ok(to)]) = ends else { continue };
            writable = rest.starts_with("rw");
            if writable {
                mappings.push(Mapping { range: from..to, locked: false, sandbox: false });
            } else if rest.starts_with("---") && to - from >= ROOM {
                let mut end = from;
                for before in mappings.iter_mut().rev().take_while(|before| {
                    let joins = before.range.end == end;
                    end = before.range.start;
                    joins
                }) {
                    before.sandbox = true;
                }
            }
        }
    }
    mappings
}
