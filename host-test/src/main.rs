//! `host-test`: the conformance kit on the command line. It tells what each call
//! costs, and ends with a status other than zero where anything differs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use host_test::variants::{Variants, runtime};
use host_test::vector::Vector;
use host_test::{compare, sizes};

/// Runs the vectors of a folder through components, and tells what differs.
#[derive(Parser)]
struct Arguments {
    /// A component that implements the world wasmime:filter/gateway; without one,
    /// all builds of Wasmime's own
    #[arg(long)]
    component: Vec<PathBuf>,
    /// The folder of the vectors
    #[arg(long)]
    vectors: Option<PathBuf>,
    /// Expect the octets that Wasmime's own logic makes, not only its rules
    #[arg(long)]
    exact: bool,
    /// Also tell what messages of 4 KiB to 25 MiB cost
    #[arg(long)]
    sizes: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(differences) => {
            eprintln!("host-test: {differences} differences");
            ExitCode::FAILURE
        }
        Err(e) => {
            eprintln!("host-test: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<usize, String> {
    let own = arguments.component.is_empty();
    let mut variants = Vec::new();
    if own {
        variants.push(Variants::all().map_err(|e| e.to_string())?);
    }
    for path in &arguments.component {
        variants.push(Variants::file(path).map_err(|e| e.to_string())?);
    }
    let folder = arguments.vectors.clone();
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors"));
    let mut differences = 0;
    for vector in Vector::all(&folder)? {
        println!("{}", vector.name);
        let native = vector.script.run_natively(&vector.envelope, &vector.message);
        differences += told("native", vector.check(&native));
        for (name, runtime) in variants.iter().flat_map(Variants::iter) {
            let mut log = |line: &str| println!("{line}");
            let outcome = compare::one(&vector.script, runtime, &vector.envelope, &vector.message, name, &mut log);
            differences += told(name, vector.check(&outcome));
            if own || arguments.exact {
                differences += told(name, compare::same(&native, &outcome));
            }
        }
    }
    if arguments.sizes {
        for path in arguments.component.iter().cloned().map(Some).chain(own.then_some(None)) {
            let name = path.as_ref().map_or_else(|| "built-in".to_owned(), |path| path.display().to_string());
            println!("\n{name}: {}", sizes::start(path.clone())?);
            println!("{}", sizes::table(&runtime(path).map_err(|e| e.to_string())?)?);
        }
    }
    Ok(differences)
}

fn told(name: &str, result: Result<(), String>) -> usize {
    match result {
        Ok(()) => 0,
        Err(difference) => {
            println!("  DIFFERS: {name}: {difference}");
            1
        }
    }
}
