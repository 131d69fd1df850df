//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::time;
pub use authority::{Crl, Issue, ListFormat, Reason, Renew, Revoke, Root};

mod authority;

/// A secure mail proxy: signs and encrypts mail that leaves, verifies and
/// decrypts mail that arrives, for every user of an organisation, with S/MIME.
///
/// The mail is worked on in a sandbox that has no files, no network and no keys;
/// private keys stay outside, in a keyring.
#[derive(Debug, Parser)]
#[command(name = "wasmime", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Tell more on standard error; twice tells all. WASMIME_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str =
    "Exit status: 0 done, deliver; 1 failed; 64 wrong usage; 75 defer; 77 reject; 78 wrong configuration.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole way of a message between two organisations, with nothing to set up
    Demo(Demo),
    /// Decide what becomes of one message: from standard input, in a pipe
    Process(Process),
    /// Serve mail servers: milter, SMTP and LMTP, as the configuration says
    Serve(Serve),
    /// Ask the gateway that serves whether it can
    Status(Status),
    /// Look after the keys of a tenant
    Keys(Keys),
    /// Say what is wrong with configuration, keys, chains and expiry
    Check(Check),
    /// Print what a shell needs to complete this command line
    Completion(Completion),
    /// Write the manual as man pages
    Manual(Manual),
}

/// Which configuration.
#[derive(Args, Debug)]
pub struct Configuration {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "WASMIME_CONFIG", default_value = "/etc/wasmime/wasmime.toml")]
    pub config: PathBuf,
}

/// Arguments of `wasmime demo`.
#[derive(Args, Debug)]
pub struct Demo {
    #[command(flatten)]
    pub sandbox: Sandbox,
}

/// Which component, compiled where.
#[derive(Args, Debug)]
pub struct Sandbox {
    /// Run this component instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Keep the compiled component in this directory [default: $XDG_CACHE_HOME/wasmime or ~/.cache/wasmime]
    #[arg(long, value_name = "DIR", env = "WASMIME_CACHE")]
    pub cache: Option<PathBuf>,
}

/// Arguments of `wasmime process`.
#[derive(Args, Debug)]
#[command(after_help = PROCESS_HELP)]
pub struct Process {
    #[command(flatten)]
    pub configuration: Configuration,
    #[command(flatten)]
    pub sandbox: Sandbox,
    /// Which way the message crosses the gateway
    #[arg(long, value_enum)]
    pub direction: Direction,
    /// The reverse-path (MAIL FROM); empty or <> for bounces
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub mail_from: String,
    /// A forward-path (RCPT TO); repeat it for each recipient
    #[arg(long, value_name = "ADDRESS", required = true, allow_hyphen_values = true)]
    pub rcpt_to: Vec<String>,
    /// Who submitted an outbound message, as the mail server authenticated it [default: --mail-from]
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub submitter: Option<String>,
    /// Judge validity as of this instant instead of now, as in 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    pub at: Option<u64>,
    /// Write the deliveries to DIR/0.eml, DIR/1.eml and so on
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What standard output gets: a JSON object, or the message itself
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
}

const PROCESS_HELP: &str = "\
Reads a message from standard input. A message whose lines end with LF alone, as in Unix pipes, is \
turned into CRLF first, and back with --format message.

On standard output, one JSON object: the verdict, the deliveries and their files or the reply for the \
client, the events of the audit log, and how often a private key was used. With --format message and \
one delivery, the message itself; the reply of a refusal is then on standard error, beginning with its \
status (5.7.7), as pipes of Postfix want it.

Whose mail it is, the domains tell: outbound that of the submitter or of --mail-from, inbound those of the \
recipients. Without --submitter the pipe's mail server vouches for --mail-from, so let it accept no other sender \
than the one that authenticated.

Exit status: 0 deliver, 77 reject, 75 defer, 64 wrong usage, 78 wrong configuration.";

