//! PKCS #11 modules: loaded once in a process, whoever uses them, and set up anew
//! when they have lost their token.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use super::error::Pkcs11Error;

/// How long a module is left alone after it was set up anew: that ends the
/// sessions of all tenants who use it.
const REST: Duration = Duration::from_secs(5);

/// A module. It is never unloaded: not every module survives that.
pub(super) struct Module {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    library: Option<Pkcs11>,
    /// How often it was set up.
    generation: u64,
    /// Those who are calling it.
    users: usize,
    /// It is being set up anew: nobody may begin to call it.
    closing: bool,
    renewed: Option<Instant>,
}

/// A module while it is called.
pub(super) struct Use<'a> {
    module: &'a Module,
    pub(super) library: Pkcs11,
    pub(super) generation: u64,
}

impl Module {
    /// The module in a file.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        static MODULES: LazyLock<Mutex<HashMap<PathBuf, Arc<Module>>>> = LazyLock::new(Mutex::default);
        // The same file by another name is the same library to the system.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Self { path: path.clone(), state: Mutex::default(), changed: Condvar::new() });
        Arc::clone(modules.entry(path.clone()).or_insert_with(new))
    }

    /// Begins to call the module, which is loaded and set up if need be.
    pub(super) fn enter(&self, patience: Duration) -> Result<Use<'_>, Pkcs11Error> {
        let waited = self.changed.wait_timeout_while(self.state(), patience, |state| state.closing);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && state.closing {
            return Err(self.unfit("it is being set up anew"));
        }
        let library = match &state.library {
            Some(library) => library.clone(),
            None => {
                let library = self.set_up()?;
                state.generation += 1;
                state.library.insert(library).clone()
            }
        };
        state.users += 1;
        Ok(Use { module: self, library, generation: state.generation })
    }

    /// Begins to call the module if it is still that of `generation`.
    pub(super) fn enter_again(&self, generation: u64) -> Option<Use<'_>> {
        let mut state = self.state();
        let library = state.library.clone().filter(|_| !state.closing && state.generation == generation)?;
        state.users += 1;
        Some(Use { module: self, library, generation })
    }

    /// Has the module set up anew, unless that was done since `generation` or just
    /// now. All sessions with it end. Nobody is interrupted: whoever calls it is
    /// waited for, up to `patience`.
    pub(super) fn renew(&self, generation: u64, patience: Duration) {
        let mut state = self.state();
        let rests = state.renewed.is_some_and(|at| at.elapsed() < REST);
        if state.generation != generation || state.closing || rests {
            return;
        }
        state.closing = true;
        let waited = self.changed.wait_timeout_while(state, patience, |state| state.users > 0);
        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.users == 0 {
            // With the library goes its state, whatever it says to that.
            if let Some(Err(error)) = state.library.take().map(Pkcs11::finalize) {
                tracing::debug!(%error, "a PKCS #11 module does not end well");
            }
            state.renewed = Some(Instant::now());
        }
        state.closing = false;
        drop(state);
        self.changed.notify_all();
    }

    fn set_up(&self) -> Result<Pkcs11, Pkcs11Error> {
        let library = Pkcs11::new(&self.path).map_err(|error| self.unfit(&error.to_string()))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(library),
            Err(error) => Err(self.unfit(&error.to_string())),
        }
    }

    fn unfit(&self, reason: &str) -> Pkcs11Error {
        Pkcs11Error::Module { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.module.state().users -= 1;
        self.module.changed.notify_all();
    }
}
