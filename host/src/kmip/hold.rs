//! Answers that are held for a time and then erased, and that are asked for once
//! however many want them.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Most answers that are held.
const MOST: usize = 512;

/// Answers by key.
pub(super) struct Hold<T: Clone + Send + 'static> {
    time: Duration,
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    held: HashMap<String, Held<T>>,
    asked: HashMap<String, Arc<Asked<T>>>,
    /// Whether a thread erases what has been held long enough.
    erased: bool,
}

struct Held<T> {
    answer: T,
    until: Instant,
}

/// A question under way.
struct Asked<T> {
    answer: Mutex<Option<T>>,
    answered: Condvar,
}

impl<T: Clone + Send + 'static> Hold<T> {
    /// Holds each answer for `time`.
    pub(super) fn new(time: Duration) -> Self {
        let state = State { held: HashMap::new(), asked: HashMap::new(), erased: false };
        Self { time, shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// The answer held for `key`, or else that of `ask`, held if `keep` says so.
    /// Whoever comes while it is asked waits for the same answer, up to
    /// `patience`; none if it takes longer.
    pub(super) fn get(
        &self,
        key: &str,
        patience: Duration,
        keep: impl FnOnce(&T) -> bool,
        ask: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut state = self.shared.state();
        if let Some(held) = state.held.get(key).filter(|held| Instant::now() < held.until) {
            return Some(held.answer.clone());
        }
        if let Some(asked) = state.asked.get(key).map(Arc::clone) {
            drop(state);
            return asked.wait(patience);
        }
        let asked = Arc::new(Asked { answer: Mutex::new(None), answered: Condvar::new() });
        state.asked.insert(key.to_owned(), Arc::clone(&asked));
        drop(state);
        // Even if `ask` panics nobody is left waiting for more than their time,
        // and the next one asks anew.
        let _over = Over { shared: &self.shared, key };
        let answer = ask();
        asked.tell(answer.clone());
        if keep(&answer) && !self.time.is_zero() {
            self.keep(key, answer.clone());
        }
        Some(answer)
    }

    fn keep(&self, key: &str, answer: T) {
        let until = Instant::now() + self.time;
        let mut state = self.shared.state();
        if state.held.len() >= MOST {
            let first = state.held.iter().min_by_key(|(_, held)| held.until).map(|(key, _)| key.clone());
            first.and_then(|key| state.held.remove(&key));
        }
        state.held.insert(key.to_owned(), Held { answer, until });
        if !state.erased {
            let shared = Arc::clone(&self.shared);
            let hired = thread::Builder::new().name("wasmime-erase".to_owned()).spawn(move || shared.erase());
            // What nobody would erase is not held.
            match hired {
                Ok(_) => state.erased = true,
                Err(_) => state.held.clear(),
            }
        }
    }
}

impl<T: Clone + Send + 'static> Drop for Hold<T> {
    fn drop(&mut self) {
        self.shared.state().held.clear();
        self.shared.changed.notify_all();
    }
}

impl<T> Shared<T> {
    /// Erases each answer when its time is up, until none is held.
    fn erase(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            state.held.retain(|_, held| now < held.until);
            let Some(next) = state.held.values().map(|held| held.until).min() else {
                state.erased = false;
                return;
            };
            let left = next.saturating_duration_since(now);
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a question, whatever came of it.
struct Over<'a, T> {
    shared: &'a Shared<T>,
    key: &'a str,
}

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.shared.state().asked.remove(self.key);
    }
}

impl<T: Clone> Asked<T> {
    fn tell(&self, answer: T) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.answered.notify_all();
    }

    fn wait(&self, patience: Duration) -> Option<T> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.answered.wait_timeout_while(answer, patience, |answer| answer.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn those_who_come_together_share_one_question() {
        let hold = Hold::new(Duration::from_secs(60));
        let asked = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let ask = || {
                        thread::sleep(Duration::from_millis(50));
                        asked.fetch_add(1, Ordering::SeqCst)
                    };
                    assert_eq!(hold.get("taro@nec.co.jp", PATIENCE, |_| true, ask), Some(0));
                });
            }
        });
        assert_eq!(asked.into_inner(), 1);
    }

    #[test]
    fn an_answer_is_erased_when_its_time_is_up_though_nobody_asks_again() {
        let hold = Hold::new(Duration::from_millis(50));
        let secret = Arc::new(());
        hold.get("taro@nec.co.jp", PATIENCE, |_| true, || Arc::clone(&secret)).unwrap();
        assert_eq!(Arc::strong_count(&secret), 2);
        let patience = Instant::now() + PATIENCE;
        while Arc::strong_count(&secret) > 1 {
            assert!(Instant::now() < patience, "the secret is still held");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_shall_not_be_held_is_asked_for_again() {
        let hold = Hold::new(Duration::from_secs(60));
        assert_eq!(hold.get("k", PATIENCE, |_| false, || 1), Some(1));
        assert_eq!(hold.get("k", PATIENCE, |_| true, || 2), Some(2));
        assert_eq!(hold.get("k", PATIENCE, |_| true, || 3), Some(2));
    }

    #[test]
    fn nothing_is_held_any_longer_than_its_holder() {
        let hold = Hold::new(Duration::from_secs(60));
        let secret = Arc::new(());
        hold.get("k", PATIENCE, |_| true, || Arc::clone(&secret)).unwrap();
        drop(hold);
        assert_eq!(Arc::strong_count(&secret), 1);
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let hold: Hold<u8> = Hold::new(Duration::from_secs(60));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            hold.get("k", PATIENCE, |_| true, || panic!("a question that fails on purpose"))
        }));
        assert!(panicked.is_err());
        assert_eq!(hold.get("k", PATIENCE, |_| true, || 5), Some(5));
    }
}
