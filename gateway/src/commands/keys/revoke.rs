//! `wasmime keys revoke` and `wasmime keys crl`.

use std::path::Path;

use der::pem::{self, LineEnding};
use host::authority::{Authority, Revocable, RevocationReason};

use super::issue::{authority, refused};
use super::{select, settings, show, write};
use crate::cli::{Crl, ListFormat, Reason, Revoke};
use crate::exit::{Failure, Status};
use crate::{files, time};

/// Revokes certificates, and writes the revocation list where the configuration says.
pub fn revoke(arguments: &Revoke) -> Result<(), Failure> {
    let tenant = settings(&arguments.tenant)?;
    let authority = authority(&tenant)?;
    let digits;
    let which = if arguments.which.contains('@') {
        Revocable::Address(&arguments.which)
    } else {
        digits = select::digits(&arguments.which)?;
        Revocable::Fingerprint(&digits)
    };
    for revoked in authority.revoke(which, reason(arguments.reason), time::now()).map_err(refused)? {
        println!("{}: {} revoked, and retired", revoked.address, show::hex(&revoked.fingerprint));
    }
    match &tenant.authority.revocation_list {
        Some(path) => write_pem(&authority, path),
        None => {
            println!("others learn of it by the list that `wasmime keys crl` writes");
            Ok(())
        }
    }
}

/// Writes the revocation lists.
pub fn crl(arguments: &Crl) -> Result<(), Failure> {
    let tenant = settings(&arguments.tenant)?;
    let authority = authority(&tenant)?;
    let path = arguments.output.as_ref().or(tenant.authority.revocation_list.as_ref()).ok_or_else(|| {
        let text = "say where the list is written, with --output or `revocation-list` in [tenant.NAME.authority]";
        Failure::new(Status::Usage, text)
    })?;
    match arguments.format {
        ListFormat::Pem => write_pem(&authority, path),
        ListFormat::Der => {
            let lists = authority.revocation_lists(time::now()).map_err(refused)?;
            publish(path, lists.first().map(Vec::as_slice).unwrap_or_default())
        }
    }
}

/// Writes the lists of all authorities, in PEM.
pub fn write_pem(authority: &Authority, path: &Path) -> Result<(), Failure> {
    let mut text = String::new();
    for list in authority.revocation_lists(time::now()).map_err(refused)? {
        let block = pem::encode_string("X509 CRL", LineEnding::LF, &list);
        text.push_str(&block.map_err(|error| Failure::new(Status::Failed, error))?);
    }
    publish(path, text.as_bytes())
}

/// Others read it: a web server, and the gateways of other tenants.
fn publish(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return write(None, octets);
    }
    files::publish(path, octets).map_err(|error| Failure::new(Status::Failed, format!("{}: {error}", path.display())))
}

fn reason(reason: Reason) -> RevocationReason {
    match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
    }
}
