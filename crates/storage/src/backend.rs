//! What a database must do for us: three things.

mod lender;

pub(crate) use lender::{Lender, Lent};

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::error::StoreError;
use crate::statement::{Statement, Transaction};
use crate::value::Row;

/// Which SQL a backend speaks, for the few statements that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database. The simulation wraps this port to crash before and after any call.
pub trait Backend: Send + Sync + Debug {
    /// Commits a transaction whole; the rows of its returning steps, in order (perhaps none of one
    /// that is independent or said to be without them).
    fn commit(&self, transaction: Transaction) -> Pending<'_, Vec<Row>>;

    /// Reads.
    fn query(&self, statement: Statement) -> Pending<'_, Vec<Row>>;

    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Closes its connections.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
