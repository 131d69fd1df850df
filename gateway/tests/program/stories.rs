//! Runs the stories of `tests/NN-name/`; `tests/README.md` tells their form.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{contains, crlf, root, run, wasmime};

#[test]
fn stories() {
    let tests = root().join("tests");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&tests).expect("the stories").map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|folder| folder.join("transcript").exists());
    folders.sort();
    assert!(!folders.is_empty(), "no story in {}", tests.display());
    let failures: Vec<String> = folders.iter().filter_map(|folder| Story::new(folder).play().err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} stories failed:\n\n{}",
        failures.len(),
        folders.len(),
        failures.join("\n\n")
    );
}

/// A story, in a folder of its own that it may write to.
struct Story {
    name: String,
    source: PathBuf,
    stage: TempDir,
}

impl Story {
    fn new(source: &Path) -> Self {
        let stage = TempDir::new().expect("a temporary folder");
        for entry in fs::read_dir(source).expect("the story") {
            let path = entry.expect("an entry").path();
            let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
            let bytes = fs::read(&path).expect("a file");
            // Mail is kept with the line ends of the repository, and travels with CRLF.
            let mail = path.extension().is_some_and(|extension| extension == "eml");
            fs::write(stage.path().join(name), if mail { crlf(&bytes) } else { bytes }).expect("a copy");
        }
        symlink(root().join("tests/pki"), stage.path().join("pki")).expect("a link");
        let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, source: source.to_owned(), stage }
    }

    /// Plays the transcript, line by line, then compares what was expected.
    fn play(&self) -> Result<(), String> {
        let transcript = fs::read_to_string(self.source.join("transcript")).expect("a transcript");
        let mut lines = transcript.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let at = |why: String| format!("{}, line {}: {line}\n{why}", self.name, number + 1);
            if let Some(command) = line.strip_prefix("$ wasmime ") {
                let mut answer = Vec::new();
                while let Some((_, line)) = lines.next_if(|(_, line)| is_answer(line)) {
                    answer.push(line);
                }
                self.call(command, &answer).map_err(at)?;
            } else if let Some((file, text)) = line.strip_prefix("has ").and_then(|rest| rest.split_once(' ')) {
                self.look(file, text, true).map_err(at)?;
            } else if let Some((file, text)) = line.strip_prefix("lacks ").and_then(|rest| rest.split_once(' ')) {
                self.look(file, text, false).map_err(at)?;
            } else if !line.is_empty() && !line.starts_with('#') {
                return Err(at("neither a command nor a comment".into()));
            }
        }
        self.compare_expected()
    }

    /// Calls the program; `answer` is the exit status and the object it prints.
    fn call(&self, command: &str, answer: &[&str]) -> Result<(), String> {
        let (command, input) = match command.split_once(" < ") {
            Some((command, file)) => {
                (command, fs::read(self.stage.path().join(file)).map_err(|e| format!("{file}: {e}"))?)
            }
            None => (command, Vec::new()),
        };
        let output = run(wasmime(self.stage.path()).args(command.split_whitespace()), &input);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let shown = || format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        let status = answer.first().map_or(0, |line| line.parse::<i32>().unwrap_or(0));
        if output.status.code() != Some(status) {
            return Err(format!("exit status {:?}, not {status}:\n{}", output.status.code(), shown()));
        }
        for expected in answer.iter().filter(|line| line.starts_with('{')) {
            let expected: Value = serde_json::from_str(expected).map_err(|e| format!("{e}: {expected}"))?;
            let found: Value = serde_json::from_str(&stdout).map_err(|e| format!("{e}: {}", shown()))?;
            if !includes(&found, &expected) {
                return Err(format!("expected {expected}\nfound    {found}"));
            }
        }
        Ok(())
    }

    fn look(&self, file: &str, text: &str, wanted: bool) -> Result<(), String> {
        let bytes = fs::read(self.stage.path().join(file)).map_err(|e| format!("{file}: {e}"))?;
        if contains(&bytes, text) == wanted {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Every file of `expect/` is to be found under the same name, bit for bit.
    fn compare_expected(&self) -> Result<(), String> {
        let Ok(expected) = fs::read_dir(self.source.join("expect")) else { return Ok(()) };
        for entry in expected {
            let entry = entry.expect("an entry");
            // `in-0.eml` is the file `in/0.eml`.
            let name = entry.file_name().to_string_lossy().replacen('-', "/", 1);
            let expected = crlf(&fs::read(entry.path()).expect("a file"));
            let found = fs::read(self.stage.path().join(&name)).map_err(|e| format!("{}: {name}: {e}", self.name))?;
            if found != expected {
                let (found, expected) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
                return Err(format!("{}: {name} is not as expected:\n{found}\n--- expected:\n{expected}", self.name));
            }
        }
        Ok(())
    }
}

/// An exit status or an object.
fn is_answer(line: &str) -> bool {
    line.starts_with('{') || line.parse::<i32>().is_ok()
}

/// Whether `found` has all that `expected` says: of objects the fields that
/// stand there, of lists of events some event each, else the same.
fn includes(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected.iter().all(|(name, value)| match name.as_str() {
            "events" => value.as_array().is_some_and(|events| {
                events.iter().all(|event| {
                    found.get(name).and_then(Value::as_array).is_some_and(|all| all.iter().any(|e| includes(e, event)))
                })
            }),
            _ => found.get(name).is_some_and(|found| includes(found, value)),
        }),
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| includes(found, expected))
        }
        _ => found == expected,
    }
}
