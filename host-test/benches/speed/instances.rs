//! What a sandbox costs apart from the work in it: to start, to be made anew for
//! each message, to call its host, to be stoppable, and to stand idle.

use std::io::Write as _;
use std::time::Instant;

use host::{Limits, Reply, Runtime, RuntimeOptions, Tenant, Verdict};
use host_test::hostile::Hostile;

use crate::contenders::{Contender, Contenders, World, options};
use crate::measure::{Effort, Spread, Work, interleaved};
use crate::memory::resident;
use crate::people::{self, Cipher, Kind, People};
use crate::report::{Table, mebibytes};

/// A message with which there is nothing to do.
const NOTHING: &[u8] = b"From: sender@peer.example\r\nTo: recipient-1@lan.example\r\n\r\nHello\r\n";

/// The table of all of it.
pub fn table(contenders: &Contenders, effort: Effort) -> Result<String, String> {
    let mut table = Table::new(&["what"], &["measured", "goal"]);
    let mut row = |what: &str, measured: String, goal: &str| {
        table.row(vec![what.to_owned(), measured, goal.to_owned()]);
    };
    let world = World::new(Kind::Rsa2048, Cipher::Cbc, 1);

    let start = start(effort, &world)?;
    row(
        "start to first verdict, compiled before: median of the process's own part",
        milliseconds(start.median),
        "20 ms",
    );
    let nothing = &mut [work(contenders.built_in(), &world.tenant, NOTHING)];
    let fresh = interleaved(effort, nothing.iter_mut().map(|work| -> Work<'_> { Box::new(work) }).collect());
    row("a fresh instance, and a verdict where there is nothing to do", microseconds(fresh[0].wall.median), "");
    for (what, cost) in host_calls(effort)? {
        row(what, microseconds(cost), "");
    }
    let message = people::message(4 << 10, 1);
    let sealed = world.seal(&Contender::Native, &message)?;
    for (way, envelope, input) in [("seal", &world.outbound, &message), ("open", &world.inbound, &sealed)] {
        let calls = contenders.built_in().run(&world.tenant, envelope, input).statistics.host_calls;
        row(&format!("calls of the host for a message of 4 KiB, {way}"), calls.to_string(), "");
    }
    for (what, cost) in stoppable(effort, &world)? {
        row(&what, format!("{:+.1} %", cost * 100.0), "0 %");
    }
    let (tenants, after) = (idle_tenants(contenders, effort)?, given_back(contenders, effort, &world)?);
    row(&format!("{} idle tenants beyond the first, resident", effort.many), mebibytes(tenants) + " MiB", "64 MiB");
    row("resident after the largest message beyond before it", mebibytes(after) + " MiB", "");
    Ok(format!("## Instances\n\n{table}"))
}

/// Seconds from nothing to the verdict on a first message.
fn start(effort: Effort, world: &World) -> Result<Spread, String> {
    let start = || {
        let started = Instant::now();
        let runtime = Runtime::new(options(None)).map_err(|e| e.to_string())?;
        runtime.run(&world.tenant, &people::inbound(), NOTHING);
        Ok(started.elapsed().as_secs_f64())
    };
    (0..effort.rounds).map(|_| start()).collect::<Result<_, String>>().map(Spread::of)
}

fn work<'a>(runtime: &'a Runtime, tenant: &'a Tenant, message: &'a [u8]) -> impl FnMut() + 'a {
    let envelope = people::inbound();
    move || drop(runtime.run(tenant, &envelope, message))
}

