//! Where the databases of a seed come from: copies of one that is migrated and empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, SqlSafeStr as _};
use storage::{Location, Store};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::drive::nap;

/// Connections of a role to PostgreSQL: its processes' and the checks'.
const CONNECTIONS_MAX: u32 = 16;

/// What our questions use and PostgreSQL lacks: SQLite's functions of these names.
const FUNCTIONS: [&str; 3] = [
    "CREATE FUNCTION hex(uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(replace($1::text, '-', '')) $$",
    "CREATE FUNCTION unhex(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT $1::uuid $$",
    "CREATE FUNCTION json_each(text) RETURNS TABLE (value text) LANGUAGE sql IMMUTABLE AS $$ SELECT json_array_elements_text($1::json) $$",
];

/// The database that all are copies of.
#[derive(Debug)]
pub(crate) enum Databases {
    /// A SQLite file.
    Sqlite {
        /// The migrated, empty file.
        template: PathBuf,
    },
    /// A database of a PostgreSQL server.
    Postgres {
        /// An address of the server with any database.
        server: String,
        /// The name of the migrated, empty database.
        template: String,
    },
}

impl Databases {
    /// SQLite files.
    pub(crate) async fn sqlite(folder: &Path) -> Result<Self> {
        let template = folder.join("template.sqlite");
        let store = Store::open(&Location::Sqlite(template.clone())).await?;
        store.close().await;
        drop(store);
        // The writer closes the file when nobody can write any more; only then it is whole.
        while Handle::current().metrics().num_alive_tasks() > 0 {
            nap().await;
        }
        Ok(Self::Sqlite { template })
    }

    /// Databases of a PostgreSQL server, at an address that names any database of it.
    #[expect(clippy::disallowed_methods, reason = "a name of its own in every run is what is wanted here")]
    pub(crate) async fn postgres(server: &str) -> Result<Self> {
        // Names have 63 characters at most.
        let template = format!("recoup_s{:x}", Uuid::now_v7().as_u128() >> 32);
        let mut any = PgConnection::connect(server).await.context("the PostgreSQL server does not answer")?;
        run(&mut any, format!("CREATE DATABASE {template}")).await?;
        any.close().await?;
        let url = url_of(server, &template)?;
        let location = Location::Postgres { url: url.clone(), connections_max: 1 };
        Store::open(&location).await?.close().await;
        let mut inside = PgConnection::connect(&url).await?;
        for function in FUNCTIONS {
            run(&mut inside, function.to_owned()).await?;
        }
        inside.close().await?;
        Ok(Self::Postgres { server: server.to_owned(), template })
    }

    /// Whether a database can be put back to an earlier copy: files can.
    pub(crate) fn can_restore(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// A database of a role of a seed whose files lie in this folder.
    pub(crate) async fn fresh(&self, folder: &Path, role: &str) -> Result<Location> {
        match self {
            Self::Sqlite { template } => {
                let path = folder.join(format!("{role}.sqlite"));
                fs::copy(template, &path)?;
                Ok(Location::Sqlite(path))
            }
            Self::Postgres { server, template } => {
                let name = name_of(template, folder, role);
                let mut any = PgConnection::connect(server).await?;
                run(&mut any, format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
                any.close().await?;
                Ok(Location::Postgres { url: url_of(server, &name)?, connections_max: CONNECTIONS_MAX })
            }
        }
    }

    /// Removes what [`Self::fresh`] made, unless it goes with its folder.
    pub(crate) async fn remove(&self, folder: &Path, role: &str) -> Result<()> {
        let Self::Postgres { server, template } = self else { return Ok(()) };
        drop_database(server, &name_of(template, folder, role)).await
    }

    /// Removes the database that all were copies of.
    pub(crate) async fn close(&self) -> Result<()> {
        let Self::Postgres { server, template } = self else { return Ok(()) };
        drop_database(server, template).await
    }
}

async fn drop_database(server: &str, name: &str) -> Result<()> {
    let mut any = PgConnection::connect(server).await?;
    run(&mut any, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    Ok(any.close().await?)
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::query::<Postgres>(AssertSqlSafe(sql).into_sql_str()).execute(connection).await?;
    Ok(())
}

/// A seed's folder has a name of its own.
fn name_of(template: &str, folder: &Path, role: &str) -> String {
    let folder = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Its letters are of both cases, and names of databases are not.
    let own = folder.bytes().fold(0_u128, |sum, byte| (sum << 8) | u128::from(byte));
    format!("{template}_{own:x}_{role}")
}

fn url_of(server: &str, name: &str) -> Result<String> {
    let (base, _) = server.rsplit_once('/').context("a PostgreSQL address ends in a database's name")?;
    Ok(format!("{base}/{name}"))
}
