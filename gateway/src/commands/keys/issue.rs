//! `wasmime keys issue`: certificates by the tenant's own authority.

use std::sync::Arc;

use host::authority::{Authority, AuthorityError, Issued};
use host::keyring::{Keyring, certificate_pem};

use super::{create, failed, file, read, settings, write};
use crate::cli::{Issue, Root};
use crate::config;
use crate::exit::{Failure, Status};
use crate::time;

/// Issues a certificate, and files it.
pub fn issue(arguments: &Issue) -> Result<(), Failure> {
    let tenant = settings(&arguments.tenant)?;
    let keyring = create(&tenant.keyring)?;
    let options = &tenant.authority.options;
    let authority = Authority::new(Arc::new(keyring), options.clone());
    let now = time::now();
    if arguments.new_root {
        authority.found(now).map_err(refused)?;
        println!("made another root; `wasmime keys root` writes it");
    }
    let Some(address) = &arguments.address else { return Ok(()) };
    let is_first = !authority.is_founded().map_err(refused)?;
    let days = arguments.days.unwrap_or(options.days);
    let issued = match &arguments.request {
        Some(request) => authority.certify(address, &read(request)?, days, now),
        None => {
            let algorithm = arguments.algorithm.map_or(options.algorithm, Into::into);
            authority.issue(address, algorithm, days, now)
        }
    };
    let issued = issued.map_err(refused)?;
    if is_first {
        println!("made the tenant's authority; `wasmime keys root` writes what others are to trust");
    }
    file::tell(&issued.filed);
    match &arguments.output {
        Some(_) => write(arguments.output.as_deref(), pem(&issued).as_bytes()),
        None => Ok(()),
    }
}

fn pem(issued: &Issued) -> String {
    [certificate_pem(&issued.certificate), certificate_pem(&issued.issuer)].concat()
}

/// Writes the root that others are to trust.
pub fn root(arguments: &Root) -> Result<(), Failure> {
    let root = authority(&settings(&arguments.tenant)?)?.root().map_err(refused)?;
    write(arguments.output.as_deref(), certificate_pem(&root).as_bytes())
}

/// The authority of a tenant whose keyring is there.
pub fn authority(tenant: &config::Tenant) -> Result<Authority, Failure> {
    let keyring = Keyring::open(&tenant.keyring).map_err(failed)?;
    Ok(Authority::new(Arc::new(keyring), tenant.authority.options.clone()))
}

/// What an authority's refusal means to a script.
pub fn refused(error: AuthorityError) -> Failure {
    let status = if error.is_transient() { Status::Defer } else { Status::Failed };
    Failure::new(status, error)
}
