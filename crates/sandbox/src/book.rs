//! All transactions and the ledger, indexed, with the journal behind them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use jiff::Timestamp;

use crate::{
    journal::{Journal, Line},
    ledger::LedgerEntry,
    settings::SandboxError,
    transaction::{Condition, Kind, Transaction},
};

/// The first transaction id ever given; ids have ten digits.
const ID_FIRST: u64 = 9_000_000_001;

/// Transactions and ledger. Every change is in the journal before it is here.
pub(crate) struct Book {
    transactions: BTreeMap<u64, Transaction>,
    by_order: HashMap<String, Vec<u64>>,
    refunds_of: HashMap<u64, Vec<u64>>,
    due: BTreeSet<(Timestamp, u64)>,
    ledger: Vec<LedgerEntry>,
    next_id: u64,
    journal: Option<Journal>,
}

impl Book {
    /// An empty book, or the one replayed from the folder.
    pub(crate) fn open(data_dir: Option<&Path>) -> Result<Self, SandboxError> {
        let mut book = Self {
            transactions: BTreeMap::new(),
            by_order: HashMap::new(),
            refunds_of: HashMap::new(),
            due: BTreeSet::new(),
            ledger: Vec::new(),
            next_id: ID_FIRST,
            journal: None,
        };
        if let Some(folder) = data_dir {
            let (journal, lines) = Journal::open(folder)?;
            for line in lines {
                match line {
                    Line::Change { transaction, entry } => book.apply(*transaction, entry),
                    Line::Reset => book.forget(),
                }
            }
            book.journal = Some(journal);
        }
        Ok(book)
    }

    /// The id of the next transaction. Never given twice, not even after a reset.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Writes the transaction, new or changed, and what moved by it.
    pub(crate) fn record(
        &mut self,
        transaction: Transaction,
        entry: Option<LedgerEntry>,
    ) -> std::io::Result<()> {
        match &mut self.journal {
            None => self.apply(transaction, entry),
            Some(journal) => {
                let line = Line::Change { transaction: Box::new(transaction), entry };
                journal.append(&line)?;
                if let Line::Change { transaction, entry } = line {
                    self.apply(*transaction, entry);
                }
            }
        }
        Ok(())
    }

    /// Forgets all transactions and the ledger.
    pub(crate) fn reset(&mut self) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.append(&Line::Reset)?;
        }
        self.forget();
        Ok(())
    }

    /// The account's transaction of this id.
    pub(crate) fn find(&self, account: &str, id: u64) -> Option<&Transaction> {
        self.transactions.get(&id).filter(|transaction| transaction.account == account)
    }

    /// All transactions, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Transaction> {
        self.transactions.values()
    }

    /// The transactions of an `orderid`, oldest first, of all accounts.
    pub(crate) fn of_order<'a>(&'a self, orderid: &str) -> impl Iterator<Item = &'a Transaction> {
        let ids = self.by_order.get(orderid).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.transactions.get(id))
    }

    /// The refunds of a transaction, oldest first.
    pub(crate) fn refunds_of(&self, id: u64) -> impl Iterator<Item = &Transaction> {
        let ids = self.refunds_of.get(&id).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.transactions.get(id))
    }

    /// What may still be given back: captured, minus refunds that count. Minor units.
    pub(crate) fn balance(&self, transaction: &Transaction) -> i64 {
        let charged = transaction.takes_money()
            && matches!(transaction.condition, Condition::PendingSettlement | Condition::Complete);
        let refunds = self.refunds_of(transaction.id).filter(|refund| refund.counts());
        let refunded: i64 = refunds.map(|refund| refund.amount_minor).sum();
        if charged { transaction.captured_minor.saturating_sub(refunded) } else { 0 }
    }

    /// Every movement, oldest first.
    pub(crate) fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    /// Settles what is due; `everything` also what is not. Returns how many settled.
    pub(crate) fn settle(&mut self, now: Timestamp, everything: bool) -> std::io::Result<usize> {
        let mut settled = 0;
        while let Some(&(at, id)) = self.due.first() {
            if at > now && !everything {
                break;
            }
            self.due.remove(&(at, id));
            let Some(mut transaction) = self.transactions.get(&id).cloned() else { continue };
            transaction.settle(if everything { now } else { at });
            self.record(transaction, None)?;
            settled += 1;
        }
        Ok(settled)
    }

    fn apply(&mut self, transaction: Transaction, entry: Option<LedgerEntry>) {
        let id = transaction.id;
        match self.transactions.get(&id) {
            Some(before) => {
                if let Some(at) = before.settles_at {
                    self.due.remove(&(at, id));
                }
                if before.orderid != transaction.orderid
                    && let Some(ids) = self.by_order.get_mut(&before.orderid)
                {
                    ids.retain(|other| *other != id);
                }
            }
            None => {
                if let (Kind::Refund, Some(original)) = (transaction.kind, transaction.original_id) {
                    self.refunds_of.entry(original).or_default().push(id);
                }
            }
        }
        let ids = self.by_order.entry(transaction.orderid.clone()).or_default();
        if let Err(place) = ids.binary_search(&id) {
            ids.insert(place, id);
        }
        if let Some(at) = transaction.settles_at {
            self.due.insert((at, id));
        }
        self.next_id = self.next_id.max(id.saturating_add(1));
        self.ledger.extend(entry);
        self.transactions.insert(id, transaction);
    }

    fn forget(&mut self) {
        self.transactions.clear();
        self.by_order.clear();
        self.refunds_of.clear();
        self.due.clear();
        self.ledger.clear();
    }
}
