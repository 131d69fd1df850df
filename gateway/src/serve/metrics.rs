//! What is counted: every metric, its labels and its unit stand here and nowhere
//! else. The values of labels are names out of the configuration and words of this
//! program, never anything out of a message.

use std::time::Duration;

use host::Reply;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, set_global_recorder,
    with_local_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::record::Record;

/// Begins to count. The handle writes down what was counted, in the text format of
/// Prometheus.
pub fn start() -> Result<PrometheusHandle, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("nothing can be counted: {error}");
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_octets".into()), &OCTETS))
        .map_err(|error| wrong(&error))?
        .build_recorder();
    let handle = recorder.handle();
    set_global_recorder(recorder).map_err(|error| wrong(&error))?;
    describe();
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Counts a message, which was refused for `reason`; empty is a delivery.
pub fn message(record: &Record<'_>, reason: &str) {
    let tenant = record.tenant.clone().unwrap_or_else(|| NOBODY.to_owned());
    let direction = record.direction_name().unwrap_or(NOBODY);
    counter!(MESSAGES, "tenant" => tenant.clone(), "listener" => record.listener.to_owned(),
        "direction" => direction, "verdict" => record.verdict(), "reason" => reason.to_owned())
    .increment(1);
    counter!(OCTETS_SEEN, "tenant" => tenant.clone(), "direction" => direction).increment(record.size as u64);
    histogram!(WHOLE, "direction" => direction, "verdict" => record.verdict()).record(record.elapsed);
    histogram!(WAITED, "tenant" => tenant.clone()).record(record.waited);
    // Mail among insiders, and what is refused at the door, never gets there.
    if !record.filtered.is_zero() {
        histogram!(WORKED, "tenant" => tenant.clone(), "direction" => direction).record(record.filtered);
        histogram!(MEMORY_PEAK, "direction" => direction).record(record.memory_peak as f64);
    }
    counter!(KEY_OPERATIONS, "tenant" => tenant).increment(record.private_key_operations);
}

/// What stands for a tenant or a direction where there is none.
pub const NOBODY: &str = "-";

/// A sender or a recipient was not taken, for `reason`.
pub fn turned_away(listener: &str, reason: &str) {
    counter!(TURNED_AWAY, "listener" => listener.to_owned(), "reason" => reason.to_owned()).increment(1);
}

/// A client that is connected, counted until this is dropped.
#[must_use = "it has left when this is dropped"]
pub struct Connected(metrics::Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A client of this listener is connected, until the result is dropped.
pub fn connection(listener: &str) -> Connected {
    counter!(CONNECTIONS, "listener" => listener.to_owned(), "result" => "taken").increment(1);
    let connected = gauge!(CONNECTED, "listener" => listener.to_owned());
    connected.increment(1.0);
    Connected(connected)
}

/// A client of this listener was turned away: all connections were taken.
pub fn connection_refused(listener: &str) {
    counter!(CONNECTIONS, "listener" => listener.to_owned(), "result" => "refused").increment(1);
}

/// What came of a message that was offered to a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedOn {
    /// It took all of it.
    Taken,
    /// It took not all of it, for now: 4xx.
    Deferred,
    /// It took not all of it, for good: 5xx.
    Refused,
    /// It could not be reached, or did not answer as its protocol says.
    Failed,
}

impl HandedOn {
    /// By what the client is told.
    pub fn of(told: &Result<(), Reply>) -> Self {
        match told {
            Ok(()) => Self::Taken,
            Err(reply) if reply.code < 500 => Self::Deferred,
            Err(_) => Self::Refused,
        }
    }
}

/// A message was offered to the next hop at this address.
pub fn handed_on(next_hop: &str, result: HandedOn, took: Duration) {
    let result = match result {
        HandedOn::Taken => "taken",
        HandedOn::Deferred => "deferred",
        HandedOn::Refused => "refused",
        HandedOn::Failed => "failed",
    };
    counter!(NEXT_HOP, "next_hop" => next_hop.to_owned(), "result" => result).increment(1);
    histogram!(NEXT_HOP_TOOK, "next_hop" => next_hop.to_owned()).record(took);
}

/// The configuration was read again, and taken over or refused.
pub fn reloaded(taken_over: bool) {
    counter!(RELOADS, "result" => if taken_over { "taken" } else { "refused" }).increment(1);
}

/// The configuration in force was read at `time`, in seconds since 1970.
pub fn configured(time: u64) {
    gauge!(CONFIGURED).set(time as f64);
}

/// Octets of mail that are held at this moment.
pub fn held(octets: usize) {
    gauge!(HELD).set(octets as f64);
}

/// What tenants are like now, as `tell` says with the functions below: written down
/// as the rest is. What it does not tell any more is gone.
pub fn of_tenants(tell: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&recorder, || {
        describe_tenants();
        tell();
    });
    recorder.handle().render()
}

