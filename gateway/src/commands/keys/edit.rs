//! `wasmime keys pin`, `wasmime keys approve`, `wasmime keys retire` and `wasmime keys remove`.

use host::keyring::Kind;

use super::select::{held, matching, only};
use super::{failed, open};
use crate::cli::{Approve, Pin, Remove, Retire};
use crate::exit::{Failure, Status};

/// Pins a public key, or takes the pin out.
pub fn pin(arguments: &Pin) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let record = only(&keyring, &arguments.key, Some(Kind::Public))?;
    keyring.pin(&record.address, &record.facts.fingerprint, !arguments.undo).map_err(failed)?;
    let done = if arguments.undo { "no longer pinned" } else { "pinned" };
    println!("{}: {} {done}", record.address, super::show::hex(&record.facts.fingerprint));
    Ok(())
}

/// Approves a certificate that is held.
pub fn approve(arguments: &Approve) -> Result<(), Failure> {
    let keyring = open(&arguments.tenant)?;
    let record = held(&keyring, &arguments.which)?;
    let retired = keyring.approve(&record.address, &record.facts.fingerprint).map_err(failed)?;
    println!("{}: {} approved", record.address, super::show::hex(&record.facts.fingerprint));
    for fingerprint in &retired {
        println!("{}: {} retired, which was learned before it", record.address, super::show::hex(fingerprint));
    }
    Ok(())
}

/// Retires a key, or brings it back.
pub fn retire(arguments: &Retire) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let record = only(&keyring, &arguments.key, None)?;
    keyring.retire(&record.address, &record.facts.fingerprint, !arguments.undo).map_err(failed)?;
    let done = if arguments.undo { "in use again" } else { "retired: it serves for what is old only" };
    println!("{}: {} {done}", record.address, super::show::hex(&record.facts.fingerprint));
    Ok(())
}

/// Removes a key.
pub fn remove(arguments: &Remove) -> Result<(), Failure> {
    let keyring = open(&arguments.key.tenant)?;
    let record = only(&keyring, &arguments.key, None)?;
    let (address, fingerprint) = (&record.address, &record.facts.fingerprint);
    let digits = super::show::hex(fingerprint);
    let rows: Vec<Kind> = matching(&keyring, &arguments.key)?
        .iter()
        .filter(|row| row.facts.fingerprint == *fingerprint)
        .map(|row| row.kind)
        .collect();
    if rows.contains(&Kind::Private) && !arguments.private_key {
        let text = format!(
            "{address} has the private key of this certificate, and without it mail that was encrypted to it can be read \
             no more; keep it for that with `wasmime keys retire`, or give --private-key to remove it all the same"
        );
        return Err(Failure::new(Status::Failed, text));
    }
    for kind in rows {
        keyring.remove(kind, address, fingerprint).map_err(failed)?;
        println!("{address}: {digits}, {kind} key removed");
    }
    Ok(())
}
