//! `wasmime keys rotate`: another secret for a keyring.

use super::{failed, open, password};
use crate::cli::Rotate;
use crate::exit::Failure;

/// Seals the keyring anew.
pub fn rotate(arguments: &Rotate) -> Result<(), Failure> {
    let passphrase = arguments.passphrase_file.as_deref().map(password).transpose()?;
    let keyring = open(&arguments.tenant)?;
    let before = keyring.sealed_by();
    let sealed_by = keyring.rotate(passphrase.as_ref().map(|line| line.as_str())).map_err(failed)?;
    println!("{} is sealed by {} now: back that up", keyring.path().display(), sealed_by.display());
    if before != sealed_by {
        println!("{} unlocks backups from before, and nothing else", before.display());
    }
    Ok(())
}
