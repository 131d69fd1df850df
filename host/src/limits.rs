//! What one message may cost. Whatever passes a limit is stopped and answered
//! with `451 4.3.0`, but for a message that is too large: `552 5.3.4`.

use std::time::Duration;

/// What one message may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a message as it is received.
    pub message_size: usize,
    /// Octets of linear memory, of all memories of the guest together. Bounded
    /// by [`crate::RuntimeOptions::memory`] as well.
    pub memory: usize,
    /// Time from the call to the verdict, waiting for services included.
    pub time: Duration,
    /// Time one service may take to answer. After it the guest is told that the
    /// service is unavailable, so that it can still defer by itself.
    pub service_time: Duration,
    /// Calls from the guest to the host.
    pub host_calls: u64,
    /// Uses of private keys.
    pub private_key_operations: u64,
    /// Handles on private keys that the guest may hold at a time.
    pub handles: usize,
    /// Octets the guest may draw from the generator.
    pub entropy: u64,
    /// Octets that one call or the verdict may carry from guest to host.
    pub transfer: usize,
    /// Events the guest may report, and fields of one event.
    pub events: usize,
    /// Octets of one name or value in an event.
    pub event_text: usize,
    /// Certificates the guest may offer.
    pub offers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Above what large providers accept (25 to 35 MB, and base64).
            message_size: 50 << 20,
            // Three layers of base64 in memory at once, at that size.
            memory: 512 << 20,
            time: Duration::from_secs(30),
            service_time: Duration::from_secs(10),
            // 2000 recipients, each with policy, certificates and padding.
            host_calls: 50_000,
            // Each recipient a group of its own, in a triple wrap.
            private_key_operations: 5_000,
            handles: 4_096,
            entropy: 16 << 20,
            // Several rewritten copies of the largest message.
            transfer: 512 << 20,
            events: 256,
            event_text: 512,
            offers: 32,
        }
    }
}
