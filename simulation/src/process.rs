//! One life of a process: from its start to its crash.

use std::sync::atomic::{AtomicBool, Ordering};

/// A process that may crash. From then on every call of it fails; what it remembered is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its role, e.g. `hub A`.
    pub(crate) name: &'static str,
    is_dead: AtomicBool,
}

impl Process {
    /// A living process.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, is_dead: AtomicBool::new(false) }
    }

    /// Ends it.
    pub(crate) fn crash(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    /// Whether it has crashed.
    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }
}
