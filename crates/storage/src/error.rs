//! Why the store did not do what it was asked.

use thiserror::Error;

/// Absence is no error (`Option`); these are.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A statement met a state that it does not allow; nothing of its transaction was kept.
    #[error("conflict in {step}")]
    Conflict {
        /// The statement's name.
        step: &'static str,
    },
    /// A stored row fits no state of ours. Never replaced by a default.
    #[error("inconsistent row in {table}: column {column} of {id}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id, as text.
        id: String,
    },
    /// The database did not answer, or refused. Nothing is known to be kept.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps a database error.
    pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// Whether the statement of this name met a conflict.
    pub fn is_conflict_in(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { step } if *step == name)
    }
}
