//! `wasmime`, a secure mail proxy: S/MIME for a whole organisation, in a sandbox.

mod cli;
mod config;
mod demo;
mod process;
mod runtime;
mod tenant;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Nothing better to do where the terminal is gone.
            let _ = e.print();
            return match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(exit::USAGE),
            };
        }
    };
    log(cli.verbose);
    let done = match &cli.command {
        Command::Demo => demo(&cli),
        Command::Process(arguments) => process::run(&cli, arguments),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("wasmime: {}", failure.sentence);
        ExitCode::from(failure.status)
    })
}

fn demo(cli: &Cli) -> Result<ExitCode, Failure> {
    let runtime = runtime::open(cli.cache.as_deref(), None)?;
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    demo::run(&runtime, &mut io::stdout().lock(), colour).map_err(|e| Failure::new(exit::FAILURE, e.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// The log goes to standard error: standard output belongs to the answer.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("WASMIME_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

/// Exit statuses that mail servers understand (`sysexits.h`).
pub mod exit {
    /// A command did not do what it was asked.
    pub const FAILURE: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// Try again later: the mail server keeps the message.
    pub const TEMPFAIL: u8 = 75;
    /// The message is refused.
    pub const NOPERM: u8 = 77;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
}

/// Why the program ends without doing what it was asked: a sentence that says
/// what to do about it, and its exit status.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    sentence: String,
}

impl Failure {
    /// A failure that ends with `status`.
    pub fn new(status: u8, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    /// A failure of the configuration.
    pub fn configuration(sentence: impl Into<String>) -> Self {
        Self::new(exit::CONFIG, sentence)
    }
}

impl From<config::ConfigError> for Failure {
    fn from(e: config::ConfigError) -> Self {
        Self::configuration(e.to_string())
    }
}
