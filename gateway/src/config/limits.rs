//! `[tenant.NAME.limits]`: what the messages of a tenant may cost.

use super::raw;

/// What the messages of a tenant may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one message may cost.
    pub message: host::Limits,
    /// Messages worked on at a time; others wait.
    pub messages: u32,
}

impl From<raw::Limits> for Limits {
    fn from(raw: raw::Limits) -> Self {
        let standard = host::Limits::default();
        Self {
            message: host::Limits {
                message_size: raw.message_size.map_or(standard.message_size, |octets| octets.0),
                time: raw.time.map_or(standard.time, |time| time.0),
                memory: raw.memory.map_or(standard.memory, |octets| octets.0),
                ..standard
            },
            messages: raw.messages.map_or(MESSAGES, Into::into),
        }
    }
}

/// A quarter of the messages of a gateway: four busy tenants do not starve a
/// fifth.
const MESSAGES: u32 = 16;
