//! `wasmime keys`: looking after the keyring of a tenant.

mod edit;
mod export;
mod file;
mod issue;
mod renew;
mod request;
mod revoke;
mod rotate;
mod select;
mod show;

use std::io::Write as _;
use std::path::Path;

use host::keyring::{Keyring, KeyringError};

use crate::cli::{self, KeysCommand};
use crate::config::{self, Configuration, ConfigurationError};
use crate::exit::{Failure, Status};
use crate::files;

/// Does what is asked.
pub fn run(arguments: &cli::Keys) -> Result<Status, Failure> {
    match &arguments.command {
        KeysCommand::Import(arguments) => file::import(arguments),
        KeysCommand::Generate(arguments) => file::generate(arguments),
        KeysCommand::Request(arguments) => request::request(arguments),
        KeysCommand::List(arguments) => show::list(arguments),
        KeysCommand::Show(arguments) => show::show(arguments),
        KeysCommand::Export(arguments) => export::export(arguments),
        KeysCommand::Pin(arguments) => edit::pin(arguments),
        KeysCommand::Approve(arguments) => edit::approve(arguments),
        KeysCommand::Retire(arguments) => edit::retire(arguments),
        KeysCommand::Remove(arguments) => edit::remove(arguments),
        KeysCommand::Rotate(arguments) => rotate::rotate(arguments),
        KeysCommand::Issue(arguments) => issue::issue(arguments),
        KeysCommand::Root(arguments) => issue::root(arguments),
        KeysCommand::Renew(arguments) => renew::renew(arguments),
        KeysCommand::Revoke(arguments) => revoke::revoke(arguments),
        KeysCommand::Crl(arguments) => revoke::crl(arguments),
    }?;
    Ok(Status::Ok)
}

/// The keyring of a tenant, which must be there.
fn open(tenant: &cli::Tenant) -> Result<Keyring, Failure> {
    Keyring::open(&settings(tenant)?.keyring).map_err(failed)
}

/// The keyring of a tenant, made if it is not there.
fn open_or_create(tenant: &cli::Tenant) -> Result<Keyring, Failure> {
    create(&settings(tenant)?.keyring)
}

/// Opens a keyring, and makes it if it is not there.
fn create(path: &Path) -> Result<Keyring, Failure> {
    let is_new = !path.exists();
    let keyring = Keyring::open_or_create(path).map_err(failed)?;
    if is_new {
        eprintln!(
            "wasmime: made the keyring {}, sealed by {}: back the two up to different places",
            path.display(),
            keyring.sealed_by().display()
        );
    }
    Ok(keyring)
}

/// What the configuration says of a tenant.
fn settings(tenant: &cli::Tenant) -> Result<config::Tenant, ConfigurationError> {
    let configuration = Configuration::read(&tenant.configuration.config)?;
    configuration.tenant(tenant.tenant.as_deref()).cloned()
}

fn failed(error: KeyringError) -> Failure {
    let status = if error.is_transient() { Status::Defer } else { Status::Failed };
    Failure::new(status, error)
}

/// Reads a file the operator named.
fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    let read = || -> std::io::Result<Vec<u8>> {
        if path.as_os_str() == "-" {
            let mut octets = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut octets)?;
            return Ok(octets);
        }
        std::fs::read(path)
    };
    read()
        .map(zeroize::Zeroizing::new)
        .map_err(|error| Failure::new(Status::Failed, format!("{} cannot be read: {error}", path.display())))
}

/// Writes what was asked for to a file, or to standard output.
fn write(output: Option<&Path>, octets: &[u8]) -> Result<(), Failure> {
    let told = |name: &str, error| Failure::new(Status::Failed, format!("{name}: {error}"));
    match output {
        Some(path) => files::write(path, octets).map_err(|error| told(&path.display().to_string(), error)),
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(octets).and_then(|()| out.flush()).map_err(|error| told("standard output", error))
        }
    }
}

/// Reads the first line of a password file.
fn password(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let octets = read(path)?;
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    host::keyring::password(line)
        .filter(|password| !password.is_empty())
        .ok_or_else(|| Failure::new(Status::Failed, format!("{} has no password on its first line", path.display())))
}
