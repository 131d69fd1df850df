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
