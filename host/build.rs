//! Builds the component that the library carries, unless one is given:
//! `WASMIME_COMPONENT` is the path of a component file, for packagers and for
//! builds that have made it already.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    println!("cargo::rerun-if-env-changed=WASMIME_COMPONENT");
    if let Some(given) = env::var_os("WASMIME_COMPONENT").filter(|given| !given.is_empty()) {
        let given = workspace.join(given).canonicalize()?;
        println!("cargo::rerun-if-changed={}", given.display());
        println!("cargo::rustc-env=COMPONENT={}", given.display());
        return Ok(());
    }

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let built = components::build(&components::Variant::BUILT_IN, workspace, &target(&out))?;
    let component = out.join(components::Variant::BUILT_IN.file_name());
    fs::write(&component, &built.component)?;
    println!("cargo::rustc-env=COMPONENT={}", component.display());
    for source in ["wit", "Cargo.lock", "Cargo.toml", "guest/Cargo.toml", "smime/Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    for source in built.sources {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    Ok(())
}

/// Where `make components` builds, too: `guest` in the target folder, so that
/// the component is built once for every profile. That is `OUT_DIR` without
/// `<profile>/build/<package>/out`; where cargo has another layout, `OUT_DIR`
/// itself will do.
fn target(out: &Path) -> PathBuf {
    match out.ancestors().nth(4) {
        Some(target) if target.join("CACHEDIR.TAG").exists() => target.join("guest"),
        _ => out.join("guest"),
    }
}
