//! SQLite: one writer with group commit, and some readers.

mod whole;

use std::path::Path;
use std::pin::Pin;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Column, ConnectOptions, Connection, Row as _, Sqlite, TypeInfo, ValueRef};
use tokio::sync::{mpsc, oneshot};

use crate::backend::{Backend, Dialect, Lender, Pending};
use crate::batch::Texts;
use crate::error::StoreError;
use crate::migrations;
use crate::statement::{Statement, Step, Transaction};
use crate::value::{Row, Value, without_nul};

/// Most transactions of one group commit (measured: beyond 64 nothing is gained).
const GROUP_MAX: usize = 64;
/// Most transactions that wait for the writer.
const QUEUE_MAX: usize = 4096;
/// Readers; more than the cores of a small machine gains nothing.
const READERS_MAX: u32 = 4;

/// The writer's page cache, KiB as SQLite wants them. Its own 2 MB are less than one group commit may change, and what
/// does not fit is written twice.
const WRITER_CACHE: &str = "-16384";
/// Pages in the log before they go into the file: a page that changes often goes there seldom.
const CHECKPOINT_PAGES: &str = "4000";

struct Job {
    transaction: Transaction,
    answer: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

/// An open SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteBackend {
    writer: mpsc::Sender<Job>,
    readers: Lender<SqliteConnection>,
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(std::time::Duration::from_secs(10))
        .statement_cache_capacity(512)
}

/// Makes a file that only its owner reads: it holds names and addresses. SQLite gives the log beside it the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new();
    file.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl SqliteBackend {
    /// Opens the file, making and migrating it when needed.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path).map_err(StoreError::unavailable)?;
        let writing = options(path)
            .create_if_missing(true)
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let mut connection = writing.connect().await.map_err(StoreError::unavailable)?;
        migrations::for_sqlite().run(&mut connection).await.map_err(StoreError::unavailable)?;
        let readers = Lender::new(options(path).read_only(true), READERS_MAX);
        let (writer, jobs) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write(connection, jobs));
        Ok(Self { writer, readers })
    }
}

impl Backend for SqliteBackend {
    fn commit(&self, transaction: Transaction) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            let (answer, receive) = oneshot::channel();
            let gone = || StoreError::unavailable("the writer has stopped");
            self.writer.send(Job { transaction, answer }).await.map_err(|_| gone())?;
            receive.await.map_err(|_| gone())?
        })
    }

    fn query(&self, statement: Statement) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            let mut lent = self.readers.lend().await?;
            let rows = bound(&statement).fetch_all(&mut lent.connection).await;
            let rows = rows.map_err(StoreError::unavailable)?;
            self.readers.take_back(lent);
            rows.iter().map(read).collect()
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.readers.close())
    }
}

/// The one writer: takes what waits, commits it together, answers after COMMIT.
async fn write(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut texts = Texts::new(|steps| Some(whole::text_of(steps)));
    let mut group = Vec::with_capacity(GROUP_MAX);
    while jobs.recv_many(&mut group, GROUP_MAX).await > 0 {
        let answers = commit_group(&mut connection, &mut texts, &mut group).await;
        for (answer, result) in answers {
            // The caller may have gone; what it asked for is kept all the same.
            let _ = answer.send(result);
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "The database file was not closed cleanly");
    }
}

type Answer = (oneshot::Sender<Result<Vec<Row>, StoreError>>, Result<Vec<Row>, StoreError>);

/// Commits a group, each transaction in a savepoint: one that fails takes no other with it.
async fn commit_group(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    group: &mut Vec<Job>,
) -> Vec<Answer> {
    let mut broken = run(connection, "BEGIN IMMEDIATE;\nSAVEPOINT one").await.err();
    let mut answers = Vec::with_capacity(group.len());
    for job in group.drain(..) {
        let result = match &broken {
            None => in_savepoint(connection, texts, &job.transaction).await,
            Some(error) => Err(StoreError::unavailable(error.to_string())),
        };
        if result.is_err() && broken.is_none() {
            broken = run(connection, "ROLLBACK TO one").await.err();
        }
        answers.push((job.answer, result));
    }
    if broken.is_none() {
        broken = run(connection, "COMMIT").await.err();
    }
    if let Some(error) = broken {
        let _ = run(connection, "ROLLBACK").await;
        for (_, result) in &mut answers {
            if result.is_ok() {
                *result = Err(StoreError::unavailable(error.to_string()));
            }
        }
    }
    answers
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query::<Sqlite>(sql).execute(connection).await.map(|_| ())
}

/// Runs the steps after a fresh mark. An error leaves them half done, for the caller to undo.
async fn in_savepoint(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    transaction: &Transaction,
) -> Result<Vec<Row>, StoreError> {
    if let Some(text) = texts.of(&transaction.steps) {
        return whole::run(connection, text, &transaction.steps).await;
    }
    run(connection, whole::MARK).await.map_err(StoreError::unavailable)?;
    steps(connection, &transaction.steps).await
}

async fn steps(connection: &mut SqliteConnection, steps: &[Step]) -> Result<Vec<Row>, StoreError> {
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

type Query = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound(statement: &Statement) -> Query {
    statement.args.iter().fold(sqlx::query::<Sqlite>(statement.sql), bind)
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

fn read(row: &SqliteRow) -> Result<Row, StoreError> {
    let mut columns = Vec::with_capacity(row.len());
    for column in row.columns() {
        let place = column.ordinal();
        let raw = row.try_get_raw(place).map_err(StoreError::unavailable)?;
        let (is_null, name) = (raw.is_null(), raw.type_info().name().to_owned());
        let value = if is_null {
            Value::Int(None)
        } else {
            match name.as_str() {
                "INTEGER" => Value::Int(row.try_get(place).map_err(StoreError::unavailable)?),
                "TEXT" => Value::Text(row.try_get(place).map_err(StoreError::unavailable)?),
                "BOOLEAN" => Value::Bool(row.try_get(place).map_err(StoreError::unavailable)?),
                _ => {
                    let bytes: Vec<u8> = row.try_get(place).map_err(StoreError::unavailable)?;
                    Value::Bytes(Some(bytes))
                }
            }
        };
        columns.push((column.name().to_owned(), value));
    }
    Ok(Row { columns })
}
