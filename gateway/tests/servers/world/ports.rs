//! Free ports of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port of 127.0.0.1 that nobody listens on, given out once.
///
/// From below the range that connections take theirs from (on Linux 32768 and
/// up): a server that is away for a while finds its port free again.
pub fn free() -> u16 {
    for _ in FIRST..LAST {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % (LAST - FIRST);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of 127.0.0.1 is free between {FIRST} and {LAST}");
}

const FIRST: u16 = 12_000;
const LAST: u16 = 32_000;

/// Test programs that run at the same time begin in different places.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new((process::id() % 200) as u16 * 100));
