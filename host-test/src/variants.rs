//! The builds of the component that verdicts are compared over.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use host::{Runtime, RuntimeError, RuntimeOptions};

/// Builds of the component, ready to run, by name.
pub struct Variants(Vec<(String, Runtime)>);

impl Variants {
    /// All variants: those in the folder that `WASMIME_COMPONENTS` names, as
    /// `make test` sets it; without it the built-in one alone, and it is said
    /// aloud that the others are left out.
    pub fn all() -> Result<Self, RuntimeError> {
        let Some(folder) = env::var_os("WASMIME_COMPONENTS").filter(|folder| !folder.is_empty()) else {
            say("SKIPPED: the other builds of the component; `make test` builds them and sets WASMIME_COMPONENTS");
            return Self::built_in();
        };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = workspace.join(folder);
        components::VARIANTS
            .iter()
            .map(|variant| {
                let name = variant.file_name();
                Ok((name.clone(), runtime(Some(folder.join(name)))?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The one that is built into the library `host`.
    pub fn built_in() -> Result<Self, RuntimeError> {
        Ok(Self(vec![("built-in".to_owned(), runtime(None)?)]))
    }

    /// The component in a file.
    pub fn file(path: &Path) -> Result<Self, RuntimeError> {
        Ok(Self(vec![(path.display().to_string(), runtime(Some(path.to_owned()))?)]))
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Runtime)> {
        self.0.iter().map(|(name, runtime)| (name.as_str(), runtime))
    }
}

/// A runtime that counts instructions, and keeps what it compiles for the next
/// test program.
pub fn runtime(component: Option<PathBuf>) -> Result<Runtime, RuntimeError> {
    Runtime::new(RuntimeOptions { component, cache: Some(cache()), fuel: true, ..RuntimeOptions::default() })
}

/// Where the harness keeps compiled components.
pub fn cache() -> PathBuf {
    let target = env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.join("component-cache")));
    target.unwrap_or_else(|| env::temp_dir().join("wasmime-component-cache"))
}

/// Says something even where the output of tests is captured.
pub fn say(what: &str) {
    // A test must not fail for want of a terminal.
    let _ = writeln!(std::io::stderr(), "{what}");
}
