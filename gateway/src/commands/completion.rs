//! `wasmime completion`: what a shell needs to complete the command line.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::cli;
use crate::exit::{Failure, Status};

/// Prints the script for a shell.
pub fn run(arguments: &cli::Completion) -> Result<Status, Failure> {
    // Into memory first: the library panics where it cannot write, as into a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut cli::Arguments::command(), "wasmime", &mut script);
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Failure::new(Status::Failed, format!("the script cannot be written: {error}")))?;
    Ok(Status::Ok)
}
