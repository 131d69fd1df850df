//! What the numbers were measured on.

use std::fs;
use std::process::Command;
use std::thread;

use crate::contenders::Contenders;

/// The machine and the programs, in a few lines.
pub fn describe(contenders: &Contenders) -> String {
    let names: Vec<&str> = contenders.iter().map(|contender| contender.name()).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = of_file("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or_default() >> 20;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let flags = of_file("/proc/cpuinfo", "flags");
    let has = |flag: &&str| flags.split(' ').any(|known| known == *flag);
    let instructions: Vec<&str> =
        ["aes", "vaes", "pclmulqdq", "sha_ni", "avx2", "avx512f", "avx512ifma"].into_iter().filter(has).collect();
    format!(
        "## The machine\n\n| | |\n|---|---|\n| processor | {}, {cores} cores |\n| instructions | {} |\n\
         | memory | {memory} GiB |\n| system | Linux {} |\n| load before | {} |\n| compiler | {} |\n| OpenSSL | {} |\n\
         | contenders | {} |\n",
        of_file("/proc/cpuinfo", "model name"),
        instructions.join(", "),
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        load.split(' ').take(3).collect::<Vec<_>>().join(", "),
        output("rustc", "--version"),
        openssl(),
        names.join(", "),
    )
}

#[cfg(feature = "openssl")]
fn openssl() -> &'static str {
    crate::openssl::version()
}

#[cfg(not(feature = "openssl"))]
fn openssl() -> &'static str {
    "none"
}

fn of_file(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value.map_or("", |(_, value)| value).trim().to_owned()
}

fn output(program: &str, argument: &str) -> String {
    let done = Command::new(program).arg(argument).output();
    done.map(|done| String::from_utf8_lossy(&done.stdout).trim().to_owned()).unwrap_or_default()
}
