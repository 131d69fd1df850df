//! `wasmime keys import` and `wasmime keys generate`.

use host::keyring::{Bundle, Filed, GenerateOptions, ImportOptions, KeyAlgorithm, Kind};

use super::{failed, open_or_create, password, read};
use crate::cli::{Algorithm, Generate, Import};
use crate::exit::{Failure, Status};
use crate::time;

/// Files what is in the files.
pub fn import(arguments: &Import) -> Result<(), Failure> {
    let password = arguments.password_file.as_deref().map(password).transpose()?;
    let mut bundle = Bundle::default();
    for file in &arguments.files {
        let name = if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() };
        let octets = read(file)?;
        bundle
            .read(&name, &octets, password.as_ref().map(|password| password.as_str()))
            .map_err(|error| Failure::new(Status::Failed, error))?;
    }
    let options = ImportOptions { address: arguments.address.clone(), pin: arguments.pin };
    let filed = open_or_create(&arguments.tenant)?.import(bundle, &options).map_err(failed)?;
    tell(&filed);
    Ok(())
}

/// Generates a key.
pub fn generate(arguments: &Generate) -> Result<(), Failure> {
    let options = GenerateOptions {
        address: arguments.address.clone(),
        algorithm: arguments.algorithm.into(),
        days: arguments.days,
        now: time::now(),
    };
    let filed = open_or_create(&arguments.tenant)?.generate(&options).map_err(failed)?;
    tell(&filed);
    Ok(())
}

impl From<Algorithm> for KeyAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rsa2048 => Self::Rsa2048,
            Algorithm::Rsa3072 => Self::Rsa3072,
            Algorithm::Rsa4096 => Self::Rsa4096,
            Algorithm::EcP256 => Self::EcP256,
            Algorithm::EcP384 => Self::EcP384,
            Algorithm::EcP521 => Self::EcP521,
            Algorithm::Ed25519 => Self::Ed25519,
        }
    }
}

/// A line for each row, and one for each remark, each remark once.
pub fn tell(filed: &[Filed]) {
    let mut told: Vec<(&[u8], &str)> = Vec::new();
    for Filed { record, remarks } in filed {
        let facts = &record.facts;
        let kind = match (record.kind, record.pinned) {
            (Kind::Private, _) => "private key",
            (Kind::Public, true) => "public key, pinned",
            (Kind::Public, false) => "public key",
        };
        let fingerprint = super::show::hex(&facts.fingerprint);
        println!(
            "{}: {kind}, {}, {fingerprint}, until {}",
            record.address,
            facts.algorithm,
            time::day(facts.not_after)
        );
        for remark in remarks {
            if !told.contains(&(&facts.fingerprint, remark)) {
                told.push((&facts.fingerprint, remark));
                println!("  note: {remark}");
            }
        }
    }
}
