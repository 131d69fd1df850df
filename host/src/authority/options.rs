//! What an authority issues.

use crate::keyring::KeyAlgorithm;

/// What an authority issues. Lifetimes are in days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityOptions {
    /// The tenant's mail domains, in A-labels and lower case: for addresses of these
    /// alone is anything issued.
    pub domains: Vec<String>,
    /// Whose authority it says to be.
    pub organisation: String,
    /// The algorithm of the authorities' own keys.
    pub authority_algorithm: KeyAlgorithm,
    /// How long a root is valid.
    pub root_days: u32,
    /// How long an issuing authority is.
    pub issuing_days: u32,
    /// The algorithm of users' keys.
    pub algorithm: KeyAlgorithm,
    /// How long users' certificates are valid.
    pub days: u32,
    /// How long a revocation list is in force.
    pub list_days: u32,
    /// Where others find the revocation list: written into users' certificates.
    pub list_url: Option<String>,
}

impl AuthorityOptions {
    /// What is usual, for these domains: RSA with 3072 bits throughout, a root for
    /// twenty years, issuing authorities for five, users' certificates for one.
    pub fn new(domains: Vec<String>) -> Self {
        Self {
            organisation: domains.first().cloned().unwrap_or_default(),
            domains,
            authority_algorithm: KeyAlgorithm::Rsa3072,
            root_days: 7305,
            issuing_days: 1826,
            algorithm: KeyAlgorithm::Rsa3072,
            days: 365,
            list_days: 7,
            list_url: None,
        }
    }
}
