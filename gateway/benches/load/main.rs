//! How much mail goes through Postfix with the gateway in its way, beside Postfix
//! without a filter and Postfix with a milter that does nothing.
//!
//! `smtp-source` sends the same message of 20 kB again and again
//! (`WASMIME_BENCH_MESSAGES` times, 10,000 if that is not set) over several sessions;
//! Postfix takes each into its queue, by way of the filter, and discards it from
//! there. A message counts when it has its 250: what cannot be sealed, or opened and
//! verified, is refused here, and a refusal ends the run.

mod filters;
mod measure;
mod null_milter;
mod postfix;
mod report;

#[path = "../../tests/servers/world/daemon.rs"]
#[allow(dead_code)]
mod daemon;
#[path = "../../tests/servers/world/ports.rs"]
mod ports;
#[path = "../../tests/support/mod.rs"]
mod support;

use tempfile::TempDir;

use filters::Filters;
use measure::{KeyOperation, Load};
use postfix::Postfix;
use report::Row;

fn main() {
    // Cargo says so when it is benches that are wanted, and not tests of them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        return support::skipped("load", "Postfix has to be started as root");
    }
    if support::have("load", &["postfix", "smtp-source", "postqueue"]) {
        run(&Load::from_environment());
    }
}

/// Each of the ways of a message, on a machine that does nothing else.
fn run(load: &Load) {
    let dir = tempfile::Builder::new().prefix("load").tempdir().expect("a temporary folder");
    open_to_servers(&dir);
    let filters = Filters::new(dir.path());
    let (clear, sealed) = filters.messages(load.size);
    let null = null_milter::start();
    let operation = KeyOperation::measure();

    let way = |name, milter, message: &_| {
        let postfix = Postfix::start(&dir.path().join(name), milter);
        load.send(&postfix, message)
    };
    let nothing = way("nothing", None, &clear);
    let idle = way("idle", Some(null), &clear);
    let idle_sealed = way("idle-sealed", Some(null), &sealed);
    let sealing = filters.watched("outbound", |port| way("sealing", Some(port), &clear));
    let opening = filters.watched("inbound", |port| way("opening", Some(port), &sealed));

    println!("{}", report::heading(load, &operation, &clear, &sealed));
    for row in [
        Row::plain("(a) no filter", &nothing, &idle),
        Row::plain("(b) a milter that does nothing", &idle, &idle),
        Row::plain("    the same, sealed messages", &idle_sealed, &idle),
        Row::filtered("(c) wasmime signs and encrypts", &sealing, &idle, clear.key_operations, &operation),
        Row::filtered("(d) wasmime verifies and decrypts", &opening, &idle, sealed.key_operations, &operation),
        Row::filtered("    the same, beside sealed (b)", &opening, &idle_sealed, sealed.key_operations, &operation),
    ] {
        println!("{row}");
    }
}

/// Servers that give up their rights find their way through it.
fn open_to_servers(dir: &TempDir) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
}
