//! The manual and the completion of shells: that they are whole, and that they
//! are what the programs that read them take.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::bench::Bench;

/// A key that no table has, and that is near to none.
const NO_SUCH_KEY: &str = "a-key-that-no-table-has-or-ever-will";

#[test]
fn every_command_has_a_page_without_a_complaint() {
    let bench = Bench::new("");
    bench.call(&["manual", "man"], b"").good();
    let mut pages: Vec<String> =
        fs::read_dir(bench.path("man")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    for page in ["wasmime.1", "wasmime-process.1", "wasmime-keys.1", "wasmime-keys-import.1", "wasmime.toml.5"] {
        assert!(pages.iter().any(|name| name == page), "{page} is not among {pages:?}");
    }
    if Command::new("mandoc").arg("/dev/null").output().is_err() {
        return super::bench::skipped("every_command_has_a_page_without_a_complaint", "mandoc is not installed");
    }
    for page in pages {
        // What the library writes is sound, and not everywhere pretty.
        let level = if page.ends_with(".5") { "-Wwarning" } else { "-Werror" };
        let output =
            Command::new("mandoc").args(["-Tlint", level]).arg(bench.path("man").join(&page)).output().unwrap();
        assert!(output.status.success(), "{page}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let bench = Bench::new("");
    bench.call(&["manual", "wasmime.toml"], b"").bad(1, "wasmime.toml cannot be written");
}

#[test]
fn the_page_of_the_configuration_has_every_key_and_no_other() {
    let bench = Bench::new("");
    let known = tables(&bench);
    assert!(known.len() >= 4, "{known:?}");
    let page = include_str!("../../../packaging/man/wasmime.toml.5");
    assert_eq!(documented(page), known, "documented, and known: see packaging/man/wasmime.toml.5");
}

#[test]
fn shells_take_the_completion() {
    let bench = Bench::new("");
    for (shell, mentions) in [("bash", "complete -F"), ("zsh", "#compdef wasmime"), ("fish", "complete -c wasmime")] {
        let script = bench.call(&["completion", shell], b"").good();
        assert!(script.text().contains(mentions), "{shell}: {}", script.text());
        bench.write(shell, &script.out);
        match Command::new(shell).arg("-n").arg(bench.path(shell)).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => super::bench::skipped("shells_take_the_completion", &format!("{shell} is not installed")),
        }
    }
    bench.call(&["completion", "tcsh"], b"").bad(64, "bash");
}

/// The tables of the configuration and their keys, as the program itself tells
/// them when it meets a key that it does not know.
fn tables(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    let mut ahead = vec![(String::new(), format!("{NO_SUCH_KEY} = 1"))];
    while let Some((name, text)) = ahead.pop() {
        bench.write("wasmime.toml", text.as_bytes());
        let Some(mut keys) = keys(&bench.call(&["check", "--config", "wasmime.toml"], b"").err) else { continue };
        for key in &keys {
            let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            // Is it a table, a list of tables, or a table of tables under names of the operator's?
            for (inner, opened, closed) in [
                (inner.clone(), format!("{key} = {{ "), " }"),
                (inner.clone(), format!("{key} = [{{ "), " }]"),
                (format!("{inner}.NAME"), format!("{key} = {{ any = {{ "), " } }"),
            ] {
                let place = format!("{NO_SUCH_KEY} = 1");
                ahead.push((inner, text.replace(&place, &format!("{opened}{place}{closed}"))));
            }
        }
        keys.sort();
        tables.insert(name, keys);
    }
    // Tables under names have their keys in an exception as well: told once.
    tables.retain(|name, _| !name.starts_with("tenant.NAME.rule."));
    tables.remove("");
    tables
}

/// Takes apart "unknown key `x`; there is `a`, `b`".
fn keys(complaint: &str) -> Option<Vec<String>> {
    let (_, listed) = complaint.split_once(&format!("unknown key `{NO_SUCH_KEY}`; there is "))?;
    Some(listed.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The subsections of the page and their items.
fn documented(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = None;
    for line in page.lines() {
        if line.starts_with(".Sh ") {
            table = None;
        } else if let Some(name) = line.strip_prefix(".Ss ") {
            table = Some(tables.entry(name.trim_matches(['[', ']']).to_owned()).or_default());
        } else if let (Some(table), Some(key)) = (&mut table, line.strip_prefix(".It Ic ")) {
            table.push(key.to_owned());
        }
    }
    tables.values_mut().for_each(|keys| keys.sort());
    tables
}
