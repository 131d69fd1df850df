//! The Debian package, as far as it can be seen without building it.

use std::fs;

use super::support::{attempt, root};
use super::{packaging, text};

#[test]
fn every_file_of_the_package_is_there() {
    let manifest = fs::read_to_string(root().join("gateway/Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let package = &manifest["package"]["metadata"]["deb"];
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    for asset in package["assets"].as_array().expect("assets") {
        let source = asset[0].as_str().expect("a source");
        match source.strip_prefix("target/release/") {
            Some("wasmime") => {}
            // What `make deb` makes before the package.
            Some(made) => {
                let folder = made.split('/').next().expect("a folder");
                assert!(makefile.contains(&format!("release/{folder}")), "make deb does not make {made}");
            }
            None => {
                let pattern = root().join("gateway").join(source).display().to_string();
                assert!(glob::glob(&pattern).expect("a pattern").next().is_some(), "{source} is not there");
            }
        }
    }
    for key in ["changelog", "maintainer-scripts"] {
        let path = root().join("gateway").join(package[key].as_str().expect("a path"));
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn the_scripts_of_the_package_are_sound() {
    for script in ["postinst", "postrm"] {
        let path = packaging("debian").join(script).display().to_string();
        attempt("sh", &["-n", &path], b"").unwrap_or_else(|error| panic!("{error}"));
        let text = text(&format!("debian/{script}"));
        assert!(text.lines().any(|line| line == "#DEBHELPER#"), "{script} leaves no room for what the service needs");
        assert!(text.contains("set -e"), "{script} goes on after an error");
    }
}

#[test]
fn the_version_of_the_package_is_that_of_the_program() {
    let changelog = text("debian/changelog");
    let first = changelog.lines().next().expect("a line");
    assert!(first.starts_with(&format!("wasmime ({}-", env!("CARGO_PKG_VERSION"))), "{first}");
}
