//! What the process gave up, seen from outside.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::http::get;
use super::{Watched, ports};
use crate::support::{pki, skipped};

/// Whether the kernel confines files and ports; otherwise says that `test` is
/// skipped.
fn is_confined(watched: &Watched, test: &str) -> bool {
    let log = watched.gateway.log();
    if log.contains("confined by Landlock") && log.contains("force=\"files and ports\"") {
        return true;
    }
    skipped(test, "this kernel does not confine files and ports (Landlock, Linux 6.7)");
    false
}

/// A reload that needs a folder or a port that nobody spoke of at the start is
/// refused, with words that say so; the old configuration stays.
#[test]
fn a_reload_that_reaches_further_is_refused() {
    let watched = Watched::start();
    if !is_confined(&watched, "a_reload_that_reaches_further_is_refused") {
        return;
    }
    let outside = TempDir::new().expect("a folder");
    let keyring = outside.path().join("other.keyring");
    let inside = "domains = [\"lan.example\"]\n";
    let further = format!("{inside}keyring = {:?}\n", keyring.display().to_string());
    watched.reload(inside, &further);
    let line = watched.logs(&["the configuration stays as it was", "may not write"]);
    assert!(line.contains(&outside.path().display().to_string()) && line.contains("restart it"), "{line}");
    watched.reload(&further, inside);
    watched.logs(&["the configuration was read again"]);
    let port = ports::free();
    watched.reload(&format!("127.0.0.1:{}", watched.inbound), &format!("127.0.0.1:{port}"));
    watched.logs(&["the configuration stays as it was", &format!("listen on TCP port {port}")]);
    assert!(get(watched.status, "/").body.contains(&format!("listen on TCP port {port}")), "the page does not show it");
    // Mail goes on.
    watched.traffic("4F1A");
}

/// What the gateway itself takes to be within its reach, the kernel may know better:
/// a link out of a folder that is granted leads nowhere.
#[test]
fn the_kernel_has_the_last_word() {
    let watched = Watched::start();
    if !is_confined(&watched, "the_kernel_has_the_last_word") {
        return;
    }
    let outside = TempDir::new().expect("a folder");
    fs::copy(pki("ca.pem"), outside.path().join("lists.crl")).expect("a copy");
    fs::create_dir(watched.dir.path().join("lists")).expect("a folder");
    symlink(outside.path().join("lists.crl"), watched.dir.path().join("lists/linked.crl")).expect("a link");
    watched.reload("[tenant.lan]\n", "[tenant.lan]\nrevocation-lists = [\"lists/*.crl\"]\n");
    watched.logs(&["linked.crl", "Permission denied"]);
}

/// Who asked for no confinement is told that there is none.
#[test]
fn without_confinement_the_log_and_the_page_say_so() {
    let mut watched = Watched::start();
    watched.gateway.stop();
    let file = watched.dir.path().join("wasmime.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    fs::write(&file, text.replace("[gateway]\n", "[gateway]\nlandlock = false\n")).expect("the configuration");
    watched.gateway.start();
    watched.logs(&["WARN", "not confined: landlock = false"]);
    assert!(get(watched.status, "/").body.contains("landlock = false"));
}
