//! The log, on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Begins the log. One line a message is told without `-v`; `WASMIME_LOG`
/// overrides it.
pub fn start(format: LogFormat, verbose: u8) {
    let level = if verbose == 0 { "info" } else { "debug" };
    let filter = EnvFilter::try_from_env("WASMIME_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
