//! The sandbox itself: settings, clock and state, and what the control API can do to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::clock::Clock;

use crate::{
    book::Book,
    duplicates::DuplicateRule,
    faults::Fault,
    issuer::{CardSpec, CardView},
    ledger::LedgerEntry,
    settings::{Account, SandboxError, Settings, check_accounts},
    state::State,
};

/// An NMI-compatible acquirer with pretend issuers behind it.
pub struct Sandbox {
    /// Time, for everything but the `slow` fault.
    pub(crate) clock: Arc<dyn Clock>,
    /// What it was started with.
    pub(crate) settings: Settings,
    state: Mutex<State>,
}

/// All that is wrong with a card or fault, one sentence each, beginning with the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct InvalidSpec(pub Vec<String>);

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox; with a data folder its transactions and ledger are read back first.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        check_accounts(&settings.accounts)?;
        let book = Book::open(settings.data_dir.as_deref())?;
        let rules = settings.accounts.iter().map(|account| (account.name.clone(), settings.duplicates));
        let state = Mutex::new(State::new(book, rules.collect()));
        Ok(Self { clock, settings, state })
    }

    /// Registers or replaces a pretend card. It lives until [`Sandbox::reset`] or the end of the process.
    pub fn put_card(&self, spec: CardSpec) -> Result<CardView, InvalidSpec> {
        self.lock().issuers.put(spec).map_err(InvalidSpec)
    }

    /// The cards that are not ordinary, masked.
    pub fn list_cards(&self) -> Vec<CardView> {
        self.lock().issuers.list()
    }

    /// Sets a fault for requests to come, behind those already waiting.
    pub fn add_fault(&self, fault: Fault) -> Result<(), InvalidSpec> {
        let known = |name: &String| self.settings.accounts.iter().any(|account| account.name == *name);
        if let Some(name) = fault.account.as_ref().filter(|name| !known(name)) {
            return Err(InvalidSpec(vec![format!("account: there is no account {name:?}")]));
        }
        self.lock().faults.add(fault).map_err(|problem| InvalidSpec(vec![problem]))
    }

    /// The faults still waiting.
    pub fn list_faults(&self) -> Vec<Fault> {
        self.lock().faults.list()
    }

    /// Takes all waiting faults away.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Sets how an account, or every account when `None`, checks for duplicates.
    pub fn set_duplicates(&self, account: Option<&str>, rule: DuplicateRule) -> Result<(), InvalidSpec> {
        let mut state = self.lock();
        match account {
            None => state.duplicates.values_mut().for_each(|one| *one = rule),
            Some(name) => match state.duplicates.get_mut(name) {
                Some(one) => *one = rule,
                None => return Err(InvalidSpec(vec![format!("account: there is no account {name:?}")])),
            },
        }
        Ok(())
    }

    /// Every movement really made, oldest first.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.lock().book.ledger().to_vec()
    }

    /// Settles everything that waits for settlement, at once. Returns how many transactions settled.
    pub fn settle_all(&self) -> std::io::Result<usize> {
        self.lock().book.settle(self.clock.now(), true)
    }

    /// Forgets transactions, ledger, cards, vault and faults, and returns duplicate rules to the settings.
    pub fn reset(&self) -> std::io::Result<()> {
        let mut state = self.lock();
        state.book.reset()?;
        state.issuers.clear();
        state.vault.clear();
        state.instruments.clear();
        state.seen.clear();
        state.faults.clear();
        state.duplicates.values_mut().for_each(|rule| *rule = self.settings.duplicates);
        Ok(())
    }

    /// The account with this key.
    pub(crate) fn account_by_key(&self, key: &str) -> Option<&Account> {
        self.settings.accounts.iter().find(|account| account.security_key == key)
    }

    /// The account with this user name and password.
    pub(crate) fn account_by_login(&self, username: &str, password: &str) -> Option<&Account> {
        self.settings.accounts.iter().find(|one| one.username == username && one.password == password)
    }

    /// The state. A panic elsewhere does not make it unreadable: every change is made in one piece by `Book`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