/// Arguments of `wasmime serve`.
#[derive(Args, Debug)]
#[command(after_help = SERVE_HELP)]
pub struct Serve {
    #[command(flatten)]
    pub configuration: Configuration,
    #[command(flatten)]
    pub sandbox: Sandbox,
}

const SERVE_HELP: &str = "\
Listens where [[listener]] of the configuration says, and answers until it is told to stop. The log goes to \
standard error.

SIGHUP reads the configuration again: a wrong one is refused and the old one stays. SIGTERM and SIGINT stop: \
transactions under way are finished, at most for `drain`; a second one stops at once.

Exit status: 0 stopped, 1 a listener or a key store cannot be opened, 78 wrong configuration.";

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// To local users: verify and decrypt
    Inbound,
    /// From local users: encrypt and sign
    Outbound,
}

/// What standard output gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A JSON object
    Json,
    /// The message itself
    Message,
}

/// Arguments of `wasmime status`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0 it serves, or is impaired; 1 it does not, or nothing answers; 78 there is no [gateway] status."
)]
pub struct Status {
    #[command(flatten)]
    pub configuration: Configuration,
}

/// Arguments of `wasmime check`.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 all is well, 1 something is wrong, 78 the configuration cannot be read.")]
pub struct Check {
    #[command(flatten)]
    pub configuration: Configuration,
    /// Judge as of this instant instead of now, as in 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    pub at: Option<u64>,
}

