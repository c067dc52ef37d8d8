//! What only this process knows, and no backup can bring back.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::OperationId;
use jiff::Timestamp;
use uuid::Uuid;

/// Most entries of each kind. Beyond them nothing is remembered, which is safe: it is asked, or a person is called.
const ENTRIES_MAX: usize = 10_000;

/// How often, and since when, the work on one row has failed without a success in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failing {
    /// Failures in a row.
    pub(crate) count: usize,
    /// The first of them.
    pub(crate) since: Timestamp,
}

/// Facts of this process.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Operations whose last request provably never left this process. A stored "not sent" is no proof: when a backup was
    /// restored, the request may have left since (M31).
    unsent: Mutex<HashSet<OperationId>>,
    failing: Mutex<HashMap<Uuid, Failing>>,
}

impl Memory {
    /// Its last request never left.
    pub(crate) fn note_unsent(&self, id: OperationId) {
        let mut unsent = locked(&self.unsent);
        if unsent.len() < ENTRIES_MAX {
            unsent.insert(id);
        }
    }

    /// Forgets it, because it is about to be sent; whether its last request never left.
    pub(crate) fn take_unsent(&self, id: OperationId) -> bool {
        locked(&self.unsent).remove(&id)
    }

    /// One more failure; none when there are too many to remember another one.
    pub(crate) fn failed(&self, id: Uuid, now: Timestamp) -> Option<Failing> {
        let mut all = locked(&self.failing);
        if all.len() >= ENTRIES_MAX && !all.contains_key(&id) {
            return None;
        }
        let failing = all.entry(id).or_insert(Failing { count: 0, since: now });
        failing.count = failing.count.saturating_add(1);
        Some(*failing)
    }

    /// It went well.
    pub(crate) fn went_well(&self, id: Uuid) {
        locked(&self.failing).remove(&id);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
