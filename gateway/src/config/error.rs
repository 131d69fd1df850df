//! What is wrong with a configuration, in sentences that say where and what to
//! do.

use std::fmt;
use std::path::PathBuf;

use crate::exit::{Failure, Status};

/// What is wrong with a configuration.
#[derive(Debug)]
pub enum ConfigurationError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// Something in it is wrong.
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        text: String,
    },
    /// It has no tenant.
    NoTenant(PathBuf),
    /// It has no listener, and is to be served.
    NoListener(PathBuf),
    /// It has several, and none was named.
    WhichTenant {
        /// The file.
        path: PathBuf,
        /// The tenants.
        names: Vec<String>,
    },
    /// It has none of that name.
    UnknownTenant {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The tenants.
        names: Vec<String>,
    },
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(
                f,
                "the configuration {} cannot be read ({error}); name it with --config or WASMIME_CONFIG",
                path.display()
            ),
            Self::Wrong { path, line, text } => write!(f, "{}:{line}: {text}", path.display()),
            Self::NoTenant(path) => {
                write!(f, "{} has no tenant; begin with [tenant.NAME] and domains = [\"example.com\"]", path.display())
            }
            Self::NoListener(path) => write!(
                f,
                "{} has no listener; say where mail comes in with [[listener]], protocol, address and direction",
                path.display()
            ),
            Self::WhichTenant { path, names } => {
                write!(f, "{} has several tenants; say which with --tenant: {}", path.display(), names.join(", "))
            }
            Self::UnknownTenant { path, name, names } => {
                write!(f, "{} has no tenant `{name}`; it has: {}", path.display(), names.join(", "))
            }
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        let status = match error {
            ConfigurationError::WhichTenant { .. } | ConfigurationError::UnknownTenant { .. } => Status::Usage,
            _ => Status::Configuration,
        };
        Self::new(status, error)
    }
}
