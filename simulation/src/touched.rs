//! Rows that were changed since they were last checked.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use storage::{Transaction, Value};
use uuid::Uuid;

/// Statements of transactions that may change what is owed, paid or given back.
const OF_MONEY: [&str; 4] = ["attempt", "payment", "operation", "subscription"];

/// Ids that were named by transactions about money.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<BTreeSet<Uuid>>);

impl Touched {
    /// Remembers what a transaction names.
    pub(crate) fn add(&self, transaction: &Transaction) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for step in &transaction.steps {
            let name = step.statement.name();
            if OF_MONEY.iter().any(|one| name.contains(one)) {
                ids.extend(step.statement.args.iter().filter_map(|value| match value {
                    Value::Id(id) => *id,
                    Value::Int(_) | Value::Text(_) | Value::Bool(_) | Value::Bytes(_) => None,
                }));
            }
        }
    }

    /// What was named since the last call.
    pub(crate) fn take(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
