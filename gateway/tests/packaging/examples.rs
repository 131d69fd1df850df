//! The configurations that are handed out: each is read by what it is for.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::support::{have, run, wasmime};
use super::{packaging, text};

/// The folders of `packaging/examples`.
fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(packaging("examples")).expect("the examples");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(folders.len() >= 7, "{folders:?}");
    folders
}

/// That the program accepts a configuration, whose keyring it does not find here.
fn accepted(name: &str, configuration: &str) {
    let dir = TempDir::new().expect("a temporary folder");
    fs::write(dir.path().join("wasmime.toml"), configuration).expect("the configuration");
    let output = run(wasmime(dir.path()).args(["keys", "list", "--config", "wasmime.toml"]), b"");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() != Some(78) && said.contains("example.keyring"), "{name}: {said}");
}

#[test]
fn every_example_is_a_configuration() {
    for folder in folders() {
        let name = folder.join("wasmime.toml");
        accepted(&name.display().to_string(), &fs::read_to_string(&name).expect("a configuration"));
    }
}

#[test]
fn the_configuration_of_the_package_is_one_once_it_is_uncommented() {
    let commented = text("wasmime.toml");
    assert!(commented.lines().all(|line| line.is_empty() || line.starts_with('#')), "something is set already");
    let uncommented: Vec<&str> = commented
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#")
        .map(|line| line.trim_start_matches('#'))
        .collect();
    accepted("wasmime.toml", &uncommented.join("\n"));
}

#[test]
fn postfix_knows_every_parameter_of_its_examples() {
    if !have("postfix_knows_every_parameter_of_its_examples", &["postconf"]) {
        return;
    }
    for name in ["postfix-milter", "postfix-content-filter", "postfix-proxy-filter"] {
        let dir = TempDir::new().expect("a temporary folder");
        for file in ["main.cf", "master.cf"] {
            let base = if file == "main.cf" { "compatibility_level = 3.6\n" } else { "" };
            let lines = text(&format!("examples/{name}/{file}"));
            fs::write(dir.path().join(file), format!("{base}{lines}")).expect("a file");
        }
        for what in ["-n", "-M", "-P"] {
            let output = run(Command::new("postconf").arg("-c").arg(dir.path()).arg(what), b"");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{name}: postconf {what}: {said}");
        }
    }
}
