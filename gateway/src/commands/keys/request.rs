//! `wasmime keys request`: what an authority is sent to have a certificate.

use der::pem::{self, LineEnding};
use host::keyring::{Kind, RequestedKey};

use super::{failed, open, open_or_create, select, write};
use crate::cli::Request;
use crate::exit::{Failure, Status};
use crate::time;

/// Writes a request for a new key, or for one on file.
pub fn request(arguments: &Request) -> Result<(), Failure> {
    let (keyring, key) = match &arguments.key.fingerprint {
        Some(_) => {
            let keyring = open(&arguments.key.tenant)?;
            let record = select::only(&keyring, &arguments.key, Some(Kind::Private))?;
            (keyring, RequestedKey::OnFile(record.facts.fingerprint))
        }
        None => {
            let algorithm = arguments.algorithm.unwrap_or_default().into();
            (open_or_create(&arguments.key.tenant)?, RequestedKey::New(algorithm))
        }
    };
    let request = keyring.request(&arguments.key.address, key, time::now()).map_err(failed)?;
    let request = pem::encode_string("CERTIFICATE REQUEST", LineEnding::LF, &request)
        .map_err(|error| Failure::new(Status::Failed, error))?;
    write(arguments.output.as_deref(), request.as_bytes())?;
    eprintln!("wasmime: the key stays here; `wasmime keys import` the certificate that comes, and it finds its key");
    Ok(())
}
