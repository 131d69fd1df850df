//! What a message takes of memory, which is the same on every machine.

use std::sync::Arc;

use host::memory::FixedPolicies;
use host::{Assumption, Order, Outcome, Runtime, Tenant};
use host_test::sizes;
use host_test::variants::{Variants, say};

const MIB: usize = 1 << 20;

#[test]
fn a_message_of_25_mib_takes_three_times_its_size_and_4_mib_at_most() {
    let built_in = Variants::built_in().unwrap();
    built_in.iter().for_each(|(name, runtime)| out_and_in(name, runtime, 25 * MIB));
}

#[test]
fn in_every_build_a_message_takes_three_times_its_size_and_4_mib_at_most() {
    // Smaller, because ciphers in the sandbox take their time.
    Variants::all().unwrap().iter().for_each(|(name, runtime)| out_and_in(name, runtime, 6 * MIB));
}

/// Puts all layers on a message and takes them off again, with either cipher. What
/// is allowed is counted from the clear message in both directions.
#[track_caller]
fn out_and_in(name: &str, runtime: &Runtime, size: usize) {
    let (message, (out, back)) = (sizes::message(size), sizes::envelopes());
    for cipher in [Assumption::Compatible, Assumption::Modern] {
        let mut policies = FixedPolicies::default();
        (policies.outbound.order, policies.outbound.unknown_peer) = (Order::TripleWrap, cipher);
        let tenant = Tenant { policies: Arc::new(policies), ..sizes::tenant() };
        let sent = runtime.run(&tenant, &out, &message);
        let received = runtime.run(&tenant, &back, sizes::delivered(&sent).unwrap());
        sizes::delivered(&received).unwrap();
        check(&format!("{name}, {cipher:?}, out"), &sent, sizes::goal(message.len()));
        check(&format!("{name}, {cipher:?}, in"), &received, sizes::goal(message.len()));
    }
}

#[track_caller]
fn check(what: &str, outcome: &Outcome, goal: usize) {
    let peak = outcome.statistics.memory_peak;
    say(&format!("{what}: {} KiB of {} KiB", peak >> 10, goal >> 10));
    assert!(peak <= goal, "{what}: {peak} octets, not {goal}");
}
