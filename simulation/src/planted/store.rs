//! Bugs of what is remembered.

use std::pin::Pin;
use std::sync::Arc;

use storage::{Backend, Dialect, Row, Statement, Step, StoreError, Transaction, Value};

use super::Plant;

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a>>;

/// A backend with a bug.
#[derive(Debug)]
pub(super) struct PlantedBackend {
    pub(super) inner: Arc<dyn Backend>,
    pub(super) plant: Plant,
}

impl PlantedBackend {
    /// The transaction as the bug would have it.
    fn edited(&self, mut transaction: Transaction) -> Transaction {
        let is = |step: &Step, name: &str| step.statement.name() == name;
        match self.plant {
            Plant::Drops(name) => transaction.steps.retain(|step| !is(step, name)),
            Plant::Nulls(name, place) => {
                for step in transaction.steps.iter_mut().filter(|step| is(step, name)) {
                    if let Some(Value::Int(int)) = step.statement.args.get_mut(place) {
                        *int = None;
                    }
                }
            }
            Plant::Raises(name, place) => {
                for step in transaction.steps.iter_mut().filter(|step| is(step, name)) {
                    if let Some(Value::Int(Some(int))) = step.statement.args.get_mut(place) {
                        *int = int.saturating_add(1);
                    }
                }
            }
            Plant::None
            | Plant::Forgets(_)
            | Plant::Blind(_)
            | Plant::IgnoresConflicts
            | Plant::Repeats(_)
            | Plant::GuessesDeclined
            | Plant::GuessesNotSent
            | Plant::GuessesDone
            | Plant::GuessesCancelled => {}
        }
        transaction
    }
}

impl Backend for PlantedBackend {
    fn commit(&self, transaction: Transaction) -> Pending<'_> {
        if self.plant == Plant::Forgets(transaction.name) {
            return Box::pin(async { Ok(Vec::new()) });
        }
        let committing = self.inner.commit(self.edited(transaction));
        if self.plant != Plant::IgnoresConflicts {
            return committing;
        }
        Box::pin(async move {
            match committing.await {
                Err(StoreError::Conflict { .. }) => Ok(Vec::new()),
                other => other,
            }
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_> {
        if self.plant == Plant::Blind(statement.name()) {
            return Box::pin(async { Ok(Vec::new()) });
        }
        self.inner.query(statement)
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.close()
    }
}
