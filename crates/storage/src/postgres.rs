//! PostgreSQL: some connections, a transaction each.

mod function;
mod statistics;
mod whole;

use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{Column, Connection, Postgres, Row as _, SqlStr, TypeInfo};
use uuid::Uuid;

use crate::backend::{Backend, Dialect, Lender, Lent, Pending};
use crate::batch::Texts;
use crate::error::StoreError;
use crate::migrations;
use crate::postgres::function::{Function, Functions};
use crate::postgres::statistics::Statistics;
use crate::statement::{Expect, Statement, Step, Transaction};
use crate::value::{Row, Value, without_nul};

/// How often a transaction that the server ended so that another one could go on is run again.
const AGAIN_MAX: usize = 4;

/// An open PostgreSQL database.
#[derive(Debug)]
pub(crate) struct PostgresBackend {
    connections: Lender<PgConnection>,
    texts: Mutex<Texts>,
    functions: Mutex<Functions>,
    statistics: Statistics,
}

impl PostgresBackend {
    /// Connects and migrates when needed.
    pub(crate) async fn open(url: &str, connections_max: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(StoreError::unavailable)?
            .application_name("recoup")
            .statement_cache_capacity(512);
        let connections = Lender::new(options, connections_max);
        let mut lent: Lent<'_, PgConnection> = connections.lend().await?;
        migrations::for_postgres().run(&mut lent.connection).await.map_err(StoreError::unavailable)?;
        let statistics = Statistics::of(&mut lent.connection).await.map_err(StoreError::unavailable)?;
        connections.take_back(lent);
        let texts = Mutex::new(Texts::new(whole::text_of));
        Ok(Self { connections, texts, functions: Mutex::default(), statistics })
    }

    fn text_of(&self, transaction: &Transaction) -> Option<SqlStr> {
        if !transaction.independent {
            return None;
        }
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).of(&transaction.steps)
    }

    fn function_of(&self, transaction: &Transaction) -> Option<Arc<Function>> {
        if !transaction.without_rows {
            return None;
        }
        self.functions.lock().unwrap_or_else(PoisonError::into_inner).of(&transaction.steps)
    }

    async fn commit_once(&self, transaction: &Transaction) -> Result<Vec<Row>, StoreError> {
        let mut lent = self.connections.lend().await?;
        let result = self.run(&mut lent.connection, transaction).await;
        match &result {
            Ok(_) => self.statistics.count(&mut lent.connection).await,
            Err(error) if is_usable_after(error) => {}
            Err(_) => return result,
        }
        self.connections.take_back(lent);
        result
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        transaction: &Transaction,
    ) -> Result<Vec<Row>, StoreError> {
        if let Some(text) = self.text_of(transaction) {
            match whole::run(connection, text, &transaction.steps).await {
                Ok(()) => return Ok(Vec::new()),
                Err(error) if whole::is_undone(&error) => {}
                Err(error) => return Err(StoreError::unavailable(error)),
            }
        }
        if let Some(function) = self.function_of(transaction) {
            return function::run(connection, &function, &transaction.steps).await.map(|()| Vec::new());
        }
        if let [Step { expect: Expect::Any, .. }] = transaction.steps.as_slice() {
            // Nothing could undo it but an error, so it needs no BEGIN.
            return steps(connection, &transaction.steps).await;
        }
        let mut open = connection.begin().await.map_err(StoreError::unavailable)?;
        match steps(&mut open, &transaction.steps).await {
            Ok(rows) => open.commit().await.map_err(StoreError::unavailable).map(|()| rows),
            Err(error) => {
                // Awaited, so that its locks are gone before the caller tries again; a lost connection undoes it too.
                open.rollback().await.map_err(StoreError::unavailable)?;
                Err(error)
            }
        }
    }
}

impl Backend for PostgresBackend {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            for _ in 0..AGAIN_MAX {
                match self.commit_once(&transaction).await {
                    // It was undone whole, and is a value: it can be run again as it is.
                    Err(error) if gave_way(&error) => {}
                    other => return other,
                }
            }
            self.commit_once(&transaction).await
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            let mut lent = self.connections.lend().await?;
            let rows = bound(&statement).fetch_all(&mut lent.connection).await;
            let rows = rows.map_err(StoreError::unavailable)?;
            self.connections.take_back(lent);
            rows.iter().map(read).collect()
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.connections.close())
    }
}

/// Whether the error is the statement's own. After any other one the connection is closed: it may be lost, or lead to a
/// server that has become a standby (25006).
fn is_usable_after(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return true };
    source.downcast_ref::<sqlx::Error>().is_some_and(whole::is_undone)
}

/// Whether the server undid the transaction for another one's sake: a deadlock, or an order of changes that it could not
/// keep (<https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html>).
fn gave_way(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return false };
    let code = source
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .and_then(DatabaseError::code);
    code.is_some_and(|code| code == "40P01" || code == "40001")
}

async fn steps(connection: &mut PgConnection, steps: &[Step]) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for step in steps {
        let query = bound(&step.statement);
        let count = if step.returns {
            let found = query.fetch_all(&mut *connection).await.map_err(StoreError::unavailable)?;
            let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
            for row in &found {
                rows.push(read(row)?);
            }
            count
        } else {
            query.execute(&mut *connection).await.map_err(StoreError::unavailable)?.rows_affected()
        };
        if !step.accepts(count) {
            return Err(StoreError::Conflict { step: step.statement.name() });
        }
    }
    Ok(rows)
}

type Query = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

fn bound(statement: &Statement) -> Query {
    statement.args.iter().fold(sqlx::query::<Postgres>(statement.sql), bind)
}

fn bind(query: Query, value: &Value) -> Query {
    match value.clone() {
        Value::Id(id) => query.bind(id),
        Value::Int(int) => query.bind(int),
        Value::Text(text) => query.bind(text.map(without_nul)),
        Value::Bool(bit) => query.bind(bit),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}

fn read(row: &PgRow) -> Result<Row, StoreError> {
    let mut columns = Vec::with_capacity(row.len());
    for column in row.columns() {
        let place = column.ordinal();
        let value = match column.type_info().name() {
            "UUID" => Value::Id(row.try_get::<Option<Uuid>, _>(place).map_err(StoreError::unavailable)?),
            "INT8" => Value::Int(row.try_get(place).map_err(StoreError::unavailable)?),
            "BOOL" => Value::Bool(row.try_get(place).map_err(StoreError::unavailable)?),
            "BYTEA" => Value::Bytes(row.try_get(place).map_err(StoreError::unavailable)?),
            "TEXT" => Value::Text(row.try_get(place).map_err(StoreError::unavailable)?),
            other => {
                let words =
                    format!("column {} has type {other}, which no statement of ours returns", column.name());
                return Err(StoreError::unavailable(words));
            }
        };
        columns.push((column.name().to_owned(), value));
    }
    Ok(Row { columns })
}
