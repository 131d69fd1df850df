//! Memory for private keys that are kept for a while: it is not written to swap
//! space or into a core dump, and is erased when it is given up.
#![allow(unsafe_code)] // three calls of the kernel, which take addresses

use std::ffi::c_void;
use std::fmt;
use std::ops::Deref;

use rustix::mm::{Advice, madvise, mlock, munlock};
use zeroize::Zeroize as _;

/// The most octets of a secret: a private key of the largest kind in use.
pub(crate) const MOST: usize = 2 * PAGE;
/// The page of most machines. On one with larger pages two secrets may share a
/// page, and the second is no longer locked once the first is given up.
const PAGE: usize = 4096;

/// A secret in locked memory.
pub(crate) struct Locked {
    pages: Box<Pages>,
    len: usize,
}

/// Whole pages, so that locking and unlocking concerns nobody else's octets.
#[repr(align(4096))]
struct Pages([u8; MOST]);

/// Why a secret is not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLocked {
    /// It has more than [`MOST`] octets.
    TooLong,
    /// The system locks no more memory for this process (`RLIMIT_MEMLOCK`).
    Denied,
}

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is larger than any key in use",
            Self::Denied => "the system locks no more memory for this process; raise LimitMEMLOCK= or `ulimit -l`",
        })
    }
}

impl Locked {
    /// Copies `secret` into locked memory. The caller erases the original.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, NotLocked> {
        let mut pages = Box::new(Pages([0; MOST]));
        // SAFETY: the range is that of an allocation which is owned here, and
        // locking changes none of its octets.
        unsafe { mlock(address(&mut pages), MOST) }.map_err(|_| NotLocked::Denied)?;
        // SAFETY: as above. An old kernel may not know how; a core dump is then
        // as private as the process.
        let _ = unsafe { madvise(address(&mut pages), MOST, Advice::LinuxDontDump) };
        let mut locked = Self { pages, len: secret.len() };
        locked.pages.0.get_mut(..secret.len()).ok_or(NotLocked::TooLong)?.copy_from_slice(secret);
        Ok(locked)
    }
}

impl Deref for Locked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.pages.0.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.pages.0.zeroize();
        // SAFETY: the range is that of an allocation which is owned here.
        let _ = unsafe { madvise(address(&mut self.pages), MOST, Advice::LinuxDoDump) };
        // SAFETY: as above.
        let _ = unsafe { munlock(address(&mut self.pages), MOST) };
    }
}

fn address(pages: &mut Box<Pages>) -> *mut c_void {
    pages.0.as_mut_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kilobytes of memory of this process that are locked.
    fn locked() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn a_secret_is_locked_for_as_long_as_it_is_held() {
        let before = locked();
        let secret = Locked::new(b"the private key").unwrap();
        assert_eq!(&*secret, b"the private key");
        assert!(locked() >= before + 8, "{} {before}", locked());
        drop(secret);
    }

    #[test]
    fn what_is_larger_than_any_key_is_not_held() {
        assert_eq!(Locked::new(&[0; MOST + 1]).err(), Some(NotLocked::TooLong));
        assert_eq!(Locked::new(&[7; MOST]).unwrap().len(), MOST);
    }
}
