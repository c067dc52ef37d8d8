//! SQL that goes past the store: to plant faults, to try what triggers refuse, and to read every column as text.

use std::collections::BTreeSet;

use recoup_storage::Location;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Row, SqlSafeStr, Sqlite};
use uuid::Uuid;

/// A connection of one's own.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// One value of one row, as text: bytes as upper-case hexadecimal digits.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) is_text: bool,
    pub(crate) value: String,
}

impl Raw {
    pub(crate) async fn open(location: &Location) -> Self {
        match location {
            Location::Sqlite(path) => Self::Sqlite(
                SqliteConnectOptions::new()
                    .filename(path)
                    .busy_timeout(std::time::Duration::from_secs(10))
                    .connect()
                    .await
                    .unwrap(),
            ),
            Location::Postgres { url, .. } => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    /// Runs a statement with ids as `$1`, `$2`, …; the rows it changed.
    pub(crate) async fn run(&mut self, sql: &str, ids: &[Uuid]) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        match self {
            Self::Sqlite(connection) => {
                let query = ids.iter().fold(sqlx::query::<Sqlite>(sql), |query, id| query.bind(*id));
                query.execute(connection).await.map(|done| done.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = ids.iter().fold(sqlx::query::<Postgres>(sql), |query, id| query.bind(*id));
                query.execute(connection).await.map(|done| done.rows_affected())
            }
        }
    }

    /// Rows of texts, none for NULL.
    async fn texts(&mut self, sql: String) -> Vec<Vec<Option<String>>> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query::<Sqlite>(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|place| row.get(place)).collect()).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query::<Postgres>(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|place| row.get(place)).collect()).collect()
            }
        }
    }

    /// How many rows a table has.
    pub(crate) async fn count(&mut self, table: &str) -> i64 {
        let rows = self.texts(format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await;
        rows[0][0].as_deref().unwrap().parse().unwrap()
    }

    /// Table, column and declared type of every column of ours.
    async fn columns(&mut self) -> Vec<(String, String, String)> {
        // Differs: each database describes itself in tables of its own.
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT t.name, c.name, lower(c.type) FROM sqlite_schema t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid"
            }
            Self::Postgres(_) => {
                "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
                 WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
            }
        };
        let rows = self.texts(sql.to_owned()).await;
        let text = |cell: &Option<String>| cell.clone().unwrap();
        rows.iter()
            .map(|row| (text(&row[0]), text(&row[1]), text(&row[2])))
            .filter(|(table, ..)| table != "_sqlx_migrations")
            .collect()
    }

    /// Every table of ours.
    pub(crate) async fn tables(&mut self) -> BTreeSet<String> {
        self.columns().await.into_iter().map(|(table, ..)| table).collect()
    }

    /// Every value of every table.
    pub(crate) async fn dump(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (table, column, kind) in self.columns().await {
            let value = match kind.as_str() {
                "blob" => format!("hex(\"{column}\")"),
                "bytea" => format!("upper(encode(\"{column}\", 'hex'))"),
                _ => format!("CAST(\"{column}\" AS TEXT)"),
            };
            let sql = format!("SELECT {value} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
            for row in self.texts(sql).await {
                cells.push(Cell {
                    table: table.clone(),
                    column: column.clone(),
                    is_text: kind == "text",
                    value: row[0].clone().unwrap(),
                });
            }
        }
        cells
    }
}
