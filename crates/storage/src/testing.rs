//! Databases for tests: a fresh one each, on SQLite and on PostgreSQL.

use std::path::PathBuf;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr};
use uuid::Uuid;

use crate::store::{Location, Store};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// SQLite.
    Sqlite,
    /// PostgreSQL, at the address in `RECOUP_TEST_POSTGRES`.
    Postgres,
}

/// A fresh, migrated database; removed when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    location: Location,
    folder: Option<PathBuf>,
    name: Option<String>,
}

/// Not the process's number: the system uses those again, and a folder that an earlier test left behind would be ours.
#[expect(clippy::disallowed_methods, reason = "a name of its own in every run is what is wanted here")]
fn unique() -> String {
    format!("recoup_test_{}", Uuid::now_v7().simple())
}

/// The address of the tests' PostgreSQL server, with a database that is there.
pub fn server() -> String {
    std::env::var("RECOUP_TEST_POSTGRES").expect(
        "RECOUP_TEST_POSTGRES names a PostgreSQL server: run the tests by `cargo xtask test`, or start one by `cargo xtask postgres`",
    )
}

async fn admin(sql: String) {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(&server())
        .await
        .expect("the PostgreSQL server of the tests answers");
    sqlx::query::<Postgres>(AssertSqlSafe(sql).into_sql_str())
        .execute(&pool)
        .await
        .expect("the PostgreSQL server of the tests makes databases");
    pool.close().await;
}

impl TestDatabase {
    /// A fresh database.
    pub async fn new(on: On) -> Self {
        let name = unique();
        match on {
            On::Sqlite => {
                let folder = std::env::temp_dir().join(&name);
                std::fs::create_dir_all(&folder).expect("the system's temporary folder is writable");
                let location = Location::Sqlite(folder.join("recoup.sqlite"));
                Self { location, folder: Some(folder), name: None }
            }
            On::Postgres => {
                admin(format!("CREATE DATABASE {name}")).await;
                let server = server();
                let (base, _) = server.rsplit_once('/').expect("the address ends in a database's name");
                let location = Location::Postgres { url: format!("{base}/{name}"), connections_max: 8 };
                Self { location, folder: None, name: Some(name) }
            }
        }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Opens it; may be opened several times.
    pub async fn open(&self) -> Store {
        Store::open(&self.location).await.expect("a fresh database opens")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
        if let Some(name) = self.name.clone() {
            // A thread of its own: dropping happens inside a runtime that may be ending.
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(admin(format!("DROP DATABASE {name} WITH (FORCE)")));
                }
            });
            let _ = dropped.join();
        }
    }
}
