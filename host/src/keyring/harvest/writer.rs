//! The thread that writes what was learned.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::{Transaction, params};

use super::Offer;
use super::judgement::{Judgement, judge};
use crate::keyring::error::KeyringError;
use crate::keyring::facts::hex;
use crate::keyring::filing::insert_certificate;
use crate::keyring::record::{Record, Source};
use crate::keyring::store::{Failure, Keyring};

/// Most offers that wait to be written; one has 64 KiB at most.
const QUEUE: usize = 256;
/// How many times a batch is tried while another process writes for seconds.
const ATTEMPTS: usize = 5;
/// How long whoever ends waits for what is left.
const SETTLE: Duration = Duration::from_secs(10);

/// A thread that writes, and what it has still to write.
pub(super) struct Writer {
    queue: SyncSender<Offer>,
    pending: Arc<Pending>,
}

impl Writer {
    /// Starts a thread for the keyring `path`. It ends when the writer is dropped
    /// and all is written.
    pub(super) fn start(path: &Path) -> Self {
        let (queue, offers) = sync_channel(QUEUE);
        let pending = Arc::new(Pending::default());
        let (path, counted) = (path.to_owned(), Arc::clone(&pending));
        let run = move || run(&path, &offers, &counted);
        // Where there is no thread the queue has no other end, and nothing is taken.
        if let Err(error) = thread::Builder::new().name("harvest".to_owned()).spawn(run) {
            tracing::warn!("nothing is learned from mail: {error}");
        }
        Self { queue, pending }
    }

    /// Takes an offer to be written; false if there are too many.
    pub(super) fn take(&self, offer: Offer) -> bool {
        self.pending.add(1);
        let taken = self.queue.try_send(offer).is_ok();
        if !taken {
            self.pending.done(1);
        }
        taken
    }

    /// Waits until what was taken is written, for a while.
    pub(super) fn settle(&self) {
        self.pending.settle();
    }
}

/// How many offers are not yet written.
#[derive(Default)]
struct Pending {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Pending {
    fn add(&self, offers: usize) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += offers;
    }

    fn done(&self, offers: usize) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(offers);
        self.changed.notify_all();
    }

    fn settle(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // That it took too long, whoever ends can do nothing about.
        drop(self.changed.wait_timeout_while(count, SETTLE, |count| *count > 0));
    }
}

fn run(path: &Path, offers: &Receiver<Offer>, pending: &Pending) {
    let mut keyring = None;
    while let Ok(first) = offers.recv() {
        let batch: Vec<Offer> = std::iter::once(first).chain(offers.try_iter().take(QUEUE)).collect();
        if let Err(error) = write(path, &mut keyring, &batch) {
            tracing::warn!("{} certificates were not learned: {error}", batch.len());
        }
        pending.done(batch.len());
    }
}

/// Writes a batch: all of it, in one transaction.
fn write(path: &Path, opened: &mut Option<Keyring>, batch: &[Offer]) -> Result<(), KeyringError> {
    let keyring = match opened {
        Some(keyring) => keyring,
        None => opened.insert(Keyring::open(path)?),
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let done = keyring.change(|transaction, _| batch.iter().try_for_each(|offer| file(transaction, offer)));
        match done {
            Err(error) if error.is_transient() && attempts < ATTEMPTS => {}
            done => return done,
        }
    }
}

/// Files an offer as it is judged now: another process may have been faster.
fn file(transaction: &Transaction<'_>, offer: &Offer) -> Result<(), Failure> {
    let Record { address, facts, capabilities, added, .. } = &offer.record;
    let seen = *added as i64;
    let held = match judge(transaction, offer)? {
        Judgement::Known | Judgement::Hold { is_filed: true, .. } => return Ok(()),
        Judgement::PassOver(cause) => {
            tracing::warn!(owner = address, cause, "the certificate {} is not learned", hex(&facts.fingerprint));
            return Ok(());
        }
        Judgement::Capabilities => {
            // What was seen last counts, whichever process writes it first.
            let sql = "UPDATE public_key_store SET capabilities = ?1, capabilities_seen = ?2 \
                       WHERE address = ?3 AND fingerprint = ?4 AND coalesce(capabilities_seen, 0) <= ?2";
            transaction.execute(sql, params![capabilities, seen, address, facts.fingerprint])?;
            return Ok(());
        }
        Judgement::Learn(_) => false,
        Judgement::Hold { .. } => true,
    };
    insert_certificate(transaction, &offer.record, &offer.chain)?;
    let sql = "INSERT INTO public_key_store (address, fingerprint, source, held, capabilities, capabilities_seen, added) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET held = excluded.held, \
               capabilities = coalesce(excluded.capabilities, capabilities), \
               capabilities_seen = coalesce(excluded.capabilities_seen, capabilities_seen)";
    transaction.prepare_cached(sql)?.execute(params![
        address,
        facts.fingerprint,
        Source::Learned.name(),
        held,
        capabilities,
        capabilities.as_ref().map(|_| seen),
        seen
    ])?;
    Ok(())
}