/// So many messages of this tenant have their place.
pub fn in_progress(tenant: &str, messages: usize) {
    gauge!(IN_PROGRESS, "tenant" => tenant.to_owned()).set(messages as f64);
}

/// What is on file of a tenant: how many owners have a certificate that is `valid`,
/// `expiring` or `expired`, and in how many seconds the first expires (negative:
/// since when it has).
pub fn certificates(tenant: &str, kind: &'static str, counts: [(&'static str, usize); 3], earliest: Option<f64>) {
    for (state, count) in counts {
        gauge!(CERTIFICATES, "tenant" => tenant.to_owned(), "kind" => kind, "state" => state).set(count as f64);
    }
    if let Some(seconds) = earliest {
        gauge!(EXPIRY, "tenant" => tenant.to_owned(), "kind" => kind).set(seconds);
    }
}

/// In how many seconds the first issuer has no revocation list in force any more
/// (negative: since when it has none).
pub fn revocation_lists(tenant: &str, remaining: f64) {
    gauge!(LISTS, "tenant" => tenant.to_owned()).set(remaining);
}

/// Whether a key service of a tenant can be used.
pub fn key_service(tenant: &str, service: &'static str, up: bool) {
    gauge!(SERVICE_UP, "tenant" => tenant.to_owned(), "service" => service).set(if up { 1.0 } else { 0.0 });
}

fn describe() {
    describe_counter!(MESSAGES, "Messages judged; reason is a cause of docs/audit.md");
    describe_counter!(OCTETS_SEEN, Unit::Bytes, "Octets of the messages judged, as they came");
    describe_histogram!(WHOLE, Unit::Seconds, "From the last octet of a message to the judgement");
    describe_histogram!(WAITED, Unit::Seconds, "Waiting for a place in the sandbox");
    describe_histogram!(WORKED, Unit::Seconds, "In the sandbox, key services included");
    describe_histogram!(MEMORY_PEAK, Unit::Bytes, "The most memory that a message's sandbox took");
    describe_counter!(KEY_OPERATIONS, "Uses of private keys");
    describe_counter!(TURNED_AWAY, "Senders, recipients and commands that were not taken");
    describe_gauge!(CONNECTED, "Clients connected");
    describe_counter!(CONNECTIONS, "Clients that connected, or were turned away for want of room");
    describe_gauge!(HELD, Unit::Bytes, "Octets of mail held in memory");
    describe_counter!(NEXT_HOP, "Messages offered to the next hop");
    describe_histogram!(NEXT_HOP_TOOK, Unit::Seconds, "From the beginning of such a message to the last answer");
    describe_counter!(RELOADS, "Configurations read again, and taken over or refused");
    describe_gauge!(CONFIGURED, Unit::Seconds, "When the configuration in force was read, since 1970");
    describe_gauge!(BUILD, "Always 1; the version is a label");
}

fn describe_tenants() {
    describe_gauge!(IN_PROGRESS, "Messages that have their place in the sandbox");
    describe_gauge!(CERTIFICATES, "Addresses by the state of their last certificate");
    describe_gauge!(EXPIRY, Unit::Seconds, "Time until the first certificate expires that has no successor");
    describe_gauge!(LISTS, Unit::Seconds, "Time until the first issuer has no revocation list in force");
    describe_gauge!(SERVICE_UP, "Whether a key service can be used (1) or not (0)");
}

const MESSAGES: &str = "wasmime_messages_total";
const OCTETS_SEEN: &str = "wasmime_message_octets_total";
const WHOLE: &str = "wasmime_message_seconds";
const WAITED: &str = "wasmime_message_wait_seconds";
const WORKED: &str = "wasmime_sandbox_seconds";
const MEMORY_PEAK: &str = "wasmime_sandbox_memory_octets";
const KEY_OPERATIONS: &str = "wasmime_private_key_operations_total";
const TURNED_AWAY: &str = "wasmime_turned_away_total";
const IN_PROGRESS: &str = "wasmime_messages_in_progress";
const CONNECTED: &str = "wasmime_connections";
const CONNECTIONS: &str = "wasmime_connections_total";
const HELD: &str = "wasmime_held_octets";
const NEXT_HOP: &str = "wasmime_next_hop_total";
const NEXT_HOP_TOOK: &str = "wasmime_next_hop_seconds";
const RELOADS: &str = "wasmime_reloads_total";
const CONFIGURED: &str = "wasmime_configuration_timestamp_seconds";
const CERTIFICATES: &str = "wasmime_certificates";
const EXPIRY: &str = "wasmime_certificate_expiry_seconds";
const LISTS: &str = "wasmime_revocation_list_expiry_seconds";
const SERVICE_UP: &str = "wasmime_key_service_up";
const BUILD: &str = "wasmime_build_info";

/// Upper bounds of a histogram of times: from a small message to a service that
/// took all its time.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper bounds of a histogram of sizes: 1 MiB to 512 MiB.
const OCTETS: [f64; 10] = [
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
];
