//! The audit file: every event of every message as a line of JSON.
//!
//! It is a second copy for whoever archives or searches. Where it cannot be
//! written, mail goes on, and the lines go to the log, so that none is lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::record::Record;
use crate::event::EventReport;
use crate::time;

/// The audit file, open.
pub struct Audit {
    path: PathBuf,
    /// With whether its last line may lack its end.
    file: Mutex<(File, bool)>,
}

/// A line of it.
#[derive(Serialize)]
struct Line<'a> {
    /// When it was written, as in 2026-11-22T12:00:00Z.
    time: &'a str,
    tenant: Option<&'a str>,
    listener: &'a str,
    direction: Option<&'static str>,
    /// That of the transaction.
    id: &'a str,
    #[serde(flatten)]
    event: EventReport<'a>,
}

impl Audit {
    /// Opens the file `path` to write at its end, and makes it, readable by its
    /// owner and group, if there is none.
    pub fn open(path: &Path) -> Result<Self, String> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
        let file = opened.map_err(|error| format!("the audit file {} cannot be opened: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new((file, false)) })
    }

    /// Writes down the events of a message.
    pub async fn write(self: Arc<Self>, record: &Record<'_>) {
        let lines = lines(record);
        if !lines.is_empty() {
            // That it is done, not that it succeeds, is waited for: it tells itself.
            let _ = tokio::task::spawn_blocking(move || self.append_or_log(&lines)).await;
        }
    }

    fn append_or_log(&self, lines: &[String]) {
        if let Err(error) = self.append(lines.concat().as_bytes()) {
            let path = self.path.display();
            tracing::error!("the audit file {path} cannot be written ({error}); its lines follow here");
            lines.iter().for_each(|line| tracing::warn!(target: "wasmime::audit", line = line.trim_end()));
        }
    }

    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, torn) = &mut *guard;
        if *torn {
            file.write_all(b"\n")?;
        }
        // What a full disk took of a line is told apart from the next.
        *torn = true;
        file.write_all(lines)?;
        *torn = false;
        Ok(())
    }
}

/// The lines about one message.
fn lines(record: &Record<'_>) -> Vec<String> {
    let now = time::format(time::now());
    let line = |event| {
        let line = Line {
            time: &now,
            tenant: record.tenant.as_deref(),
            listener: record.listener,
            direction: record.direction_name(),
            id: &record.transaction.id,
            event: EventReport::from(event),
        };
        // Only a map with other keys than texts could fail.
        serde_json::to_string(&line).map(|line| line + "\n").unwrap_or_default()
    };
    record.events.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use host::{Event, Severity};

    use super::super::transaction::{Client, Transaction};
    use super::*;
    use crate::event::refusal;

    fn transaction() -> Transaction {
        Transaction { id: "4bXy\n".into(), client: Client::default(), sender: None, recipients: Vec::new() }
    }

    fn record(transaction: &Transaction, events: Vec<Event>) -> Record<'_> {
        let mut record = Record::new("edge", transaction, 1);
        record.tenant = Some("nec".into());
        record.events = events;
        record
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let transaction = transaction();
        let forged = refusal("message-rejected", &[("detail", "x\"}\r\n{\"time\":\"now\"}")]);
        let told = Event { severity: Severity::Info, name: "decrypted".into(), fields: Vec::new() };
        let lines = lines(&record(&transaction, vec![told, forged]));
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!(line.matches('\n').count(), 1);
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&read["tenant"], &read["id"], &read["listener"]),
                (&"nec".into(), &"4bXy\n".into(), &"edge".into())
            );
        }
        assert!(lines[0].contains(r#""severity":"info","event":"decrypted","fields":{}}"#), "{}", lines[0]);
    }

    #[tokio::test]
    async fn t35_a_full_disk_keeps_no_mail_from_its_way() {
        // Every write to this device finds the disk full.
        let full = Arc::new(Audit::open(Path::new("/dev/full")).unwrap());
        let transaction = transaction();
        Arc::clone(&full).write(&record(&transaction, vec![refusal("message-rejected", &[])])).await;
        assert!(full.file.lock().unwrap().1, "the next line begins after a line end");
    }
}
