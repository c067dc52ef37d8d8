//! The store: where a process remembers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::backend::{Backend, Dialect};
use crate::error::StoreError;
use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;
use crate::statement::{Statement, Transaction};
use crate::value::Row;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL connection string, and how many connections to hold at most.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
        /// At most so many connections.
        connections_max: u32,
    },
}

/// A database, open and migrated. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
}

impl Store {
    /// Opens a database, making (SQLite) and migrating it when needed.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let backend: Arc<dyn Backend> = match location {
            Location::Sqlite(path) => Arc::new(SqliteBackend::open(path).await?),
            Location::Postgres { url, connections_max } => {
                Arc::new(PostgresBackend::open(url, *connections_max).await?)
            }
        };
        Ok(Self { backend })
    }

    /// A store over any backend: the simulation wraps one.
    pub fn over(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// The backend below.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.backend.dialect()
    }

    /// Commits a transaction whole; the rows of its returning steps, in order.
    pub async fn commit(&self, transaction: Transaction) -> Result<Vec<Row>, StoreError> {
        let name = transaction.name;
        let result = self.backend.commit(transaction).await;
        if let Err(StoreError::Unavailable(error)) = &result {
            tracing::error!(transaction = name, error = %error, "Transaction {name} was not committed");
        }
        result
    }

    /// Reads.
    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let name = statement.name();
        let result = self.backend.query(statement).await;
        if let Err(StoreError::Unavailable(error)) = &result {
            tracing::error!(statement = name, error = %error, "Statement {name} failed");
        }
        result
    }

    /// Reads at most one row.
    pub(crate) async fn query_one(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        Ok(self.query(statement).await?.into_iter().next())
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}