/// Arguments of `wasmime completion`.
#[derive(Args, Debug)]
pub struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `wasmime manual`.
#[derive(Args, Debug)]
pub struct Manual {
    /// Write the pages here
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of `wasmime keys`.
#[derive(Args, Debug)]
#[command(after_help = KEYS_HELP)]
pub struct Keys {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

const KEYS_HELP: &str = "\
A tenant has one keyring: a file with pairs of a mail address and a private key, and pairs of a mail \
address and a public key. The first `import` or `generate` makes it, with its key file beside it \
(KEYRING.key): back the two up to different places, for whoever has both has the private keys.

If a file KEYRING.passphrase is there when the keyring is made, its passphrase seals the keyring \
instead. Either file may come from $CREDENTIALS_DIRECTORY (systemd's LoadCredential=).";

/// Which tenant of which configuration.
#[derive(Args, Debug)]
pub struct Tenant {
    #[command(flatten)]
    pub configuration: Configuration,
    /// The tenant; may be left out if the configuration has only one
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// Which key.
#[derive(Args, Debug)]
pub struct Key {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Whose key
    #[arg(long, value_name = "ADDRESS")]
    pub address: String,
    /// Which of several: the fingerprint, or its first digits
    #[arg(long, value_name = "HEX")]
    pub fingerprint: Option<String>,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// File keys and certificates: PEM, DER, PKCS #7, PKCS #8, PKCS #12
    Import(Import),
    /// Generate a private key and a certificate that it signs itself, pinned
    Generate(Generate),
    /// Request a certificate from an authority for a new key, or for one on file
    Request(Request),
    /// List what is filed: address, kind, algorithm, fingerprint, validity, source
    List(List),
    /// Show all that is known of the keys of an address
    Show(Show),
    /// Write a certificate, or explicitly a private key
    Export(Export),
    /// Vouch for a public key: no path to a trust anchor is asked for, and no other key counts
    Pin(Pin),
    /// Use a certificate that came with mail and differs from the one that was known
    Approve(Approve),
    /// Keep a key for what is old, and use it for nothing new
    Retire(Retire),
    /// Remove a key
    Remove(Remove),
    /// Seal the keyring under a new key file or passphrase, and all private keys anew
    Rotate(Rotate),
    /// Issue a certificate by the tenant's own authority, which is made if there is none
    Issue(Issue),
    /// Write the root of the tenant's own authority, for others to trust
    Root(Root),
    /// Replace certificates of the tenant's own authority before they expire
    Renew(Renew),
    /// Take certificates of the tenant's own authority back
    Revoke(Revoke),
    /// Write the revocation list of the tenant's own authority
    Crl(Crl),
}

/// Arguments of `wasmime keys import`.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    pub tenant: Tenant,
    /// File under this address instead of those that the certificates name
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// Pin the public keys
    #[arg(long)]
    pub pin: bool,
    /// The password of encrypted files, on the first line of this one
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Files of certificates and private keys; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Arguments of `wasmime keys generate`.
#[derive(Args, Debug)]
pub struct Generate {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Whose key
    #[arg(long, value_name = "ADDRESS")]
    pub address: String,
    /// The algorithm
    #[arg(long, value_enum, default_value_t = Algorithm::Rsa3072)]
    pub algorithm: Algorithm,
    /// How many days the certificate is valid
    #[arg(long, value_name = "N", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}

/// Arguments of `wasmime keys request`.
#[derive(Args, Debug)]
#[command(after_help = REQUEST_HELP)]
pub struct Request {
    #[command(flatten)]
    pub key: Key,
    /// The algorithm of the new key
    #[arg(long, value_enum, conflicts_with = "fingerprint")]
    pub algorithm: Option<Algorithm>,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const REQUEST_HELP: &str = "\
The request is a PKCS #10 in PEM. Without --fingerprint a new key is made, which does nothing until its \
certificate is imported (`wasmime keys import`); with it, the key of that certificate gets another one.";

/// The algorithm of a new key, on the command line and in the configuration.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// RSA with 2048 bits
    Rsa2048,
    /// RSA with 3072 bits
    #[default]
    Rsa3072,
    /// RSA with 4096 bits
    Rsa4096,
    /// P-256: ECDSA and ECDH
    EcP256,
    /// P-384: ECDSA and ECDH
    EcP384,
    /// P-521: ECDSA and ECDH
    EcP521,
    /// Ed25519, which signs alone
    Ed25519,
}

/// Arguments of `wasmime keys list`.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Keys of this address only
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// A JSON array instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `wasmime keys show`.
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    pub key: Key,
    /// A JSON array instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `wasmime keys export`.
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub key: Key,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The private key as well, encrypted
    #[arg(long, requires = "password_file")]
    pub private_key: bool,
    /// The password to encrypt under, on the first line of this file
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub password_file: Option<PathBuf>,
    /// What the private key is put in
    #[arg(long, value_enum, default_value_t = Container::Pkcs12, requires = "private_key")]
    pub format: Container,
}

/// What a private key is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Container {
    /// PKCS #12, which mail clients import
    Pkcs12,
    /// PEM: encrypted PKCS #8 and certificates
    Pkcs8,
}

/// Arguments of `wasmime keys pin`.
#[derive(Args, Debug)]
pub struct Pin {
    #[command(flatten)]
    pub key: Key,
    /// Take the pin out
    #[arg(long)]
    pub undo: bool,
}

/// Arguments of `wasmime keys approve`.
#[derive(Args, Debug)]
pub struct Approve {
    #[command(flatten)]
    pub tenant: Tenant,
    /// The address, or the fingerprint or its first digits, of what `wasmime keys list` notes as held
    #[arg(value_name = "ADDRESS|FINGERPRINT")]
    pub which: String,
}

/// Arguments of `wasmime keys retire`.
#[derive(Args, Debug)]
pub struct Retire {
    #[command(flatten)]
    pub key: Key,
    /// Use it again
    #[arg(long)]
    pub undo: bool,
}

/// Arguments of `wasmime keys remove`.
#[derive(Args, Debug)]
pub struct Remove {
    #[command(flatten)]
    pub key: Key,
    /// Remove the private key as well: mail to it can be read no more
    #[arg(long)]
    pub private_key: bool,
}

/// Arguments of `wasmime keys rotate`.
#[derive(Args, Debug)]
pub struct Rotate {
    #[command(flatten)]
    pub tenant: Tenant,
    /// The new passphrase, on the first line of this file; without it a key file is made
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}
