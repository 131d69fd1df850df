//! `wasmime process`: one message from standard input, its verdict on standard
//! output.
//!
//! Whatever goes wrong once the configuration is read defers the message, and
//! nothing of it is left behind.

mod answer;

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use host::{Content, Delivery, Direction, Envelope, Event, Harvest, Limits, Outcome, Severity, Statistics, Verdict};

use crate::cli;
use crate::config::Configuration;
use crate::exit::{Failure, Status};
use crate::files;
use crate::line_ends::LineEnds;
use crate::report::{self, Report};
use crate::tenant::{self, Share};
use crate::trust::FileTrust;
use answer::{Answer, Fault};

/// Decides what becomes of the message on standard input.
pub fn run(arguments: &cli::Process) -> Result<Status, Failure> {
    let configuration = Configuration::read(&arguments.configuration.config)?;
    let envelope = envelope(arguments);
    let mut received = Received::default();
    let mut answer = match tenant::shares(&configuration, &envelope) {
        Ok(shares) => {
            let trusts = trusts(&shares)?;
            filter(arguments, &shares, trusts, &envelope, &mut received).unwrap_or_else(Answer::from)
        }
        Err(not_served) => Answer::not_served(&not_served),
    };
    if let Err(fault) = deliver(arguments, &received, &answer.verdict) {
        answer.fail(fault);
    }
    log_events(&answer);
    let told = tell(arguments, &envelope, &received, &answer);
    received.harvests.iter().for_each(|harvest| harvest.settle());
    told
}

fn envelope(arguments: &cli::Process) -> Envelope {
    let sender = match arguments.mail_from.as_str() {
        "" | "<>" => None,
        address => Some(unbracketed(address)),
    };
    let (direction, submitter) = match arguments.direction {
        cli::Direction::Inbound => (Direction::Inbound, arguments.submitter.clone()),
        // The mail server at the other end of the pipe vouches for the sender.
        cli::Direction::Outbound => (Direction::Outbound, arguments.submitter.clone().or_else(|| sender.clone())),
    };
    let recipients = arguments.rcpt_to.iter().map(|address| unbracketed(address)).collect();
    Envelope { direction, submitter, sender, recipients }
}

/// An address without the angle brackets of the SMTP dialogue.
fn unbracketed(address: &str) -> String {
    address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address).to_owned()
}

fn trusts(shares: &[Share<'_>]) -> Result<Vec<FileTrust>, Failure> {
    let read = |share: &Share<'_>| {
        FileTrust::read(share.tenant).map_err(|errors| {
            let text = format!("tenant {}: {}", share.tenant.name, errors.join("; "));
            Failure::new(Status::Configuration, text)
        })
    };
    shares.iter().map(read).collect()
}

/// A message as it came.
struct Received {
    octets: Vec<u8>,
    line_ends: LineEnds,
    /// What it has taught, to be kept before the process ends.
    harvests: Vec<Arc<dyn Harvest>>,
}

impl Default for Received {
    fn default() -> Self {
        Self { octets: Vec::new(), line_ends: LineEnds::Mail, harvests: Vec::new() }
    }
}

