//! The figures, as a table.

use std::fmt;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::measure::{KeyOperation, Load, Message, Usage, Used};

/// What a way of messages came to.
pub struct Row {
    name: &'static str,
    rate: f64,
    ratio: f64,
    /// Messages a second without private-key operations, and that beside (b).
    without_keys: Option<(f64, f64)>,
    gateway: Option<(Duration, Usage)>,
}

/// What the figures are of, and the names of the columns.
pub fn heading(load: &Load, operation: &KeyOperation, clear: &Message, sealed: &Message) -> String {
    format!(
        "\n{} messages of {} octets (sealed: {}) over {} sessions, {} processors; one RSA-2048 operation takes {:.0} us, \
         {} for (c), {} for (d).\nWithout keys: the time less that of these operations, spread over all processors.\n\n\
         {:36} {:>10} {:>7} {:>14} {:>7} {:>12} {:>10}",
        load.messages,
        clear.size,
        sealed.size,
        load.sessions,
        processors(),
        operation.time.as_secs_f64() * 1e6,
        clear.key_operations,
        sealed.key_operations,
        "",
        "messages/s",
        "of (b)",
        "without keys/s",
        "of (b)",
        "CPU/message",
        "memory"
    )
}

impl Row {
    /// A way without the gateway.
    pub fn plain(name: &'static str, used: &Used, idle: &Used) -> Self {
        Self { name, rate: used.rate(), ratio: used.rate() / idle.rate(), without_keys: None, gateway: None }
    }

    /// A way by the gateway, which uses private keys so often for each message.
    pub fn filtered(name: &'static str, used: &Used, idle: &Used, operations: u64, operation: &KeyOperation) -> Self {
        let keys = operation.time.as_secs_f64() * operations as f64 * f64::from(used.messages) / processors() as f64;
        let rate = f64::from(used.messages) / (used.time.as_secs_f64() - keys);
        let gateway = used.gateway.map(|usage| (usage.cpu / used.messages.max(1), usage));
        Self { without_keys: Some((rate, rate / idle.rate())), gateway, ..Self::plain(name, used, idle) }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:36} {:>10.0} {:>7.2}", self.name, self.rate, self.ratio)?;
        if let Some((rate, ratio)) = self.without_keys {
            write!(f, " {rate:>14.0} {ratio:>7.2}")?;
        }
        if let Some((each, usage)) = self.gateway {
            write!(f, " {:>9.2} ms {:>6} MiB", each.as_secs_f64() * 1e3, usage.memory >> 20)?;
        }
        Ok(())
    }
}

fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}
