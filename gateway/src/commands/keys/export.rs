//! `wasmime keys export`: certificates freely, private keys under a password.

use host::keyring::{Container, Kind, certificate_pem};
use zeroize::Zeroizing;

use super::{failed, open, password, select, write};
use crate::cli::{self, Export};
use crate::exit::Failure;

/// Writes the best certificate that is meant, or with it its private key.
pub fn export(arguments: &Export) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let exported = match &arguments.password_file {
        Some(file) => {
            let record = select::only(&keyring, &arguments.key, Some(Kind::Private))?;
            let container = match arguments.format {
                cli::Container::Pkcs12 => Container::Pkcs12,
                cli::Container::Pkcs8 => Container::Pkcs8,
            };
            keyring.export_private_key(&record, container, &password(file)?).map_err(failed)?
        }
        None => {
            let record = select::matching(&keyring, &arguments.key)?.into_iter().next();
            Zeroizing::new(record.map(|record| certificate_pem(&record.certificate)).unwrap_or_default().into_bytes())
        }
    };
    write(arguments.output.as_deref(), &exported)
}
