//! The program `wasmime`: the seed's secure mail proxy at work in a mail server's
//! pipe, the keys it works with, and a demonstration of both.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod config;
mod demo;
mod event;
mod exit;
mod files;
mod key_services;
mod line_ends;
mod report;
mod serve;
mod table;
mod tenant;
mod time;
mod trust;

use std::io::IsTerminal;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Arguments, Command};
use exit::{Failure, Status};

/// Erases memory that is given back: mail, and keys that passed through buffers of
/// others.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let verbose = arguments.verbose;
    // The gateway has a log of its own: its configuration says which.
    if !matches!(arguments.command, Command::Serve(_)) {
        tell(verbose);
    }
    let done = match arguments.command {
        Command::Demo(arguments) => show(&arguments),
        // A fault of ours must not bounce mail: the mail server tries again.
        Command::Process(arguments) => catch_unwind(|| commands::process::run(&arguments)).unwrap_or_else(|_| {
            Err(Failure::new(Status::Defer, "the program failed; please report what it said above"))
        }),
        Command::Serve(arguments) => serve::run(&arguments, verbose),
        Command::Status(arguments) => commands::status::run(&arguments),
        Command::Keys(arguments) => commands::keys::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Completion(arguments) => commands::completion::run(&arguments),
        Command::Manual(arguments) => commands::manual::run(&arguments),
    };
    match done {
        Ok(status) => status.into(),
        Err(Failure { status, text }) => {
            eprintln!("wasmime: {text}");
            status.into()
        }
    }
}

/// The demonstration, on standard output, in colour where that is a terminal.
fn show(arguments: &cli::Demo) -> Result<Status, Failure> {
    let runtime = tenant::runtime(&arguments.sandbox).map_err(|error| Failure::new(Status::Failed, error))?;
    let out = std::io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    demo::run(&runtime, &mut out.lock(), colour).map_err(|error| Failure::new(Status::Failed, error))?;
    Ok(Status::Ok)
}

/// Help and version are answers; anything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed terminal is no reason for another status.
    let _ = error.print();
    if error.use_stderr() { Status::Usage.into() } else { Status::Ok.into() }
}

/// The log: on standard error, quiet unless `-v` or `WASMIME_LOG` say otherwise.
fn tell(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("WASMIME_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
}
