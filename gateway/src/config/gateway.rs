//! `[gateway]`: what holds for all tenants together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::Address;
use super::source::Source;
use super::{ConfigurationError, is_domain, raw};

/// What holds for all tenants together.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name in greetings and trace fields.
    pub hostname: String,
    /// Where metrics, health and the status page are served, if they are.
    pub status: Option<Address>,
    /// How the log is written to standard error.
    pub log: LogFormat,
    /// The file that gets every audit event as a line of JSON, if there is one.
    pub audit: Option<PathBuf>,
    /// Messages worked on at a time.
    pub messages: u32,
    /// Client connections at a time.
    pub connections: usize,
    /// Octets of mail held at a time.
    pub memory: usize,
    /// How long a graceful stop waits for open transactions.
    pub drain: Duration,
    /// The folder where it is remembered what was handed on; none is memory only.
    pub state: Option<PathBuf>,
    /// Whether the process confines itself to its files and ports.
    pub landlock: bool,
    /// The component, instead of the built-in one.
    pub component: Option<PathBuf>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of words.
    Text,
    /// A JSON object a line.
    Json,
}

/// Reads `[gateway]`; paths are relative to `folder`.
pub fn gateway(source: &Source<'_>, folder: &Path, raw: raw::Gateway) -> Result<Gateway, ConfigurationError> {
    let hostname = match raw.hostname {
        Some(name) if is_domain(name.get_ref()) && name.get_ref().is_ascii() => name.into_inner(),
        Some(name) => {
            let text = format!("`{}` is not a host name; write it as gw.example.com", name.get_ref());
            return Err(source.at(name.span(), text));
        }
        None => machine(),
    };
    Ok(Gateway {
        hostname,
        status: raw.status.map(|address| address.within(folder)),
        log: match raw.log {
            Some(raw::LogFormat::Json) => LogFormat::Json,
            Some(raw::LogFormat::Text) | None => LogFormat::Text,
        },
        audit: raw.audit.map(|path| folder.join(path)),
        messages: raw.messages.map_or(MESSAGES, Into::into),
        connections: raw.connections.map_or(CONNECTIONS, |most| most.get() as usize),
        memory: raw.memory.map_or(MEMORY, |octets| octets.0),
        drain: raw.drain.map_or(DRAIN, |time| time.0),
        state: raw.state.map(|path| folder.join(path)).or_else(state_directory),
        landlock: raw.landlock.unwrap_or(true),
        component: raw.component.map(|path| folder.join(path)),
    })
}

const MESSAGES: u32 = 64;
const CONNECTIONS: usize = 1000;
const MEMORY: usize = 1 << 30;
const DRAIN: Duration = Duration::from_secs(30);

/// The machine's own name, where it has one that can stand in a greeting.
fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_ascii() && is_domain(&name) { name } else { "localhost".to_owned() }
}

/// The first folder that systemd's `StateDirectory=` made.
fn state_directory() -> Option<PathBuf> {
    let folders = std::env::var("STATE_DIRECTORY").ok()?;
    folders.split(':').next().map(PathBuf::from).filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::super::Configuration;
    use super::*;

    fn read(gateway: &str) -> Result<Gateway, String> {
        let text = format!("[gateway]\n{gateway}\n[tenant.a]\ndomains = [\"a.b\"]\n");
        let read = Configuration::parse(Path::new("/etc/wasmime/wasmime.toml"), &text);
        read.map(|configuration| configuration.gateway).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let gateway = read(
            "hostname = \"gw.nec.co.jp\"\nstatus = \"unix:status.sock\"\nlog = \"json\"\naudit = \"audit.jsonl\"\n\
             messages = 8\nconnections = 10\nmemory = \"2GiB\"\ndrain = \"1m\"\nstate = \"/var/lib/w\"\n\
             landlock = false\ncomponent = \"other.wasm\"",
        )
        .unwrap();
        assert_eq!(gateway.hostname, "gw.nec.co.jp");
        assert_eq!(gateway.status, Some(Address::Unix("/etc/wasmime/status.sock".into())));
        assert_eq!(gateway.log, LogFormat::Json);
        assert_eq!(gateway.audit.as_deref(), Some(Path::new("/etc/wasmime/audit.jsonl")));
        assert_eq!((gateway.messages, gateway.connections, gateway.memory), (8, 10, 2 << 30));
        assert_eq!(gateway.drain, Duration::from_secs(60));
        assert_eq!(gateway.state.as_deref(), Some(Path::new("/var/lib/w")));
        assert!(!gateway.landlock);
        assert_eq!(gateway.component.as_deref(), Some(Path::new("/etc/wasmime/other.wasm")));
    }

    #[test]
    fn what_is_left_out_is_bounded_and_confined() {
        let gateway = read("").unwrap();
        assert_eq!((gateway.messages, gateway.connections, gateway.memory), (64, 1000, 1 << 30));
        assert_eq!((gateway.drain, gateway.log), (Duration::from_secs(30), LogFormat::Text));
        assert!(gateway.landlock && gateway.status.is_none() && gateway.audit.is_none());
        assert!(!gateway.hostname.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_a_hint() {
        for (wrong, says) in [
            ("hostname = \"gw nec\"", ":2: `gw nec` is not a host name"),
            ("hostname = \"gw.nec\\r\\n250\"", "is not a host name"),
            ("status = \"8025\"", ":2: `8025` is no address to listen on"),
            ("log = \"xml\"", "unknown value `xml`; there is `text`, `json`"),
            ("messages = 0", ":2: "),
            ("memory = \"much\"", ":2: `much` is not a size; write it as \"35MiB\""),
            ("memory = 1024", ":2: "),
            ("drain = \"30\"", ":2: `30` is not a length of time"),
            ("landlok = true", "did you mean `landlock`?"),
        ] {
            let complaint = read(wrong).unwrap_err();
            assert!(complaint.contains(says), "{complaint}\n does not say {says}");
        }
    }
}
