//! Where the foreign messages are: `tests/README.md` tells of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A folder of the foreign messages; says so if they are not at hand.
pub fn corpora(folder: &str) -> Option<PathBuf> {
    let given = std::env::var_os("WASMIME_CORPORA").map(PathBuf::from);
    // Beside the repository, or beside a folder of work trees.
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(2).map(|above| above.join("shared/corpora"));
    let found = given.into_iter().chain(beside).map(|corpora| corpora.join(folder)).find(|path| path.is_dir());
    if found.is_none() {
        // Past the capture of the test runner.
        let _ = writeln!(std::io::stderr(), "skipped: the foreign messages are not at hand ({folder})");
    }
    found
}
