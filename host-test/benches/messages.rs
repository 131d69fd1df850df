//! Messages of 4 KiB to 25 MiB, out and in, natively and through the component.
//! Before the times it prints what each takes of memory, beside the goal.

use std::sync::LazyLock;

use divan::{Bencher, counter::BytesCount};
use host::{Runtime, RuntimeOptions};
use host_test::native;
use host_test::sizes::{self, SIZES};
use host_test::variants::cache;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let options = RuntimeOptions { cache: Some(cache()), ..RuntimeOptions::default() };
    Runtime::new(options).expect("the component runs here")
});

fn main() {
    println!("{}", sizes::table(&RUNTIME).expect("messages go out and come back"));
    divan::main();
}

#[divan::bench(args = SIZES)]
fn outbound(bencher: Bencher<'_, '_>, size: usize) {
    let (tenant, message, (out, _)) = (sizes::tenant(), sizes::message(size), sizes::envelopes());
    bencher.counter(BytesCount::new(message.len())).bench(|| RUNTIME.run(&tenant, &out, &message));
}

#[divan::bench(args = SIZES)]
fn inbound(bencher: Bencher<'_, '_>, size: usize) {
    let (tenant, message, (out, back)) = (sizes::tenant(), sizes::message(size), sizes::envelopes());
    let sent = RUNTIME.run(&tenant, &out, &message);
    let message = sizes::delivered(&sent).expect("it goes out");
    bencher.counter(BytesCount::new(message.len())).bench(|| RUNTIME.run(&tenant, &back, message));
}

#[divan::bench(args = SIZES)]
fn outbound_natively(bencher: Bencher<'_, '_>, size: usize) {
    let (tenant, message, (out, _)) = (sizes::tenant(), sizes::message(size), sizes::envelopes());
    bencher.counter(BytesCount::new(message.len())).bench(|| native::run(&tenant, &out, &message));
}

#[divan::bench(args = SIZES)]
fn inbound_natively(bencher: Bencher<'_, '_>, size: usize) {
    let (tenant, message, (out, back)) = (sizes::tenant(), sizes::message(size), sizes::envelopes());
    let sent = native::run(&tenant, &out, &message);
    let message = sizes::delivered(&sent).expect("it goes out");
    bencher.counter(BytesCount::new(message.len())).bench(|| native::run(&tenant, &back, message));
}
