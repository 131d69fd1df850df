//! Sessions with a token: a number of them, kept for the next, each used by one
//! thread at a time; new ones when the token was lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Pkcs11Error;
use super::token::{Seat, Token};
use crate::permits::Permits;
use crate::workers::{Unanswered, Workers};

/// Sessions with one token.
pub(super) struct Sessions {
    token: Token,
    idle: Mutex<Vec<Seat>>,
    permits: Arc<Permits>,
    /// Modules are code of others and may hang: they are called on threads that can
    /// be given up.
    workers: Workers,
    timeout: Duration,
}

impl Sessions {
    /// At most `most` sessions at a time; each use of one takes at most `timeout`.
    pub(super) fn new(token: Token, most: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            token,
            idle: Mutex::default(),
            permits: Permits::new(most),
            // A thread may still be on its way home when the next is hired.
            workers: Workers::new(most.saturating_mul(2)),
            timeout,
        })
    }

    /// Has `work` done in a session. It may be done more than once, in a new
    /// session, when the first is found to be lost.
    pub(super) fn with<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&mut Seat) -> Result<T, Pkcs11Error> + Send + 'static,
    ) -> Result<T, Pkcs11Error> {
        let deadline = Instant::now() + self.timeout;
        let permit = self.permits.take(self.timeout).ok_or(Pkcs11Error::Busy)?;
        let sessions = Arc::clone(self);
        let answered = self.workers.ask(deadline, move || {
            // It stays with the work, so that no more sessions hang than there are.
            let _permit = permit;
            sessions.work(&work, deadline)
        });
        answered.unwrap_or_else(|unanswered| match unanswered {
            Unanswered::TimedOut => Err(Pkcs11Error::Silent(self.token.label.clone())),
            Unanswered::Panicked | Unanswered::NoWorker => Err(Pkcs11Error::Busy),
        })
    }

    fn work<T>(
        &self,
        work: &impl Fn(&mut Seat) -> Result<T, Pkcs11Error>,
        deadline: Instant,
    ) -> Result<T, Pkcs11Error> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut attempts = [Attempt::Kept, Attempt::New, Attempt::Renewed].into_iter().peekable();
        while let Some(attempt) = attempts.next() {
            let using = self.token.module.enter(left())?;
            let generation = using.generation;
            let kept = match attempt {
                Attempt::Kept => self.kept(generation),
                Attempt::New | Attempt::Renewed => None,
            };
            let seat = kept.map_or_else(|| self.token.open(&using), Ok);
            let done = seat.and_then(|mut seat| {
                let done = work(&mut seat)?;
                self.idle().push(seat);
                Ok(done)
            });
            drop(using);
            match done {
                Err(error) if error.is_lost() && attempts.peek().is_some() => {
                    tracing::debug!(%error, "a session with a token is lost");
                    self.idle().clear();
                    if attempts.peek() == Some(&Attempt::Renewed) {
                        self.token.module.renew(generation, left());
                    }
                }
                other => return other,
            }
        }
        Err(Pkcs11Error::NoToken(self.token.label.clone()))
    }

    /// A session that was kept since the module was last set up.
    fn kept(&self, generation: u64) -> Option<Seat> {
        let mut idle = self.idle();
        idle.retain(|seat| seat.generation == generation);
        idle.pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is tried in turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// A session that was kept, if there is one.
    Kept,
    /// A new session.
    New,
    /// A new session, with the module set up anew.
    Renewed,
}
