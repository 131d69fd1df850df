//! A token: found by its label, with sessions that are logged in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{MechanismInfo, MechanismType};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::error::Pkcs11Error;
use super::module::{Module, Use};
use crate::secret_file::{SecretFile, Stamp};

/// A token.
pub(super) struct Token {
    pub(super) module: Arc<Module>,
    pub(super) label: String,
    pin: SecretFile,
    /// The file with a PIN that the token refused: it is not offered again, since
    /// some wrong PINs lock a token.
    refused: Mutex<Option<Stamp>>,
}

/// A session with a token, for one user at a time.
pub(super) struct Seat {
    session: Option<Session>,
    module: Arc<Module>,
    pub(super) generation: u64,
    /// Private keys that were found in it, by the digest of their public key.
    pub(super) keys: HashMap<[u8; 32], ObjectHandle>,
    /// What the token computes.
    pub(super) offers: Offers,
}

/// What a token computes, beside what every token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offers {
    /// It decrypts with RSA and leaves the padding on.
    pub(super) raw_rsa: bool,
    /// It signs on curves.
    pub(super) ecdsa: bool,
    /// It agrees on secrets on curves.
    pub(super) ecdh: bool,
    /// It signs with Ed25519.
    pub(super) eddsa: bool,
}

impl Offers {
    fn of(library: &Pkcs11, slot: Slot) -> Self {
        let offers = |mechanism, can: fn(&MechanismInfo) -> bool| {
            library.get_mechanism_info(slot, mechanism).is_ok_and(|info| can(&info))
        };
        Self {
            raw_rsa: offers(MechanismType::RSA_X_509, MechanismInfo::decrypt),
            ecdsa: offers(MechanismType::ECDSA, MechanismInfo::sign),
            ecdh: offers(MechanismType::ECDH1_DERIVE, MechanismInfo::derive),
            eddsa: offers(MechanismType::EDDSA, MechanismInfo::sign),
        }
    }
}

impl Token {
    /// The token called `label` behind the module `path`.
    pub(super) fn new(path: &Path, label: &str, pin: SecretFile) -> Self {
        Self { module: Module::of(path), label: label.to_owned(), pin, refused: Mutex::default() }
    }

    /// Opens a session, and logs in if no other session has.
    pub(super) fn open(&self, using: &Use<'_>) -> Result<Seat, Pkcs11Error> {
        let slot = self.slot(using)?;
        // It is closed with its seat, and only while the module is the same: a
        // handle may later be that of another session.
        let session = using.library.open_ro_session_no_drop(slot)?;
        let seat = Seat {
            session: Some(session),
            module: Arc::clone(&self.module),
            generation: using.generation,
            keys: HashMap::new(),
            offers: Offers::of(&using.library, slot),
        };
        self.log_in(seat.session()?)?;
        Ok(seat)
    }

    fn slot(&self, using: &Use<'_>) -> Result<Slot, Pkcs11Error> {
        let mut found = None;
        for slot in using.library.get_slots_with_token()? {
            // One that is just pulled out is not the one that is sought.
            let Ok(info) = using.library.get_token_info(slot) else { continue };
            if info.token_initialized() && info.label().trim_end() == self.label {
                if found.is_some() {
                    return Err(Pkcs11Error::SeveralTokens(self.label.clone()));
                }
                found = Some(slot);
            }
        }
        found.ok_or_else(|| Pkcs11Error::NoToken(self.label.clone()))
    }

    fn log_in(&self, session: &Session) -> Result<(), Pkcs11Error> {
        // One at a time, so that a wrong PIN is offered once.
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let state = session.get_session_info()?.session_state();
        if matches!(state, SessionState::RoUser | SessionState::RwUser) {
            return Ok(());
        }
        let unreadable = |error: crate::SecretError| Pkcs11Error::Pin(error.to_string());
        let stamp = self.pin.stamp().map_err(unreadable)?;
        if refused.as_ref() == Some(&stamp) {
            return Err(Pkcs11Error::PinRefused(self.label.clone()));
        }
        let pin = AuthPin::from(self.pin.line().map_err(unreadable)?.as_str());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                *refused = None;
                Ok(())
            }
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                *refused = Some(stamp);
                Err(Pkcs11Error::PinRefused(self.label.clone()))
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                *refused = Some(stamp);
                Err(Pkcs11Error::PinLocked(self.label.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Seat {
    /// The session.
    pub(super) fn session(&self) -> Result<&Session, Pkcs11Error> {
        self.session.as_ref().ok_or(Pkcs11Error::KeyGone)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A module that was set up anew has ended its sessions.
        let Some(_using) = self.module.enter_again(self.generation) else { return };
        if let Some(Err(error)) = self.session.take().map(Session::close) {
            tracing::debug!(%error, "a session with a token does not close");
        }
    }
}
