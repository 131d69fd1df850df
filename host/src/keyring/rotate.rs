//! Rotation: another data key under another key file or passphrase, and all that
//! is private sealed and bound anew.
//!
//! Keyring and secret are two files, and the process may be killed between any two
//! steps. So the new secret is written as `<keyring>.key.next` first; then one
//! transaction takes the keyring from the old one to the new; then the file gets
//! its name. Before the transaction the old secret opens the keyring, after it the
//! new one, which is found under either name. The file is written and renamed by
//! whoever holds the write lock of the keyring, and no one else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::error::KeyringError;
use super::facts::hex;
use super::seal::{self, Method, Seal, SealedDataKey, Unlocking};
use super::store::{Failure, Keyring, keep_data_key};
use super::{binding, files};

impl Keyring {
    /// Seals the keyring under `passphrase`, or if that is none under a new key
    /// file, and everything in it under a new data key. Tells the file that unlocks
    /// it from now on, which is beside it. Other processes that have it open go on.
    ///
    /// It is refused, and nothing changes, where a private key does not unseal.
    pub fn rotate(&self, passphrase: Option<&str>) -> Result<PathBuf, KeyringError> {
        let (method, secret) = match passphrase {
            Some(passphrase) => (Method::Passphrase, passphrase.as_bytes().to_vec().into()),
            None => (Method::KeyFile, seal::new_key_file()?),
        };
        let local = seal::beside_keyring(self.path(), method);
        let next = seal::next_to(&local);
        let successor = self.change(|transaction, seal| {
            settle(self.path(), seal.kept())?;
            files::write_secret(&next, &secret)?;
            let missing = || KeyringError::NoUnlocking { path: self.path().to_owned(), tried: vec![next.clone()] };
            let unlocking = Unlocking::read(&next, method)?.ok_or_else(missing)?;
            let successor = seal.successor(&unlocking)?;
            reseal(transaction, seal, &successor)?;
            keep_data_key(transaction, successor.kept())?;
            Ok(successor)
        })?;
        let kept = successor.kept().clone();
        self.set_seal(&Arc::new(successor.found_at(&local)));
        self.change(|_, _| Ok(settle(self.path(), &kept)?))?;
        Ok(local)
    }
}

/// Gives the secret of a keyring its name, if a rotation was interrupted before it
/// had it. A process that may not do so uses it as it is.
pub(super) fn finish_interrupted(keyring: &Keyring) {
    let seal = keyring.seal();
    let next = seal::next_to(&seal::beside_keyring(keyring.path(), seal.kept().method));
    if seal.found() == next
        && let Err(error) = keyring.change(|_, seal| Ok(settle(keyring.path(), seal.kept())?))
    {
        tracing::warn!("the rotation of {} is not finished: {error}", keyring.path().display());
    }
}

/// Renames the next secret, where that is what unlocks the data key. The caller
/// holds the write lock.
fn settle(path: &Path, kept: &SealedDataKey) -> Result<(), KeyringError> {
    let local = seal::beside_keyring(path, kept.method);
    let next = seal::next_to(&local);
    let unlocks = |file: &Path| match Unlocking::read(file, kept.method) {
        Ok(Some(unlocking)) => matches!(Seal::open(kept, &unlocking), Ok(Some(_))),
        Ok(None) | Err(_) => false,
    };
    if unlocks(&local) || !unlocks(&next) {
        return Ok(());
    }
    files::rename(&next, &local)
}

fn reseal(transaction: &Transaction<'_>, before: &Seal, after: &Seal) -> Result<(), Failure> {
    let mut update = transaction.prepare("UPDATE private_key SET sealed = ? WHERE key_id = ?")?;
    let rows: Vec<([u8; 32], Vec<u8>)> = transaction
        .prepare("SELECT key_id, sealed FROM private_key")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (key_id, sealed) in &rows {
        let pkcs8 = before.unseal(key_id, sealed).ok_or_else(|| KeyringError::Unsealable(hex(key_id)))?;
        update.execute(params![after.seal(key_id, &pkcs8)?, key_id])?;
    }
    binding::rebind(transaction, after, |row, proof| proof.is_some_and(|proof| before.is_bound(row, proof)))
}
