//! The customer vault: cards and bank accounts kept for later charges. In memory only, lost on restart.

use std::collections::HashMap;

use crate::instrument::Instrument;

/// The first vault id given when the caller names none.
const ID_FIRST: u64 = 1_000_000_001;

/// The customers of all accounts, by account name and vault id.
#[derive(Default)]
pub(crate) struct CustomerVault {
    customers: HashMap<(String, String), Instrument>,
    given: u64,
}

impl CustomerVault {
    /// The instrument kept under this id.
    pub(crate) fn find(&self, account: &str, id: &str) -> Option<&Instrument> {
        self.customers.get(&(account.to_owned(), id.to_owned()))
    }

    /// Keeps an instrument, new or instead of another.
    pub(crate) fn put(&mut self, account: &str, id: &str, instrument: Instrument) {
        self.customers.insert((account.to_owned(), id.to_owned()), instrument);
    }

    /// Forgets a customer; `false` when unknown.
    pub(crate) fn remove(&mut self, account: &str, id: &str) -> bool {
        self.customers.remove(&(account.to_owned(), id.to_owned())).is_some()
    }

    /// An id that this account does not use yet.
    pub(crate) fn free_id(&mut self, account: &str) -> String {
        loop {
            let id = ID_FIRST.saturating_add(self.given).to_string();
            self.given = self.given.saturating_add(1);
            if self.find(account, &id).is_none() {
                return id;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.customers.clear();
    }
}
