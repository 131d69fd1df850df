//! How many may do something at a time: work on a message, or hold a connection.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Permits of which a fixed number is out at a time.
#[derive(Debug)]
pub(crate) struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One permit; it goes back when it is dropped, on whatever thread.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Permits>);

impl Permits {
    /// `count` permits.
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(count), freed: Condvar::new() })
    }

    /// Waits for a permit, but no longer than `patience`.
    pub(crate) fn take(self: &Arc<Self>, patience: Duration) -> Option<Permit> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, patience, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Permit(Arc::clone(self)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_finds_none_waits_and_then_gives_up() {
        let permits = Permits::new(1);
        let taken = permits.take(Duration::ZERO);
        assert!(taken.is_some());
        assert!(permits.take(Duration::from_millis(20)).is_none());
        drop(taken);
        assert!(permits.take(Duration::ZERO).is_some());
    }

    #[test]
    fn no_more_than_the_count_are_out_and_one_that_comes_back_is_given_again() {
        let permits = Permits::new(1);
        let first = permits.take(Duration::ZERO).unwrap();
        assert!(permits.take(Duration::from_millis(10)).is_none());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| permits.take(Duration::from_secs(20)).is_some());
            drop(first);
            assert!(waiting.join().unwrap());
        });
    }
}