/// Seconds for a call of the host that it answers by itself, and for one that it
/// puts to a service.
fn host_calls(effort: Effort) -> Result<[(&'static str, f64); 2], String> {
    const CALLS: u32 = 20_000;
    let verdict = Verdict::Reject(Reply { code: 550, subject: 7, detail: 1, text: "No".to_owned() });
    let calling = |imports: &str, call: &str| {
        let answer = Hostile::answering(&verdict);
        let process = format!(
            "(local $left i32) (local.set $left (i32.const {CALLS})) \
             (loop $again {call} (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))) {}",
            answer.process
        );
        Hostile { process, ..answer }.importing(imports).with_string(16, "recipient-1@lan.example")
    };
    let clock =
        calling(r#"(import "wasmime:filter/clock@0.1.0" "now" (func $now (result i64)))"#, "(drop (call $now))");
    let policy = calling(
        r#"(import "wasmime:filter/policy@0.1.0" "outbound" (func $outbound (param i32 i32 i32)))"#,
        "(call $outbound (i32.const 16) (i32.const 23) (i32.const 64))",
    );
    let mut tenant = People::of(Kind::Rsa2048).tenant(Cipher::Cbc);
    tenant.limits = Limits { host_calls: u64::from(CALLS) + 1, ..tenant.limits };
    let each = |guest: &Hostile| {
        let mut file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
        file.write_all(&guest.component()).map_err(|e| e.to_string())?;
        let options = RuntimeOptions { component: Some(file.path().to_owned()), ..RuntimeOptions::default() };
        let runtime = Runtime::new(options).map_err(|e| e.to_string())?;
        if runtime.run(&tenant, &people::inbound(), NOTHING).verdict != verdict {
            return Err("the guest that calls its host did not come to its end".to_owned());
        }
        let cost = interleaved(effort, vec![Box::new(work(&runtime, &tenant, NOTHING))]);
        Ok(cost[0].wall.median / f64::from(CALLS))
    };
    Ok([("a call that the host answers itself", each(&clock)?), ("a call that asks a service", each(&policy)?)])
}

/// By which share a message takes longer because its guest can be stopped.
fn stoppable(effort: Effort, world: &World) -> Result<Vec<(String, f64)>, String> {
    let stopped = Runtime::new(options(None)).map_err(|e| e.to_string())?;
    let unstoppable = RuntimeOptions { unstoppable: true, ..options(None) };
    let unstoppable = Runtime::new(unstoppable).map_err(|e| e.to_string())?;
    let sizes = [(4 << 10, "4 KiB"), (1 << 20, "1 MiB")].into_iter().filter(|(octets, _)| *octets <= effort.largest);
    sizes
        .map(|(octets, name)| {
            let sealed = world.seal(&Contender::Native, &people::message(octets, 1))?;
            let runs =
                [&stopped, &unstoppable].map(|runtime| -> Work<'_> { Box::new(work(runtime, &world.tenant, &sealed)) });
            let costs = interleaved(effort, runs.into());
            let share = costs[0].processor.median / costs[1].processor.median - 1.0;
            Ok((format!("being stoppable at any time (epochs), {name}, open"), share))
        })
        .collect()
}

/// Octets by which so many tenants more make the process grow, each with its own
/// keys, services and limits.
fn idle_tenants(contenders: &Contenders, effort: Effort) -> Result<usize, String> {
    // Those of this kind have one correspondent, and no hundred.
    let tenant = || (People::of(Kind::P256).tenant(Cipher::Cbc), contenders.built_in().with_own_services(64));
    // The first one pays for what all of them share.
    let mut tenants = vec![tenant()];
    let serve = |(tenant, runtime): &(Tenant, Runtime)| drop(runtime.run(tenant, &people::inbound(), NOTHING));
    tenants.iter().for_each(serve);
    let before = resident("VmRSS:")?;
    tenants.extend((0..effort.many).map(|_| tenant()));
    tenants.iter().for_each(serve);
    Ok(resident("VmRSS:")?.saturating_sub(before))
}

/// Octets that stay with the process after a message of the largest size.
fn given_back(contenders: &Contenders, effort: Effort, world: &World) -> Result<usize, String> {
    let message = people::message(effort.largest, 1);
    let before = resident("VmRSS:")?;
    drop(contenders.built_in().run(&world.tenant, &world.outbound, &message));
    Ok(resident("VmRSS:")?.saturating_sub(before))
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}

fn microseconds(seconds: f64) -> String {
    format!("{:.2} µs", seconds * 1e6)
}
