//! The log, on standard error: one line a message. What comes from outside is
//! quoted and escaped in it, so that no mail writes a line of its own.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use host::Reply;
use tracing_subscriber::filter::{EnvFilter, dynamic_filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::metrics;
use super::record::Record;
use super::refusal::Refusal;
use super::transaction::Client;
use crate::config::LogFormat;
use crate::event;

/// Begins the log. Without `-v` it tells a line a message; `WASMIME_LOG`
/// overrides it.
pub fn start(format: LogFormat, verbose: u8) {
    set(format);
    let level = if verbose == 0 { "info" } else { "debug" };
    let filter = EnvFilter::try_from_env("WASMIME_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let text = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(dynamic_filter_fn(|_, _| !JSON.load(Ordering::Relaxed)));
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_filter(dynamic_filter_fn(|_, _| JSON.load(Ordering::Relaxed)));
    tracing_subscriber::registry().with(filter).with(text).with(json).init();
}

/// Whether lines are JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Goes on in this format.
pub fn set(format: LogFormat) {
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
}

/// The line of a message, and with `-v` one for each event.
pub fn message(record: &Record<'_>) {
    let transaction = record.transaction;
    let id = transaction.id.as_str();
    for told in &record.events {
        tracing::debug!(target: "wasmime::event", id, event = told.name, fields = ?told.fields);
    }
    tracing::info!(
        target: "wasmime::message",
        tenant = record.tenant.as_deref(),
        listener = record.listener,
        direction = record.direction_name(),
        id,
        client = shown(&transaction.client),
        login = transaction.client.login.as_deref(),
        sender = transaction.sender.as_deref().unwrap_or("<>"),
        recipients = transaction.recipients.len(),
        size = record.size,
        verdict = record.verdict(),
        reply = record.reply_codes(),
        reason = record.reason(),
        parts = record.parts,
        layers = record.layers(),
        algorithms = record.algorithms(),
        signer = record.signer(),
        private_key_operations = record.private_key_operations,
        memory_peak = record.memory_peak,
        waited_ms = milliseconds(record.waited),
        filtered_ms = milliseconds(record.filtered),
        elapsed_ms = milliseconds(record.elapsed),
    );
}

/// The line of what is not taken before there is a message, which is counted;
/// returns what the client is told.
pub fn turned_away(listener: &str, client: &Client, sender: Option<&str>, refusal: &Refusal) -> Reply {
    let (reply, told) = (refusal.reply(), refusal.event());
    metrics::turned_away(listener, event::text(&told, "cause").unwrap_or_default());
    tracing::info!(
        target: "wasmime::admission",
        listener,
        client = shown(client),
        sender = sender.unwrap_or("<>"),
        code = reply.code,
        reason = event::text(&told, "cause"),
        detail = event::text(&told, "detail"),
        "turned away"
    );
    reply
}

/// The line of a message that goes on, and that the next hop did not take as a whole.
pub fn not_handed_on(listener: &str, id: &str, reply: &Reply) {
    tracing::warn!(listener, id, code = reply.code, text = reply.text, "the next hop did not take the message");
}

/// The line of a client that left before its message was handed on: it has that still.
pub fn client_gone(listener: &str, id: &str) {
    tracing::warn!(listener, id, "the client left before its message was handed on: it has that still");
}

fn shown(client: &Client) -> String {
    client.address.as_ref().map_or("local".to_owned(), IpAddr::to_string)
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
