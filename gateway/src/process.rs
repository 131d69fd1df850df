//! `wasmime process`: one message in, one verdict out; the pipe for mail servers,
//! scripts and tests.

mod answer;
mod files;
mod lines;

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use host::memory::FixedClock;
use host::services::SystemClock;
use host::{Clock, Envelope, Limits, Runtime, Verdict};

use crate::cli::{Cli, Direction, Format, ProcessArguments};
use crate::config::{Config, TenantConfig};
use crate::{Failure, exit, runtime, tenant};
use answer::Answer;
use lines::LineEnds;

/// Filters the message on standard input and prints the verdict.
pub fn run(cli: &Cli, arguments: &ProcessArguments) -> Result<ExitCode, Failure> {
    let config = Config::load(&arguments.config.config)?;
    let received = read(&mut io::stdin().lock())?;
    let line_ends = LineEnds::of(&received);
    let message = line_ends.to_mail(&received);
    let clock: Arc<dyn Clock> = match arguments.at {
        Some(time) => Arc::new(FixedClock(time)),
        None => Arc::new(SystemClock),
    };
    let answer = match shares(&config, arguments) {
        Ok(shares) => {
            let runtime = runtime::open(cli.cache.as_deref(), arguments.component.as_deref())?;
            filter(&runtime, &shares, arguments, &message, &clock)?
        }
        Err(refused) => refused,
    };
    match arguments.format {
        Format::Json => print_json(answer, arguments, &received),
        Format::Message => print_message(&answer, &received, line_ends),
    }
}

/// Recipients of one tenant, by their place on the command line.
struct Share<'c> {
    tenant: &'c TenantConfig,
    recipients: Vec<usize>,
}

/// Whose mail it is: outbound that of the sender's tenant, inbound that of each
/// recipient's. The answer refuses mail that is nobody's.
fn shares<'c>(config: &'c Config, arguments: &ProcessArguments) -> Result<Vec<Share<'c>>, Answer> {
    let mut shares: Vec<Share<'c>> = Vec::new();
    match arguments.direction {
        Direction::Outbound => {
            let known = [Some(reverse_path(arguments)), arguments.submitter.as_deref().map(Some)];
            let tenant = known.into_iter().flatten().flatten().find_map(|mailbox| config.tenant_of(mailbox));
            let tenant = tenant.ok_or_else(|| Answer::refused("The domain of the sender is not served here"))?;
            shares.push(Share { tenant, recipients: (0..arguments.rcpt_to.len()).collect() });
        }
        Direction::Inbound => {
            for (index, recipient) in arguments.rcpt_to.iter().enumerate() {
                let tenant = config.tenant_of(recipient);
                let tenant = tenant.ok_or_else(|| Answer::refused("A recipient's domain is not served here"))?;
                match shares.iter_mut().find(|share| share.tenant.name == tenant.name) {
                    Some(share) => share.recipients.push(index),
                    None => shares.push(Share { tenant, recipients: vec![index] }),
                }
            }
        }
    }
    Ok(shares)
}

/// Runs the filter once for each tenant. What one refuses is refused for all: the
/// client gets one answer.
fn filter(
    runtime: &Runtime,
    shares: &[Share<'_>],
    arguments: &ProcessArguments,
    message: &[u8],
    clock: &Arc<dyn Clock>,
) -> Result<Answer, Failure> {
    let mut answer = Answer::default();
    for share in shares {
        let services = tenant::open(share.tenant, Arc::clone(clock))?;
        let envelope = envelope(arguments, &share.recipients);
        answer.add(runtime.run(&services, &envelope, message), &share.recipients);
    }
    Ok(answer)
}

fn envelope(arguments: &ProcessArguments, recipients: &[usize]) -> Envelope {
    let sender = reverse_path(arguments).map(str::to_owned);
    let (direction, submitter) = match arguments.direction {
        Direction::Inbound => (host::Direction::Inbound, arguments.submitter.clone()),
        Direction::Outbound => (host::Direction::Outbound, arguments.submitter.clone().or_else(|| sender.clone())),
    };
    let recipients = recipients.iter().filter_map(|&index| arguments.rcpt_to.get(index).cloned()).collect();
    Envelope { direction, submitter, sender, recipients }
}

/// The reverse-path; none is the null one.
fn reverse_path(arguments: &ProcessArguments) -> Option<&str> {
    match arguments.mail_from.as_str() {
        "" | "<>" => None,
        mailbox => Some(mailbox),
    }
}

/// Reads a message, and no more of it than shows that it is too large.
fn read(input: &mut impl Read) -> Result<Vec<u8>, Failure> {
    let mut message = Vec::new();
    // Line ends may grow it by as much again before its size is judged.
    let most = Limits::default().message_size as u64 + 1;
    input
        .take(most)
        .read_to_end(&mut message)
        .map_err(|e| Failure::new(exit::TEMPFAIL, format!("the message cannot be read from standard input: {e}")))?;
    Ok(message)
}

fn print_json(mut answer: Answer, arguments: &ProcessArguments, received: &[u8]) -> Result<ExitCode, Failure> {
    if let (Some(directory), Verdict::Deliver(deliveries)) = (&arguments.output, &answer.verdict) {
        match files::write(directory, deliveries, received) {
            Ok(names) => answer.files = names,
            // The mail server still has the message, and sends it again.
            Err(e) => {
                answer.out_of_space(format!("{} cannot be written: {e}", directory.display()));
            }
        }
    }
    let json = answer.json(&arguments.rcpt_to);
    let mut out = io::stdout().lock();
    writeln!(out, "{json}").and_then(|()| out.flush()).map_err(unprinted)?;
    Ok(ExitCode::from(answer.status()))
}

/// Prints the message to deliver, with the line ends it came with.
fn print_message(answer: &Answer, received: &[u8], line_ends: LineEnds) -> Result<ExitCode, Failure> {
    match &answer.verdict {
        Verdict::Deliver(deliveries) => {
            let [delivery] = deliveries.as_slice() else {
                let forms = deliveries.len();
                return Err(Failure::new(
                    exit::TEMPFAIL,
                    format!("the recipients get {forms} different messages; call once for each, or use --output"),
                ));
            };
            let content = match &delivery.content {
                host::Content::Unchanged => received.into(),
                host::Content::Rewritten(octets) => line_ends.from_mail(octets),
            };
            let mut out = io::stdout().lock();
            out.write_all(&content).and_then(|()| out.flush()).map_err(unprinted)?;
        }
        Verdict::Reject(reply) | Verdict::Defer(reply) => eprintln!("{}", answer::line(reply)),
    }
    Ok(ExitCode::from(answer.status()))
}

fn unprinted(e: io::Error) -> Failure {
    Failure::new(exit::TEMPFAIL, format!("the answer cannot be printed: {e}"))
}
