//! Other programs, as processes.

use std::ffi::OsStr;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// The folder of the shared keys and certificates.
pub fn pki(file: &str) -> String {
    root().join("tests/pki").join(file).display().to_string()
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Says aloud that a test is skipped: past the capture of the test runner.
pub fn skipped(test: &str, why: &str) {
    aloud(&format!("skipped: {test}: {why}"));
}

/// Prints a line past the capture of the test runner.
pub fn aloud(line: &str) {
    // Not `eprintln!`, which the test runner keeps to itself when a test passes.
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Whether all of `programs` are to be found; otherwise says that `test` is skipped.
pub fn have(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|p| find(p).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    skipped(test, &format!("{} missing (make peers)", missing.join(", ")));
    false
}

fn find(program: &str) -> Option<PathBuf> {
    if program.starts_with('/') {
        return Path::new(program).exists().then(|| program.into());
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Runs `command` with `input` on its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    thread::scope(|scope| {
        // A program that refuses its input early closes the pipe.
        scope.spawn(move || stdin.write_all(input).is_ok());
        child.wait_with_output().expect("the process ends")
    })
}

/// Runs `program` and returns what it prints, or what went wrong.
pub fn attempt<A: AsRef<OsStr>>(program: &str, args: &[A], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = Command::new(program);
    command.args(args);
    let output = run(&mut command, input);
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{command:?} failed with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Runs `program`, which must succeed, and returns what it prints.
#[track_caller]
pub fn must<A: AsRef<OsStr>>(program: &str, args: &[A], input: &[u8]) -> Vec<u8> {
    attempt(program, args, input).unwrap_or_else(|e| panic!("{e}"))
}
