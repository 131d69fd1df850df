//! The sandbox of this process.

use std::env;
use std::path::{Path, PathBuf};

use host::{Runtime, RuntimeOptions};

use crate::Failure;

/// Opens the sandbox with the built-in component, or with `component`. What was
/// compiled is kept in `cache`, or where the environment says, so that the next
/// start is quick.
pub fn open(cache: Option<&Path>, component: Option<&Path>) -> Result<Runtime, Failure> {
    let options = RuntimeOptions {
        component: component.map(Path::to_owned),
        cache: cache.map(Path::to_owned).or_else(default_cache),
        // One message a call: there is no use in keeping room for more.
        instances: 1,
        ..RuntimeOptions::default()
    };
    Runtime::new(options).map_err(|e| Failure::configuration(e.to_string()))
}

/// The cache of the service if systemd made one, else that of the user.
fn default_cache() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("CACHE_DIRECTORY")
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("wasmime")))
        .or_else(|| Some(absolute("HOME")?.join(".cache").join("wasmime")))
}
