//! Why the DNS gave no answer, in words that say what to do.

use std::fmt;
use std::net::SocketAddr;

/// Why the DNS gave no answer that can be used. Whatever it is, mail waits for it to
/// be mended.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmimeaError {
    /// What is configured cannot be used.
    Configuration(String),
    /// No resolver answered in time.
    Silent,
    /// A resolver could not be asked, or would not or could not say.
    Failed(String),
    /// An answer ought to be signed, and is not as it ought to be.
    Bogus,
    /// A resolver is there, and what it says of the root does not go with the trust
    /// anchor.
    Anchor,
    /// What one resolver of several came to.
    Of {
        /// The resolver.
        resolver: SocketAddr,
        /// What is wrong with it.
        error: Box<Self>,
    },
}

impl fmt::Display for SmimeaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(reason) => f.write_str(reason),
            Self::Silent => f.write_str("no DNS resolver answered in time; see `resolvers`, or raise `timeout`"),
            Self::Failed(reason) => write!(f, "the DNS resolvers have no answer ({reason}); see `resolvers`"),
            Self::Bogus => f.write_str("an answer of the DNS is not signed as it ought to be: it is not believed"),
            Self::Anchor => f.write_str(
                "the root of the DNS is not signed with the trust anchor; see `anchor`, and that the resolver hands \
                 signatures on",
            ),
            Self::Of { resolver, error } => write!(f, "the DNS resolver {resolver}: {error}"),
        }
    }
}

impl std::error::Error for SmimeaError {}
