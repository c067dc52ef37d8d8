//! Everything a sandbox remembers, behind one lock.

use std::collections::HashMap;

use crate::{
    book::Book,
    duplicates::{DuplicateRule, Seen},
    faults::Faults,
    instrument::Instrument,
    issuer::Issuers,
    vault::CustomerVault,
};

/// The first error reference ever given.
const REFID_FIRST: u64 = 3_300_000_001;

/// What is behind the lock. Only `book` survives a restart.
pub(crate) struct State {
    /// Transactions and ledger.
    pub(crate) book: Book,
    /// Cards.
    pub(crate) issuers: Issuers,
    /// Stored cards and bank accounts.
    pub(crate) vault: CustomerVault,
    /// What each transaction charged, in full, for refunds and the duplicate check.
    pub(crate) instruments: HashMap<u64, Instrument>,
    /// For the duplicate check.
    pub(crate) seen: Seen,
    /// Waiting faults.
    pub(crate) faults: Faults,
    /// The duplicate rule of each account, by name.
    pub(crate) duplicates: HashMap<String, DuplicateRule>,
    refids: u64,
}

impl State {
    /// The state at start.
    pub(crate) fn new(book: Book, duplicates: HashMap<String, DuplicateRule>) -> Self {
        Self {
            book,
            issuers: Issuers::default(),
            vault: CustomerVault::default(),
            instruments: HashMap::new(),
            seen: Seen::default(),
            faults: Faults::default(),
            duplicates,
            refids: REFID_FIRST,
        }
    }

    /// The text with the next error reference, as rejections carry it.
    pub(crate) fn with_refid(&mut self, text: &str) -> String {
        let refid = self.refids;
        self.refids = self.refids.saturating_add(1);
        format!("{text} REFID:{refid}")
    }
}
