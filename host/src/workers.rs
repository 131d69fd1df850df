//! Threads on which services are called, so that one that hangs or panics costs
//! its message and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// The threads. They are made when needed and kept for the next call; one that
/// hangs is given up, and ends when its service comes back.
pub(crate) struct Workers {
    idle: Mutex<Vec<Sender<Job>>>,
    alive: Arc<AtomicUsize>,
    most: usize,
}

type Job = Box<dyn FnOnce() + Send>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It did not come in time.
    TimedOut,
    /// The service panicked.
    Panicked,
    /// All threads hang, or the machine gives no more.
    NoWorker,
}

impl Workers {
    /// Threads for services, at most `most` of them alive.
    pub(crate) fn new(most: usize) -> Self {
        Self { idle: Mutex::default(), alive: Arc::default(), most }
    }

    /// Asks `question` on a thread of its own and waits for the answer until
    /// `deadline`.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        deadline: Instant,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        let worker = match self.idle().pop() {
            Some(worker) => worker,
            None => self.hire()?,
        };
        let (answer, answered) = sync_channel(1);
        let job: Job = Box::new(move || {
            // What a service leaves behind when it panics is its own affair:
            // nothing of it is looked at again.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(question)));
        });
        worker.send(job).map_err(|_| Unanswered::NoWorker)?;
        match answered.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(outcome) => {
                self.idle().push(worker);
                outcome.map_err(|_| Unanswered::Panicked)
            }
            // The worker is dropped here, so that its thread ends after the job.
            Err(RecvTimeoutError::Timeout) => Err(Unanswered::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(Unanswered::NoWorker),
        }
    }

    fn hire(&self) -> Result<Sender<Job>, Unanswered> {
        let place = Place::take(&self.alive, self.most)?;
        let (worker, jobs) = channel::<Job>();
        thread::Builder::new()
            .name("wasmime-service".to_owned())
            .spawn(move || {
                let _place = place;
                while let Ok(job) = jobs.recv() {
                    job();
                }
            })
            .map_err(|_| Unanswered::NoWorker)?;
        Ok(worker)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Job>>> {
        // Nothing panics while it is held; and a list of threads cannot be in a
        // wrong state.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the threads that may be alive.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(alive: &Arc<AtomicUsize>, most: usize) -> Result<Self, Unanswered> {
        alive
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |alive| (alive < most).then_some(alive + 1))
            .map_err(|_| Unanswered::NoWorker)?;
        Ok(Self(Arc::clone(alive)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn an_answer_comes_back_and_the_thread_serves_again() {
        let workers = Workers::new(1);
        for i in 0..100 {
            assert_eq!(workers.ask(soon(), move || i), Ok(i));
        }
        assert_eq!(workers.alive.load(Ordering::Acquire), 1);
    }

    #[test]
    fn a_panic_is_no_answer_and_the_thread_serves_again() {
        let workers = Workers::new(1);
        assert_eq!(
            workers.ask(soon(), || -> u8 { panic!("a service that fails on purpose") }),
            Err(Unanswered::Panicked)
        );
        assert_eq!(workers.ask(soon(), || 1), Ok(1));
    }

    #[test]
    fn one_that_hangs_is_given_up_in_time_and_counts_until_it_ends() {
        let workers = Workers::new(1);
        let (release, released) = channel::<()>();
        let deadline = Instant::now() + Duration::from_millis(30);
        assert_eq!(workers.ask(deadline, move || released.recv().is_ok()), Err(Unanswered::TimedOut));
        assert_eq!(workers.ask(soon(), || 1), Err(Unanswered::NoWorker));
        drop(release);
        while workers.alive.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
        assert_eq!(workers.ask(soon(), || 1), Ok(1));
    }
}
