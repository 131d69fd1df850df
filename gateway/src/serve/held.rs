//! What is held at a time: octets of mail, connections. More than that is
//! refused, so that no load fills the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::refusal::Refusal;

/// So much of something there may be at a time.
#[derive(Debug)]
pub struct Quota {
    most: AtomicUsize,
    used: AtomicUsize,
}

/// A share of a [`Quota`], given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    quota: Arc<Quota>,
    amount: usize,
}

impl Quota {
    /// A quota of `most`.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: AtomicUsize::new(most), used: AtomicUsize::new(0) })
    }

    /// Changes how much there may be. What is held stays held.
    pub fn set(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How much is held.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `amount`, if there is as much.
    pub fn take(self: &Arc<Self>, amount: usize) -> Option<Held> {
        self.add(amount).then(|| Held { quota: Arc::clone(self), amount })
    }

    fn add(&self, amount: usize) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        let within = |used: usize| used.checked_add(amount).filter(|&total| total <= most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }
}

impl Held {
    /// Holds so many octets more, if there are as many.
    pub fn grow(&mut self, octets: usize) -> Result<(), Refusal> {
        if !self.quota.add(octets) {
            return Err(Refusal::Memory);
        }
        self.amount = self.amount.saturating_add(octets);
        Ok(())
    }

    /// Grows to at least `octets`.
    pub fn reserve(&mut self, octets: usize) -> Result<(), Refusal> {
        self.grow(octets.saturating_sub(self.amount))
    }

    /// Takes `amount` off this share, if it has as much.
    pub fn split(&mut self, amount: usize) -> Option<Self> {
        self.amount = self.amount.checked_sub(amount)?;
        Some(Self { quota: Arc::clone(&self.quota), amount })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.quota.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_there_is_and_all_of_it_comes_back() {
        let quota = Quota::new(10);
        let mut first = quota.take(4).unwrap();
        let second = quota.take(6).unwrap();
        assert!(quota.take(1).is_none());
        assert_eq!(first.grow(1), Err(Refusal::Memory));
        drop(second);
        first.grow(6).unwrap();
        assert_eq!(quota.used(), 10);
        assert!(first.split(12).is_none());
        drop(first.split(3).unwrap());
        assert_eq!(quota.used(), 7);
        drop(first);
        assert_eq!(quota.used(), 0);
        assert!(quota.take(usize::MAX).is_none());
    }

    #[test]
    fn a_smaller_quota_takes_nothing_away() {
        let quota = Quota::new(10);
        let held = quota.take(8).unwrap();
        quota.set(5);
        assert!(quota.take(1).is_none());
        drop(held);
        assert!(quota.take(5).is_some());
    }
}
