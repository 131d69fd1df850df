//! How many messages are worked on at a time: as many as there is memory set
//! aside for; others wait until their own time is up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The places for messages.
pub(crate) struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// One place, given back when it is dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(crate) fn new(places: u32) -> Self {
        Self { free: Mutex::new(places), freed: Condvar::new() }
    }

    /// Takes a place, and waits for it until `deadline`.
    pub(crate) fn take(&self, deadline: Instant) -> Option<Slot<'_>> {
        let mut free = self.free();
        loop {
            if let Some(left) = free.checked_sub(1) {
                *free = left;
                return Some(Slot(self));
            }
            let time = deadline.checked_duration_since(Instant::now())?;
            free = self.freed.wait_timeout(free, time).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn free(&self) -> MutexGuard<'_, u32> {
        // Nothing panics while it is held.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_finds_no_place_waits_and_then_gives_up() {
        let slots = Slots::new(1);
        let taken = slots.take(Instant::now());
        assert!(taken.is_some());
        assert!(slots.take(Instant::now() + Duration::from_millis(20)).is_none());
        drop(taken);
        assert!(slots.take(Instant::now()).is_some());
    }

    #[test]
    fn a_place_that_becomes_free_is_taken_by_who_waits() {
        let slots = Slots::new(1);
        let taken = slots.take(Instant::now());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take(Instant::now() + Duration::from_secs(20)).is_some());
            drop(taken);
            assert!(waiting.join().unwrap());
        });
    }
}
