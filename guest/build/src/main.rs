//! `components [--output DIR]`: builds every variant of the component into one
//! folder, with their checksums.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use components::{VARIANTS, Variant, build};
use sha2::{Digest as _, Sha256};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("components: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no workspace")?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let output = output()?.unwrap_or_else(|| target.join("components"));
    fs::create_dir_all(&output)?;
    let guest = target.join("guest");

    // Each set of flags has its own target folder, so the two can be built at a
    // time; fat LTO keeps but one processor busy.
    let sums = thread::scope(|scope| {
        let builders = [false, true].map(|portable| {
            let (guest, output) = (&guest, &output);
            scope.spawn(move || build_some(portable, workspace, guest, output))
        });
        let mut sums = Vec::new();
        for builder in builders {
            sums.extend(builder.join().map_err(|_| "a builder panicked")??);
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(sums)
    });
    let mut sums = sums.map_err(|e| e.to_string())?;
    sums.sort();
    let list: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    fs::write(output.join("SHA256SUMS"), &list)?;
    print!("{list}");
    Ok(())
}

/// Builds the variants of one set of flags; gives their names and checksums.
fn build_some(
    portable: bool,
    workspace: &Path,
    guest: &Path,
    output: &Path,
) -> Result<Vec<(String, String)>, Box<dyn Error + Send + Sync>> {
    VARIANTS
        .iter()
        .filter(|variant| variant.portable == portable)
        .map(|variant: &Variant| {
            let component = build(variant, workspace, guest)?.component;
            let name = variant.file_name();
            // Not touched if it is the same, so that nothing is rebuilt for it.
            let path = output.join(&name);
            if fs::read(&path).ok().as_ref() != Some(&component) {
                fs::write(&path, &component)?;
            }
            let sum = Sha256::digest(&component).iter().map(|octet| format!("{octet:02x}")).collect();
            Ok((name, sum))
        })
        .collect()
}

fn output() -> Result<Option<PathBuf>, String> {
    let mut arguments = env::args_os().skip(1);
    match (arguments.next(), arguments.next(), arguments.next()) {
        (None, ..) => Ok(None),
        (Some(option), Some(output), None) if option == "--output" => Ok(Some(output.into())),
        _ => Err("usage: components [--output DIR]".to_owned()),
    }
}
