//! A backend that remembers which statements ran to the end.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use recoup_storage::{Backend, Dialect, Row, Statement, Store, StoreError, Transaction};

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Passes everything on to another backend.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Arc<dyn Backend>,
    ran: Mutex<BTreeSet<&'static str>>,
}

impl Recorder {
    /// Over the backend of a store.
    pub(crate) fn over(store: &Store) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(store.backend()), ran: Mutex::default() })
    }

    /// The texts of the statements that ran: in a committed transaction, or as an answered question.
    pub(crate) fn ran(&self) -> BTreeSet<&'static str> {
        self.ran.lock().unwrap().clone()
    }
}

impl Backend for Recorder {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let texts: Vec<_> = transaction.steps.iter().map(|step| step.statement.sql).collect();
            let rows = self.inner.commit(transaction).await?;
            self.ran.lock().unwrap().extend(texts);
            Ok(rows)
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let text = statement.sql;
            let rows = self.inner.query(statement).await?;
            self.ran.lock().unwrap().insert(text);
            Ok(rows)
        })
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn close(&self) -> Pending<'_, ()> {
        self.inner.close()
    }
}
