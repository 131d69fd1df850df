//! Builds the component in its variants: cargo for the module, wit-component for
//! what goes around it.
//!
//! `host/build.rs` builds [`Variant::BUILT_IN`] with this, and the program
//! `components` (`make components`) all of them. Both use one target folder for
//! each set of compiler flags, so that whatever comes second finds the
//! dependencies compiled, or the component itself.

mod variant;

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_component::ComponentEncoder;

pub use variant::{VARIANTS, Variant};

/// A component that has been built.
pub struct Built {
    /// The component itself.
    pub component: Vec<u8>,
    /// Every source file that went into it.
    pub sources: Vec<PathBuf>,
}

/// Why a component was not built.
#[derive(Debug)]
pub enum Error {
    /// A file, or cargo itself, is not there or not to be used.
    Io(PathBuf, io::Error),
    /// Cargo failed; it has told why.
    Cargo,
    /// The module does not become a component.
    Encode(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, e) => write!(f, "{}: {e}", path.display()),
            Self::Cargo => write!(f, "the guest does not build; if its target is missing: rustup target add {TARGET}"),
            Self::Encode(e) => write!(f, "the guest is not a component: {e}"),
        }
    }
}

impl std::error::Error for Error {}

/// Builds one variant. `workspace` is the folder of the workspace; what cargo
/// makes goes below `target`, a folder that no other cargo has locked.
pub fn build(variant: &Variant, workspace: &Path, target: &Path) -> Result<Built, Error> {
    let target = target.join(variant.flag_set());
    fs::create_dir_all(&target).map_err(|e| Error::Io(target.clone(), e))?;
    // Variants of one flag set end in the same file: nobody else may build one
    // before this one is read.
    let lock = target.join(".variant-lock");
    let held = File::create(&lock).and_then(|file| file.lock().map(|()| file)).map_err(|e| Error::Io(lock, e))?;
    run_cargo(variant, workspace, &target)?;
    let made = target.join(TARGET).join(PROFILE);
    let module = made.join("guest.wasm");
    let module = fs::read(&module).map_err(|e| Error::Io(module, e))?;
    let list = made.join("guest.d");
    let sources = sources(&fs::read_to_string(&list).map_err(|e| Error::Io(list, e))?);
    drop(held);
    Ok(Built { component: encode(&module)?, sources })
}

fn run_cargo(variant: &Variant, workspace: &Path, target: &Path) -> Result<(), Error> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    // Clippy, coverage, an outer profile and make's jobs leak through these.
    for (name, _) in env::vars_os() {
        let leaks =
            |name: &str| LEAKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || LEAKING.contains(&name);
        if name.to_str().is_some_and(leaks) {
            command.env_remove(name);
        }
    }
    let mut flags = vec!["-C".to_owned(), format!("target-feature={}", variant.target_features())];
    // The same component wherever it is built: paths end up in panic messages.
    flags.extend(remap(workspace, "wasmime"));
    if let Some(home) = cargo_home() {
        flags.extend(remap(&home, "cargo"));
    }
    let done = command
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .args(["build", "--locked", "--package", "guest", "--profile", PROFILE, "--target", TARGET])
        .args(["--features", &variant.features().join(",")])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .status()
        .map_err(|e| Error::Io(cargo.into(), e))?;
    if done.success() { Ok(()) } else { Err(Error::Cargo) }
}

fn encode(module: &[u8]) -> Result<Vec<u8>, Error> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|e| Error::Encode(format!("{e:#}")))
}

/// The files that a rule of make, as rustc writes it, depends on.
fn sources(rule: &str) -> Vec<PathBuf> {
    let Some((_, files)) = rule.split_once(": ") else { return Vec::new() };
    // A space within a name is escaped.
    files.replace("\\ ", "\0").split_whitespace().map(|file| file.replace('\0', " ").into()).collect()
}

fn remap(from: &Path, to: &str) -> [String; 1] {
    [format!("--remap-path-prefix={}={to}", from.display())]
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The bare machine: a guest asks its host, not a system.
const TARGET: &str = "wasm32-unknown-unknown";

/// The profile in the manifest of the workspace.
const PROFILE: &str = "guest";

const LEAKING_PREFIXES: [&str; 3] = ["CARGO_PROFILE_", "CARGO_FEATURE_", "CARGO_CFG_"];

const LEAKING: [&str; 10] = [
    "RUSTFLAGS",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "TARGET",
    "CARGO_BUILD_TARGET",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "CARGO_INCREMENTAL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_from_the_rule() {
        let rule = "/t/guest.wasm: /a/lib.rs /with\\ space/b.rs\n";
        assert_eq!(sources(rule), [PathBuf::from("/a/lib.rs"), PathBuf::from("/with space/b.rs")]);
        assert!(sources("").is_empty());
    }
}
