//! What a message takes of memory: the sandbox's own, and the whole process's.

use std::env;
use std::fs;
use std::process::Command;

use crate::contenders::{Contender, Contenders, World};
use crate::measure::Effort;
use crate::people::{self, Cipher, Kind};
use crate::report::{Table, mebibytes, size};

/// Makes this program work on one message and tell how much memory it took.
pub const ARGUMENT: &str = "--memory-of";

const SIZES: [usize; 4] = [4 << 10, 64 << 10, 1 << 20, 25 << 20];

/// The table of all contenders, sizes and ways.
pub fn table(contenders: &Contenders, effort: Effort) -> Result<String, String> {
    let mut table =
        Table::new(&["contender", "message", "way", "cipher"], &["linear memory, MiB", "goal", "", "process, MiB"]);
    for cipher in [Cipher::Cbc, Cipher::Gcm] {
        let world = World::new(Kind::Rsa2048, cipher, 1);
        for octets in SIZES.into_iter().filter(|octets| *octets <= effort.largest) {
            let message = people::message(octets, 1);
            let sealed = world.seal(&Contender::Native, &message)?;
            for contender in contenders.iter() {
                for (way, input, envelope) in [("seal", &message, &world.outbound), ("open", &sealed, &world.inbound)] {
                    let (linear, goal, met) = match contender {
                        Contender::Sandbox(_, runtime) => {
                            let peak = runtime.run(&world.tenant, envelope, input).statistics.memory_peak;
                            let goal = host_test::sizes::goal(message.len());
                            (mebibytes(peak), mebibytes(goal), if peak <= goal { "met" } else { "MISSED" })
                        }
                        _ => (String::new(), String::new(), ""),
                    };
                    let process = in_a_process_of_its_own(contender.name(), way, octets, cipher);
                    let process = match process {
                        Err(e) if !effort.is_tiny() => format!("({e})"),
                        process => mebibytes(process?),
                    };
                    table.row(vec![
                        contender.name().to_owned(),
                        size(octets),
                        way.to_owned(),
                        cipher.name().to_owned(),
                        linear,
                        goal,
                        met.to_owned(),
                        process,
                    ]);
                }
            }
        }
    }
    Ok(format!(
        "## Memory\n\nThe most of an instance's linear memory; and by how much the process grew for one message, the \
         message itself and what came of it included. The goal, three times the message and 4 MiB, is counted from \
         the clear message in both directions.\n\n{table}"
    ))
}

/// By how many octets a process grows that works on one message.
fn in_a_process_of_its_own(name: &str, way: &str, octets: usize, cipher: Cipher) -> Result<usize, String> {
    let program = env::current_exe().map_err(|e| e.to_string())?;
    let done = Command::new(program)
        .args([ARGUMENT, name, way, &octets.to_string(), cipher.name()])
        .output()
        .map_err(|e| e.to_string())?;
    let told = String::from_utf8_lossy(&done.stdout);
    let grown = told.lines().last().and_then(|line| line.trim().parse().ok());
    grown.ok_or_else(|| format!("no figure from a process of its own: {}", String::from_utf8_lossy(&done.stderr)))
}

/// The other side: works on the message, and prints by how many octets it grew.
pub fn child(arguments: &[String]) -> Result<(), String> {
    let [name, way, octets, cipher] = arguments else { return Err(format!("{ARGUMENT} NAME WAY OCTETS CIPHER")) };
    let cipher = if cipher == Cipher::Gcm.name() { Cipher::Gcm } else { Cipher::Cbc };
    let contenders = Contenders::all()?;
    let contender = contenders.named(name).ok_or("no such contender")?;
    let world = World::new(Kind::Rsa2048, cipher, 1);
    // Whatever is set up by the first message is not what a message takes.
    let small = people::message(1 << 10, 1);
    world.open(contender, &world.seal(contender, &small)?)?;
    let message = people::message(octets.parse().map_err(|_| "a number of octets")?, 1);
    let input = if way == "seal" { message } else { world.seal(&Contender::Native, &message)? };
    // From here on the peak counts anew (proc(5)).
    fs::write("/proc/self/clear_refs", "5").map_err(|e| e.to_string())?;
    let before = resident("VmRSS:")?.saturating_sub(input.len());
    let output = if way == "seal" { world.seal(contender, &input)? } else { world.open(contender, &input)? };
    println!("{}", resident("VmHWM:")?.saturating_sub(before));
    drop(output);
    Ok(())
}

/// A figure of this process's status, in octets.
pub fn resident(name: &str) -> Result<usize, String> {
    let status = fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure in /proc/self/status")?;
    let kib: usize = line.trim().trim_end_matches(" kB").parse().map_err(|_| "no number in /proc/self/status")?;
    Ok(kib * 1024)
}
