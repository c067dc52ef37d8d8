//! PostgreSQL: a pool of connections, a transaction each.

mod whole;

use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Column, Connection, Postgres, Row as _, SqlStr, TypeInfo};
use uuid::Uuid;

use crate::backend::{Backend, Dialect, Pending};
use crate::batch::Texts;
use crate::error::StoreError;
use crate::migrations;
use crate::statement::{Statement, Step, Transaction};
use crate::value::{Row, Value, without_nul};

/// A connection that was idle for less is used without asking first whether it still lives: that costs a round trip.
const ASK_AFTER_IDLE: Duration = Duration::from_secs(5);

/// An open PostgreSQL database.
#[derive(Debug)]
pub(crate) struct PostgresBackend {
    pool: PgPool,
    texts: Mutex<Texts>,
}

impl PostgresBackend {
    /// Connects and migrates when needed.
    pub(crate) async fn open(url: &str, connections_max: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(StoreError::unavailable)?
            .application_name("recoup")
            .statement_cache_capacity(512);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(30))
            .test_before_acquire(false)
            .before_acquire(|connection, found| {
                Box::pin(async move {
                    if found.idle_for >= ASK_AFTER_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(StoreError::unavailable)?;
        migrations::for_postgres().run(&pool).await.map_err(StoreError::unavailable)?;
        Ok(Self { pool, texts: Mutex::new(Texts::new(whole::text_of)) })
    }

    fn text_of(&self, transaction: &Transaction) -> Option<SqlStr> {
        if !transaction.independent {
            return None;
        }
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).of(&transaction.steps)
    }
}

impl Backend for PostgresBackend {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            if let Some(text) = self.text_of(&transaction) {
                match whole::run(&self.pool, text, &transaction.steps).await {
                    Ok(()) => return Ok(Vec::new()),
                    Err(error) if whole::is_undone(&error) => {}
                    Err(error) => return Err(StoreError::unavailable(error)),
                }
            }
            let mut open = self.pool.begin().await.map_err(StoreError::unavailable)?;
            match steps(&mut open, &transaction.steps).await {
                Ok(rows) => {
                    open.commit().await.map_err(StoreError::unavailable)?;
                    Ok(rows)
                }
                Err(error) => {
                    // Awaited, so that its locks are gone before the caller tries again; a lost connection undoes it too.
                    let _ = open.rollback().await;
                    Err(error)
                }
            }
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            let rows = bound(&statement).fetch_all(&self.pool).await.map_err(StoreError::unavailable)?;
            rows.iter().map(read).collect()
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.pool.close())
    }
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
