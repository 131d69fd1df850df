//! Whether two runs of a message came to the same.

use std::fmt::Write as _;

use host::{Content, Envelope, Event, Outcome, Runtime, Verdict};

use crate::Script;
use crate::variants::Variants;

/// Runs a message natively and through each variant, and gives the native outcome;
/// or tells in which variant what differs. Each call's cost goes to `log`.
pub fn everywhere(
    script: &Script,
    variants: &Variants,
    envelope: &Envelope,
    message: &[u8],
    log: &mut impl FnMut(&str),
) -> Result<Outcome, String> {
    let native = script.run_natively(envelope, message);
    log(&cost("native", &native));
    for (name, runtime) in variants.iter() {
        let outcome = one(script, runtime, envelope, message, name, log);
        same(&native, &outcome).map_err(|difference| format!("{name}: {difference}"))?;
    }
    Ok(native)
}

/// Runs a message through one component.
pub fn one(
    script: &Script,
    runtime: &Runtime,
    envelope: &Envelope,
    message: &[u8],
    name: &str,
    log: &mut impl FnMut(&str),
) -> Outcome {
    let outcome = script.run(runtime, envelope, message);
    log(&cost(name, &outcome));
    outcome
}

/// Whether two outcomes agree in the verdict, octet by octet, in the events and in
/// the use of private keys; or what differs.
pub fn same(expected: &Outcome, actual: &Outcome) -> Result<(), String> {
    same_verdict(&expected.verdict, &actual.verdict)?;
    let (expected_events, actual_events) = (events(&expected.events), events(&actual.events));
    if expected_events != actual_events {
        return Err(format!("the events are {actual_events}, not {expected_events}"));
    }
    if expected.private_key_operations != actual.private_key_operations {
        let (expected, actual) = (expected.private_key_operations, actual.private_key_operations);
        return Err(format!("{actual} private-key operations, not {expected}"));
    }
    Ok(())
}

fn same_verdict(expected: &Verdict, actual: &Verdict) -> Result<(), String> {
    let (Verdict::Deliver(expected), Verdict::Deliver(actual)) = (expected, actual) else {
        return if expected == actual { Ok(()) } else { Err(format!("{}, not {}", name(actual), name(expected))) };
    };
    if expected.len() != actual.len() {
        return Err(format!("{} deliveries, not {}", actual.len(), expected.len()));
    }
    for (i, (expected, actual)) in expected.iter().zip(actual).enumerate() {
        if expected.recipients != actual.recipients {
            return Err(format!("delivery {i} is for {:?}, not {:?}", actual.recipients, expected.recipients));
        }
        match (&expected.content, &actual.content) {
            (Content::Unchanged, Content::Unchanged) => {}
            (Content::Rewritten(expected), Content::Rewritten(actual)) => {
                same_octets(expected, actual).map_err(|difference| format!("delivery {i}: {difference}"))?;
            }
            (Content::Unchanged, _) => return Err(format!("delivery {i} is rewritten")),
            (Content::Rewritten(_), _) => return Err(format!("delivery {i} is unchanged")),
        }
    }
    Ok(())
}

/// Whether two messages are the same, or where they part.
pub fn same_octets(expected: &[u8], actual: &[u8]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let at = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
    let around = |octets: &[u8]| {
        let to = octets.len().min(at + 40);
        String::from_utf8_lossy(octets.get(at.saturating_sub(20)..to).unwrap_or_default()).into_owned()
    };
    Err(format!("octet {at} differs: {:?}, not {:?}", around(actual), around(expected)))
}

/// A verdict in a few words.
pub fn name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Deliver(deliveries) => format!("deliver ({})", deliveries.len()),
        Verdict::Reject(reply) | Verdict::Defer(reply) => {
            format!("{} {}.{}.{} {}", reply.code, reply.code / 100, reply.subject, reply.detail, reply.text)
        }
    }
}

fn events(events: &[Event]) -> String {
    let mut list = String::new();
    for event in events {
        let _ = write!(list, "[{:?} {}", event.severity, event.name);
        for field in &event.fields {
            let _ = write!(list, " {}={:?}", field.name, field.value);
        }
        list.push(']');
    }
    list
}

fn cost(name: &str, outcome: &Outcome) -> String {
    let statistics = &outcome.statistics;
    let mut line = format!("  {name:<34} {:>9.3} ms", statistics.elapsed.as_secs_f64() * 1e3);
    if statistics.memory_peak > 0 {
        let _ = write!(line, " {:>8} KiB {:>4} calls", statistics.memory_peak / 1024, statistics.host_calls);
    }
    if let Some(fuel) = statistics.fuel {
        let _ = write!(line, " {fuel:>12} fuel");
    }
    line
}
