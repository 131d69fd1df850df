//! The next hop: where mail goes on to, by SMTP or LMTP.
//!
//! A message is handed on in two steps, since none of it may be delivered if some
//! of it cannot be: [`NextHop::prepare`] brings every part, each on a connection
//! of its own, up to its final dot; [`hand_on::Prepared::commit`] sends the dots. There is
//! no queue here: whatever fails, the client is told so and keeps the message.

mod answer;
mod connection;
mod delivery;
mod envelope;
mod extensions;
mod fault;
mod hand_on;
mod handed;
mod pool;
mod tls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use delivery::Delivery;
pub use envelope::{HandOn, Needs, Recipient};
pub use fault::Fault;
pub use hand_on::Manner;
pub use handed::Handed;

use super::delivered::Delivered;
use super::metrics;
use crate::config::{self, NextHopProtocol};
use connection::Dial;
use extensions::Extensions;
use pool::Pool;
use tls::NextHopTls;

/// Where mail goes on to.
pub struct NextHop {
    /// Its address, for metrics and the log.
    name: String,
    pool: Pool,
    delivered: Delivered,
    /// Whether it was said that it offers no DSN.
    indiscreet: AtomicBool,
}

impl NextHop {
    /// A next hop as `settings` say, to whom we call ourselves `hostname`; no step
    /// takes longer than `patience`. What keeps it from work is told the operator.
    pub fn new(
        settings: &config::NextHop,
        hostname: &str,
        patience: Duration,
        delivered: Delivered,
    ) -> Result<Self, String> {
        let tls = NextHopTls::new(settings)?;
        let dial = Dial { address: settings.address.clone(), tls, hostname: hostname.to_owned(), patience };
        let name = settings.address.to_string();
        let pool = Pool::new(dial, settings.connections);
        Ok(Self { name, pool, delivered, indiscreet: AtomicBool::new(false) })
    }

    /// Tells the operator, once, that what is handed on as confidential to a server
    /// with these `extensions` may come back in its notifications.
    fn tell_if_indiscreet(&self, protocol: NextHopProtocol, extensions: &Extensions) {
        // By LMTP it is refused while the message is still its client's.
        let indiscreet = protocol == NextHopProtocol::Smtp && !extensions.dsn;
        if indiscreet && !self.indiscreet.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                next_hop = self.name,
                "it offers no DSN (RFC 3461), and cannot be told to keep what was opened out of its notifications"
            );
        }
    }

    /// Begins a transaction for a message that is still to come.
    pub async fn begin(&self, envelope: &HandOn) -> Result<Delivery, Fault> {
        let began = Instant::now();
        let begun = async {
            let mut places = self.pool.places(1).await?.each();
            let place = places.pop().ok_or(Fault::Busy)?;
            Delivery::begin(&self.pool, place, envelope, Needs::declared(&envelope.parameters)).await
        };
        begun.await.inspect_err(|fault| {
            fault.log(&self.name);
            metrics::handed_on(&self.name, fault.counted(), began.elapsed());
        })
    }
}
