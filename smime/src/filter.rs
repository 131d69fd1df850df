//! What becomes of one message: the way in and the way out, and the verdict.

mod content;
mod inbound;
mod layer;
mod outbound;
mod place;
mod protect;
mod recipient;
mod results;
mod revocation;
mod signature;
mod trust;
mod unwrap;

use crate::error::Error;
use crate::host::{Field, Host, Severity};
use crate::mime;
use crate::verdict::{Delivery, Direction, Envelope, Verdict};

/// Decides what becomes of `message`: the header, an empty line and the body,
/// with CRLF line ends and without the dots of the DATA command.
///
/// There is no error beside the verdict: what cannot be judged is refused, and
/// what may succeed later is deferred. Whatever the reason, the host learns it
/// by [`Host::report`] and the client by the reply.
pub fn process<H: Host>(host: &mut H, envelope: &Envelope, message: Vec<u8>) -> Verdict {
    match deliveries(host, envelope, &message) {
        Ok(deliveries) => Verdict::Deliver(deliveries),
        Err(error) => {
            let verdict = error.verdict();
            let event = match verdict {
                Verdict::Defer(_) => "message-deferred",
                _ => "message-rejected",
            };
            host.report(Severity::Error, event, &explain(&error));
            verdict
        }
    }
}

fn deliveries<H: Host>(host: &mut H, envelope: &Envelope, message: &[u8]) -> Result<Vec<Delivery>, Error> {
    mime::check_line_ends(message)?;
    match envelope.direction {
        Direction::Inbound => inbound::deliveries(host, envelope, message),
        Direction::Outbound => outbound::deliveries(host, envelope, message),
    }
}

fn explain(error: &Error) -> Vec<Field> {
    let mut fields = vec![Field::text("cause", error.cause())];
    fields.extend(error.detail().map(|detail| Field::text("detail", detail)));
    fields
}
