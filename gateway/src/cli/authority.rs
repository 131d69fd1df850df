//! The command line of the built-in authority: `wasmime keys issue` and its kin.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Algorithm, Tenant};

/// Arguments of `wasmime keys issue`.
#[derive(Args, Debug)]
#[command(after_help = ISSUE_HELP)]
pub struct Issue {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Whose certificate; it may be left out with --new-root
    #[arg(long, value_name = "ADDRESS", required_unless_present = "new_root")]
    pub address: Option<String>,
    /// Certify the key of this certification request (PKCS #10, PEM or DER) instead of a new one
    #[arg(long, value_name = "FILE", requires = "address")]
    pub request: Option<PathBuf>,
    /// The algorithm of the new key [default: as configured, or rsa3072]
    #[arg(long, value_enum, conflicts_with = "request")]
    pub algorithm: Option<Algorithm>,
    /// How many days the certificate is valid [default: as configured, or 365]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// Write the certificate and that of its issuer here, as PEM
    #[arg(long, value_name = "FILE", requires = "address")]
    pub output: Option<PathBuf>,
    /// Make another root first: those who trust the old one have to be given it
    #[arg(long)]
    pub new_root: bool,
}

const ISSUE_HELP: &str = "\
The first certificate makes the tenant's authority: a root, which others trust (`wasmime keys root`), and an \
issuing authority under it. Both are for addresses of the tenant's domains alone. Their names, lifetimes and algorithm \
are [tenant.NAME.authority] in the configuration.";

/// Arguments of `wasmime keys root`.
#[derive(Args, Debug)]
pub struct Root {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `wasmime keys renew`.
#[derive(Args, Debug)]
#[command(after_help = RENEW_HELP)]
pub struct Renew {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Renew what expires within this time, as in 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration)]
    pub within: Duration,
}

const RENEW_HELP: &str = "\
For a timer. Without --tenant it is done for each tenant that has an authority. Keys that are renewed are retired: they \
read what is old. Where the configuration says where, the revocation list is written anew as well.";

/// Arguments of `wasmime keys revoke`.
#[derive(Args, Debug)]
pub struct Revoke {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Whose certificates, or which: the fingerprint, or its first digits
    #[arg(value_name = "ADDRESS|FINGERPRINT")]
    pub which: String,
    /// Why
    #[arg(long, value_enum, default_value_t = Reason::Unspecified)]
    pub reason: Reason,
}

/// Why a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// Nobody says
    Unspecified,
    /// Somebody else may have the private key
    KeyCompromise,
    /// What it says of its owner is no longer so
    AffiliationChanged,
    /// There is another
    Superseded,
    /// It is needed no more
    CessationOfOperation,
    /// Its owner may no longer use it
    PrivilegeWithdrawn,
}

/// Arguments of `wasmime keys crl`.
#[derive(Args, Debug)]
pub struct Crl {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Write here instead of where the configuration says; - is standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// PEM with the lists of all the tenant's authorities, or DER with that of the one that issues
    #[arg(long, value_enum, default_value_t = ListFormat::Pem)]
    pub format: ListFormat,
}

/// How a revocation list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// The lists of all authorities, in PEM
    Pem,
    /// The list of the issuing authority, in DER
    Der,
}