/// Runs the filter, once for each tenant.
fn filter(
    arguments: &cli::Process,
    shares: &[Share<'_>],
    trusts: Vec<FileTrust>,
    envelope: &Envelope,
    received: &mut Received,
) -> Result<Answer, Fault> {
    // One octet more than is accepted, so that the host refuses it.
    let most = Limits::default().message_size.saturating_add(1) as u64;
    let read = io::stdin().lock().take(most).read_to_end(&mut received.octets);
    read.map_err(|error| Fault::SetUp("standard-input", error.to_string()))?;
    received.line_ends = LineEnds::of(&received.octets);
    let message = received.line_ends.to_mail(&received.octets);
    let runtime = tenant::runtime(&arguments.sandbox).map_err(|error| Fault::SetUp("sandbox", error.to_string()))?;
    let mut answer = Answer::default();
    for (share, trust) in shares.iter().zip(trusts) {
        let services = tenant::services(share.tenant, trust, tenant::clock(arguments.at))
            .map_err(|error| Fault::SetUp(error.cause(), error.to_string()))?;
        let recipients = share.recipients.iter().filter_map(|&place| envelope.recipients.get(place).cloned()).collect();
        let outcome = runtime.run(&services, &Envelope { recipients, ..envelope.clone() }, &message);
        received.harvests.push(services.harvest);
        log(&share.tenant.name, &outcome);
        answer.add(outcome, &share.recipients);
    }
    Ok(answer)
}

/// Writes what is delivered to the output folder: all of it, or nothing.
fn deliver(arguments: &cli::Process, received: &Received, verdict: &Verdict) -> Result<(), Fault> {
    let Verdict::Deliver(deliveries) = verdict else { return Ok(()) };
    if arguments.format == cli::Format::Message && deliveries.len() != 1 {
        return Err(Fault::SeveralForms(deliveries.len()));
    }
    let Some(folder) = &arguments.output else { return Ok(()) };
    let failed = |path: &Path, error| Fault::Write(path.display().to_string(), error);
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (at, delivery) in deliveries.iter().enumerate() {
        let path = report::file(folder, at);
        if let Err(error) = files::write(&path, content(delivery, received)) {
            // Half of the deliveries are no delivery.
            (0..at).for_each(|at| drop(fs::remove_file(report::file(folder, at))));
            return Err(failed(&path, error));
        }
    }
    Ok(())
}

fn content<'a>(delivery: &'a Delivery, received: &'a Received) -> &'a [u8] {
    match &delivery.content {
        Content::Unchanged => &received.octets,
        Content::Rewritten(octets) => octets,
    }
}

/// What was done for a tenant, for `-v`.
fn log(tenant: &str, outcome: &Outcome) {
    let Statistics { elapsed, memory_peak, host_calls, .. } = outcome.statistics;
    tracing::info!(tenant, ?elapsed, memory_peak, host_calls, outcome.private_key_operations, "filtered");
}

/// The events, for `-v`: by itself standard error stays fit to be put into a
/// bounce.
fn log_events(answer: &Answer) {
    for Event { severity, name, fields } in &answer.events {
        match severity {
            Severity::Info => tracing::info!(event = name, ?fields),
            Severity::Warning | Severity::Error => tracing::warn!(event = name, ?fields),
        }
    }
}

/// Prints the answer.
fn tell(
    arguments: &cli::Process,
    envelope: &Envelope,
    received: &Received,
    answer: &Answer,
) -> Result<Status, Failure> {
    let text = match (arguments.format, &answer.verdict) {
        (cli::Format::Json, _) => {
            let output = arguments.output.as_deref();
            let report = Report::new(
                &answer.verdict,
                &answer.events,
                answer.private_key_operations,
                &envelope.recipients,
                output,
            );
            let mut text = serde_json::to_vec(&report).map_err(|error| Failure::new(Status::Defer, error))?;
            text.push(b'\n');
            Cow::Owned(text)
        }
        (cli::Format::Message, Verdict::Deliver(deliveries)) => match deliveries.first().map(|first| &first.content) {
            Some(Content::Rewritten(octets)) => received.line_ends.to_received(octets),
            Some(Content::Unchanged) | None => Cow::Borrowed(received.octets.as_slice()),
        },
        (cli::Format::Message, Verdict::Reject(reply) | Verdict::Defer(reply)) => {
            // Postfix takes what a pipe says as the text of the bounce, and the
            // status from its beginning.
            eprintln!("{} {}", report::status(reply), reply.text);
            Cow::Owned(Vec::new())
        }
    };
    let mut out = io::stdout().lock();
    out.write_all(&text)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(Status::Defer, format!("standard output: {error}")))?;
    Ok(answer.status())
}
