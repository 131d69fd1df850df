//! Why an authority does not do what it is asked, in sentences that say what to do.

use std::fmt;

use crate::keyring::{ImportError, KeyringError};

/// Why an authority does not do what it is asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The keyring.
    Keyring(KeyringError),
    /// The tenant has no authority yet.
    None,
    /// The authority in the keyring was not made by whoever can unlock it.
    Altered,
    /// The address is of none of the tenant's domains.
    NotOurs(String),
    /// The root was made before the tenant had this domain.
    Unconstrained(String),
    /// The root expires before what is to be issued would.
    RootEnds,
    /// What is to be issued would last longer than any authority that issues it.
    OutlivesIssuer,
    /// A certification request that cannot be granted, and why.
    Request(&'static str),
    /// Nothing that was issued here is meant.
    NotIssued(String),
    /// No more are issued on demand today.
    Limit(u32),
    /// The address had a certificate that was revoked.
    Revoked(String),
}

impl AuthorityError {
    /// Whether a later attempt may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Keyring(error) => error.is_transient(),
            Self::Limit(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring(error) => error.fmt(f),
            Self::None => f.write_str("the tenant has no authority yet; `wasmime keys issue` makes one"),
            Self::Altered => f.write_str(
                "the authority in the keyring was put there by somebody who cannot unlock it; see who can write the file, \
                 and restore it from a backup",
            ),
            Self::NotOurs(address) => write!(
                f,
                "{address} is of none of the tenant's `domains`; an authority certifies the tenant's own users alone"
            ),
            Self::Unconstrained(domain) => write!(
                f,
                "the tenant's root was made before it had the domain {domain}, and says so; make another with `wasmime \
                 keys issue --new-root` and give that to those who trust the old one"
            ),
            Self::RootEnds => f.write_str(
                "the tenant's root expires before the certificate would; make another with `wasmime keys issue \
                 --new-root` and give that to those who trust the old one",
            ),
            Self::OutlivesIssuer => f.write_str(
                "the certificate would be valid for longer than the authority that issues it; ask for fewer days, or \
                 raise `issuing-days` and `root-days`",
            ),
            Self::Request(reason) => write!(f, "the request {reason}"),
            Self::NotIssued(what) => write!(f, "nothing in force that the tenant's authority issued is for {what}"),
            Self::Limit(limit) => write!(
                f,
                "{limit} certificates were issued on demand within a day, and no more are; raise `per-day` or issue \
                 with `wasmime keys issue`"
            ),
            Self::Revoked(address) => write!(
                f,
                "a certificate of {address} was revoked, so none is issued on demand; `wasmime keys issue` does it"
            ),
        }
    }
}

impl std::error::Error for AuthorityError {}

impl From<KeyringError> for AuthorityError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
}

impl From<ImportError> for AuthorityError {
    fn from(error: ImportError) -> Self {
        Self::Keyring(error.into())
    }
}

/// That the cryptographic library could not do its part.
pub(super) fn cryptography(what: &'static str) -> KeyringError {
    KeyringError::Cryptography(what)
}
