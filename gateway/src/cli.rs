//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A secure mail proxy: encrypts and signs what goes out, verifies and decrypts
/// what comes in (S/MIME), each message in a sandbox of its own.
#[derive(Debug, Parser)]
#[command(name = "wasmime", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where the compiled component is kept; a directory of this user's own
    #[arg(long, global = true, env = "WASMIME_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Log more, on standard error; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show two organisations sending each other mail, step by step; needs no set-up
    Demo,
    /// Filter one message: it is read from standard input, the verdict is printed
    ///
    /// Exit status: 0 deliver, 77 reject, 75 defer, 64 usage, 78 configuration.
    Process(ProcessArguments),
}

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigArguments {
    /// The configuration file
    #[arg(long, env = "WASMIME_CONFIG", default_value = "/etc/wasmime/wasmime.toml", value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `process`.
#[derive(Debug, Args)]
pub struct ProcessArguments {
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Which way the message goes
    #[arg(long, value_enum)]
    pub direction: Direction,
    /// The reverse-path; empty or <> for the null one
    #[arg(long, value_name = "MAILBOX")]
    pub mail_from: String,
    /// A forward-path; once for each recipient
    #[arg(long, value_name = "MAILBOX", required = true)]
    pub rcpt_to: Vec<String>,
    /// Who submitted the message; by default the reverse-path, since whoever may
    /// call this program is trusted to know it
    #[arg(long, value_name = "MAILBOX")]
    pub submitter: Option<String>,
    /// Judge as of this time, as 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<u64>,
    /// Run this component rather than the built-in one
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Write what is to be delivered to files in this directory: 0.eml, 1.eml …
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json, conflicts_with = "output")]
    pub format: Format,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Direction {
    /// From the Internet to local users
    Inbound,
    /// From local users to the Internet
    Outbound,
}

/// What `process` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The verdict, as one JSON object
    Json,
    /// The message to deliver; a refusal goes to standard error
    Message,
}

/// Reads a time of RFC 3339 in UTC, as seconds since 1970-01-01T00:00:00Z.
fn time(text: &str) -> Result<u64, String> {
    let time: der::DateTime =
        text.parse().map_err(|_| "a time in UTC is needed, as 2026-11-22T12:00:00Z".to_owned())?;
    Ok(time.unix_duration().as_secs())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_in_utc_only() {
        assert_eq!(time("2026-11-22T12:00:00Z"), Ok(1_795_348_800));
        assert!(time("2026-11-22T12:00:00+01:00").is_err());
        assert!(time("yesterday").is_err());
    }
}
