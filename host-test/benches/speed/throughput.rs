//! Messages per second, on one core and on all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::contenders::{Contender, Contenders, World};
use crate::measure::Effort;
use crate::people::{self, Cipher, Kind};
use crate::report::{Table, size};

/// The table of the fastest contenders.
pub fn table(contenders: &Contenders, effort: Effort) -> Result<String, String> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let all = format!("{cores} threads");
    let mut table = Table::new(&["contender", "message", "way"], &["1 thread", &all]);
    let world = World::new(Kind::Rsa2048, Cipher::Cbc, 1);
    for octets in [4 << 10, 64 << 10].into_iter().filter(|octets| *octets <= effort.largest) {
        let message = people::message(octets, 1);
        let sealed = world.seal(&Contender::Native, &message)?;
        for contender in contenders.iter().filter(|contender| contender.is_main()) {
            let seal = || world.seal(contender, &message).map(drop);
            let open = || world.open(contender, &sealed).map(drop);
            for (way, work) in [("seal", &seal as &(dyn Fn() -> Result<(), String> + Sync)), ("open", &open)] {
                let rates = [1, cores].map(|threads| format!("{:.0}", per_second(effort, threads, work)));
                let mut row = vec![contender.name().to_owned(), size(octets), way.to_owned()];
                row.extend(rates);
                table.row(row);
            }
        }
    }
    Ok(format!("## Messages per second\n\nRSA-2048, AES-256-CBC, one recipient.\n\n{table}"))
}

fn per_second(effort: Effort, threads: usize, work: &(dyn Fn() -> Result<(), String> + Sync)) -> f64 {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if work().is_ok() {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        thread::sleep(effort.watch);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}
