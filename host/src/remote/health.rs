//! Whether a server failed of late: then the others are asked before it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server that failed is asked only after the others.
const SHUNNED: Duration = Duration::from_secs(10);

/// When a server failed, if that is what it did last.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Whether it failed of late.
    pub(crate) fn is_shunned(&self) -> bool {
        let failed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < SHUNNED)
    }

    /// Notes whether it `failed` just now.
    pub(crate) fn note(&self, failed: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed.then(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_failed_is_shunned_until_it_answers() {
        let health = Health::default();
        assert!(!health.is_shunned());
        health.note(true);
        assert!(health.is_shunned());
        health.note(false);
        assert!(!health.is_shunned());
    }
}
