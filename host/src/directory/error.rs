//! Why a directory gave no answer, in words that say what to do.

use std::fmt;

use crate::secret_file::SecretError;

/// Why a directory gave no answer that can be used. Whatever it is, mail waits for it
/// to be mended.
#[non_exhaustive]
#[derive(Debug)]
pub enum DirectoryError {
    /// What is configured cannot be used.
    Configuration(String),
    /// The password of the bind cannot be had.
    Password(SecretError),
    /// No connection comes about, or it breaks off.
    Unreachable {
        /// The server, as a URL.
        server: String,
        /// What the network says.
        reason: String,
    },
    /// TLS fails.
    Tls {
        /// The server.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// It did not answer in time.
    Silent {
        /// The server.
        server: String,
    },
    /// It answers what is not LDAP, or not to the question.
    Garbage {
        /// The server.
        server: String,
    },
    /// It says that it will not or cannot do it.
    Refused {
        /// The server.
        server: String,
        /// What it was asked for.
        operation: Operation,
        /// The result code (RFC 4511, appendix A).
        code: u32,
        /// Its own words.
        message: String,
    },
    /// More entries match than one person can have.
    TooMany {
        /// The server.
        server: String,
    },
    /// All connections are in use.
    Busy,
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// To begin TLS.
    StartTls,
    /// To accept who we are.
    Bind,
    /// To search.
    Search,
}

/// The bind was refused (RFC 4511, appendix A.1).
const INVALID_CREDENTIALS: u32 = 49;
/// There is no base.
const NO_SUCH_OBJECT: u32 = 32;

impl DirectoryError {
    /// Whether another server may do better.
    pub(super) fn is_of_one_server(&self) -> bool {
        !matches!(self, Self::Configuration(_) | Self::Password(_) | Self::TooMany { .. } | Self::Busy)
    }

    /// Whether the connection was closed while nobody looked, or may have been.
    pub(super) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Tls { .. } | Self::Silent { .. })
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(reason) => f.write_str(reason),
            Self::Password(error) => write!(f, "the password for the directory: {error}"),
            Self::Unreachable { server, reason } => write!(f, "the directory {server} cannot be reached ({reason})"),
            Self::Tls { server, reason } => write!(
                f,
                "TLS with the directory {server} fails ({reason}); see that `ca` is its authority, and that its \
                 certificate is in date and names it as it is written here"
            ),
            Self::Silent { server } => {
                write!(f, "the directory {server} did not answer in time; see that it works, or raise `timeout`")
            }
            Self::Garbage { server } => {
                write!(f, "the directory {server} answers what is not LDAP; see that host and port are right")
            }
            Self::Refused { server, operation: Operation::Bind, code: INVALID_CREDENTIALS, .. } => {
                write!(f, "the directory {server} refuses our name or password; see `bind-dn` and `bind-password-file`")
            }
            Self::Refused { server, operation: Operation::Search, code: NO_SUCH_OBJECT, .. } => {
                write!(f, "the directory {server} has no such `base`, or does not show it to us")
            }
            Self::Refused { server, operation, code, message } => {
                let operation = match operation {
                    Operation::StartTls => "to begin TLS",
                    Operation::Bind => "the bind",
                    Operation::Search => "the search",
                };
                write!(f, "the directory {server} refuses {operation} (result code {code}: {message})")
            }
            Self::TooMany { server } => {
                write!(f, "the directory {server} has more entries for one address than can be meant; narrow `filter`")
            }
            Self::Busy => f.write_str("all connections to the directory are in use; raise `connections`"),
        }
    }
}

impl std::error::Error for DirectoryError {}
