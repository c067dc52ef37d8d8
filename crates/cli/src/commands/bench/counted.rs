//! A database that counts what it is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use storage::{Backend, Dialect, Row, Statement, Store, StoreError, Transaction};

type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads, transactions, and statements within transactions so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    reads: AtomicU64,
    transactions: AtomicU64,
    steps: AtomicU64,
}

impl Counts {
    /// Reads, transactions, statements.
    pub(super) fn now(&self) -> [u64; 3] {
        [&self.reads, &self.transactions, &self.steps].map(|count| count.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Counted {
    below: Arc<dyn Backend>,
    counts: Arc<Counts>,
}

/// The same database, counted.
pub(super) fn counted(store: &Store) -> (Store, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let counted = Counted { below: Arc::clone(store.backend()), counts: Arc::clone(&counts) };
    (Store::over(Arc::new(counted)), counts)
}

impl Backend for Counted {
    fn commit(&self, transaction: Transaction) -> Reply<'_, Result<Vec<Row>, StoreError>> {
        let steps = u64::try_from(transaction.steps.len()).unwrap_or(u64::MAX);
        self.counts.transactions.fetch_add(1, Ordering::Relaxed);
        self.counts.steps.fetch_add(steps, Ordering::Relaxed);
        self.below.commit(transaction)
    }

    fn query(&self, statement: Statement) -> Reply<'_, Result<Vec<Row>, StoreError>> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.below.query(statement)
    }

    fn dialect(&self) -> Dialect {
        self.below.dialect()
    }

    fn close(&self) -> Reply<'_, ()> {
        self.below.close()
    }
}
