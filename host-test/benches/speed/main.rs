//! How fast the sandbox is, beside our own logic outside of it and beside OpenSSL's
//! CMS in the same process (feature `openssl`). The numbers go to
//! `docs/performance.md` and the plots beside it.
//!
//! `cargo bench` measures; `cargo test` runs the same with next to no effort and
//! throws the result away, so that what is measured here is known to work.
//! `WASMIME_BENCH_DOCS` is another folder than `docs` for the result.

mod contenders;
mod contest;
mod growth;
mod instances;
mod machine;
mod measure;
mod memory;
#[cfg(feature = "openssl")]
mod openssl;
mod people;
mod plot;
mod report;
mod throughput;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use contenders::Contenders;
use measure::Effort;
use report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().position(|argument| argument == memory::ARGUMENT) {
        // The process starts itself again to see how much memory a message takes.
        Some(at) => memory::child(arguments.get(at + 1..).unwrap_or_default()),
        None => run(arguments.iter().any(|argument| argument == "--bench")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("speed: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(is_bench: bool) -> Result<(), String> {
    let throw_away = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (effort, docs) = if is_bench { (Effort::FULL, docs()) } else { (Effort::TINY, throw_away.path().to_owned()) };
    let contenders = Contenders::all()?;
    let mut report = Report::new(&docs)?;
    report.section(machine::describe(&contenders));
    report.section(contest::run(&contenders, effort, &report)?);
    report.section(memory::table(&contenders, effort)?);
    report.section(throughput::table(&contenders, effort)?);
    report.section(instances::table(&contenders, effort)?);
    report.section(growth::run(&contenders, effort, &report)?);
    report.write()
}

fn docs() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match env::var_os("WASMIME_BENCH_DOCS").filter(|folder| !folder.is_empty()) {
        Some(folder) => workspace.join(folder),
        None => workspace.join("docs"),
    }
}
