//! The private keys of a tenant in a token.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::Pkcs11Error;
use super::key::TokenKey;
use super::objects;
use super::sessions::Sessions;
use super::token::Token;
use crate::Refusal;
use crate::event::clean;
use crate::keyring::{hex, normalise};
use crate::pairing::{Companions, Found, private_key_unused};
use crate::secret_file::SecretFile;
use crate::services::{Identity, PrivateKeys};

/// Most characters that are told of a label.
const MAX_LABEL: usize = 254;

/// How a token is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs11Options {
    /// The file of the module.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// Where its PIN is.
    pub pin: SecretFile,
    /// Sessions at a time.
    pub sessions: usize,
    /// How long the token may take for one answer.
    pub timeout: Duration,
}

impl Pkcs11Options {
    /// Opens a session with the token, logs in, and looks at its private keys: what
    /// they cannot do, a sentence each.
    pub fn probe(&self) -> Result<Vec<String>, Pkcs11Error> {
        let lacking = self.sessions().with(|seat| objects::lacking(seat))?;
        let sentences = lacking.iter().flat_map(|(label, lacks)| {
            let key = format!("the private key {} of the token ({})", hex(&lacks.id), clean(label, MAX_LABEL));
            lacks.causes.iter().map(move |cause| format!("{key}: {cause}"))
        });
        Ok(sentences.collect())
    }

    fn sessions(&self) -> Arc<Sessions> {
        let token = Token::new(&self.module, &self.token, self.pin.clone());
        Sessions::new(token, self.sessions, self.timeout)
    }
}

/// The private keys of a tenant, by address: those whose label is the address,
/// with the domain in A-labels and lower case, or which have the CKA_ID of a
/// certificate with that label. One that does not sign is retired: it decrypts what
/// is old.
pub struct Pkcs11Keys {
    sessions: Arc<Sessions>,
    companions: Companions,
}

impl Pkcs11Keys {
    /// Names the token; it is first used when a key is asked for.
    pub fn new(options: &Pkcs11Options, companions: Companions) -> Self {
        Self { sessions: options.sessions(), companions }
    }
}

impl PrivateKeys for Pkcs11Keys {
    fn identities(&self, owner: &str) -> Result<Vec<Identity>, Refusal> {
        // What is no mailbox has no key, and is no business of the token.
        let Ok(owner) = normalise(owner) else { return Ok(Vec::new()) };
        let sought = owner.clone();
        // Whatever keeps a token from answering may be mended before the sender
        // gives up: mail waits, and none bounces.
        let found = self.sessions.with(move |seat| objects::of_owner(seat, &sought));
        let objects = found.map_err(|error| Refusal::Unavailable(error.to_string()))?;
        for lacks in &objects.lacking {
            lacks.causes.iter().for_each(|cause| private_key_unused(&owner, &hex(&lacks.id), cause));
        }
        if objects.keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Found> = objects
            .keys
            .into_iter()
            .map(|object| {
                let (key_id, retired) = (object.key_id, !object.signs);
                Found { key_id, key: Arc::new(TokenKey { sessions: Arc::clone(&self.sessions), object }), retired }
            })
            .collect();
        self.companions.identities(&owner, &keys, &objects.certificates)
    }
}
