//! Why a key management server gave no answer, in words that say what to do.

use std::fmt;

/// Why a key management server gave no answer that can be used. Whatever it is,
/// mail waits for it to be mended.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmipError {
    /// The files that make up the TLS client are unfit.
    Configuration(String),
    /// No connection comes about.
    Unreachable {
        /// The server, as host and port.
        server: String,
        /// What the network says.
        reason: String,
    },
    /// TLS fails: its certificate is not accepted here, or ours not there.
    Tls {
        /// The server.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// It did not answer in time.
    Silent(String),
    /// It answers what is not KMIP, or not to the question.
    Garbage(String),
    /// It says that it will not or cannot do it.
    Refused {
        /// The server.
        server: String,
        /// The result reason (KMIP 1.2, section 9.1.3.2.29).
        reason: u32,
        /// Its own words.
        message: String,
    },
    /// It gave an object of another name than was asked for.
    OthersObject {
        /// The server.
        server: String,
        /// The mailbox that was asked for.
        owner: String,
    },
    /// It has more objects under a mailbox than can be meant.
    TooMany {
        /// The server.
        server: String,
        /// The mailbox.
        owner: String,
    },
    /// All connections are in use.
    Busy,
}

impl KmipError {
    /// Whether another server may do better.
    pub(super) fn is_of_one_server(&self) -> bool {
        !matches!(self, Self::Configuration(_) | Self::OthersObject { .. } | Self::TooMany { .. } | Self::Busy)
    }
}

impl fmt::Display for KmipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(reason) => f.write_str(reason),
            Self::Unreachable { server, reason } => {
                write!(f, "the key management server {server} cannot be reached ({reason})")
            }
            Self::Tls { server, reason } => write!(
                f,
                "TLS with the key management server {server} fails ({reason}); see that `ca` is its authority, and \
                 that it accepts `certificate`"
            ),
            Self::Silent(server) => {
                write!(
                    f,
                    "the key management server {server} did not answer in time; see that it works, or raise `timeout`"
                )
            }
            Self::Garbage(server) => {
                write!(
                    f,
                    "the key management server {server} answers what is not KMIP 1.2; see that host and port are right"
                )
            }
            Self::Refused { server, reason, message } => write!(
                f,
                "the key management server {server} refuses (reason {reason:#x}: {message}); see that it lets the owner of \
                 `certificate` read these objects"
            ),
            Self::OthersObject { server, owner } => write!(
                f,
                "the key management server {server}, asked for objects named {owner}, gave others: it ignores attributes, \
                 and none of its keys is used"
            ),
            Self::TooMany { server, owner } => write!(
                f,
                "the key management server {server} has more objects named {owner} than can be meant; remove old ones"
            ),
            Self::Busy => f.write_str("all connections to the key management servers are in use; raise `connections`"),
        }
    }
}

impl std::error::Error for KmipError {}
