//! Where a role keeps its things: a data folder with database, keys and a lock, or a PostgreSQL database and a key file.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use storage::{Location, Store};
use vault::{KeyRing, SystemEntropy, Vault};

use domain::Clock;

/// What is fingerprinted to know a database's own keys again; rotations keep the key of fingerprints.
const KEY_CHECK: &[u8] = b"recoup key check";
/// Name of the mark that keeps that fingerprint.
const KEY_CHECK_MARK: &str = "key_check";

/// Where data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Folder for the database, the keys and the lock; made when needed
    #[arg(long, env = "RECOUP_DATA", default_value = "recoup-data")]
    pub(crate) data: PathBuf,

    /// A PostgreSQL database instead of SQLite: postgres://user:password@host:port/database
    #[arg(long, env = "RECOUP_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,

    /// The key file; made on first start with mode 0600. Default: keys.json in the data folder
    #[arg(long, env = "RECOUP_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Most connections to PostgreSQL
    #[arg(long, env = "RECOUP_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub(crate) database_connections: u32,
}

/// Holds the lock of a data folder; SQLite has one process at a time.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: Option<File>,
}

impl Place {
    /// A data folder with SQLite.
    pub(crate) fn folder(data: PathBuf) -> Self {
        Self { data, database: None, key_file: None, database_connections: 16 }
    }

    /// The database's place.
    pub(crate) fn location(&self) -> Result<Location> {
        match &self.database {
            None => Ok(Location::Sqlite(self.data.join("recoup.sqlite"))),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Location::Postgres { url: url.clone(), connections_max: self.database_connections })
            }
            Some(_) => bail!(
                "--database is a PostgreSQL address that begins with postgres://; for SQLite leave it out and use --data"
            ),
        }
    }

    fn key_path(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data.join("keys.json"))
    }

    /// The key file's path, which must exist.
    pub(crate) fn existing_key_path(&self) -> Result<PathBuf> {
        let path = self.key_path();
        if !path.exists() {
            bail!(
                "there is no key file at {}; name it by --key-file, or start `recoup serve` once",
                path.display()
            );
        }
        Ok(path)
    }

    /// Makes the data folder and takes its lock, so that no two processes write one SQLite file.
    pub(crate) fn hold(&self) -> Result<Held> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("the data folder {} cannot be made", self.data.display()))?;
        if self.database.is_some() {
            return Ok(Held { _lock: None });
        }
        let path = self.data.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Held { _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} is in use by a running server; use its API, or stop it first",
                self.data.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }

    /// Opens the database, making and migrating it when needed.
    pub(crate) async fn open_store(&self) -> Result<Store> {
        let location = self.location()?;
        Store::open(&location).await.with_context(|| match &location {
            Location::Sqlite(path) => format!("the database {} cannot be opened", path.display()),
            Location::Postgres { .. } => {
                "the PostgreSQL database cannot be opened; check --database".to_owned()
            }
        })
    }

    /// Opens the keys. A database that holds sealed rows is never given fresh keys.
    pub(crate) async fn open_vault(&self, store: &Store, clock: &dyn Clock) -> Result<Vault> {
        let path = self.key_path();
        let used = store.find_mark("keys").await?.is_some();
        let ring = if used {
            KeyRing::open(&path).with_context(|| lost_keys(&path))?
        } else {
            let ring = KeyRing::open_or_create(&path, clock, &SystemEntropy)
                .with_context(|| format!("the key file {} cannot be used", path.display()))?;
            let mark = storage::Transaction::new("mark_keys").with(storage::marks::set("keys", "made"));
            store.commit(mark).await?;
            ring
        };
        let vault = Vault::new(ring);
        let check = vault.body_fingerprint(KEY_CHECK);
        match store.find_mark(KEY_CHECK_MARK).await? {
            Some(known) if known != check => bail!(
                "the key file {} belongs to another installation: it opens none of this database's cards and credentials; restore the one that was made with it, or name it by --key-file",
                path.display()
            ),
            Some(_) => {}
            None => {
                let mark = storage::marks::set(KEY_CHECK_MARK, &check);
                store.commit(storage::Transaction::new("mark_key_check").with(mark)).await?;
            }
        }
        Ok(vault)
    }

    /// Refuses a SQLite database that is not there: what only looks at one must not make it, and find all well.
    pub(crate) fn require_database(&self) -> Result<()> {
        if let Location::Sqlite(path) = self.location()?
            && !path.exists()
        {
            bail!("there is no database at {}; name its folder by --data", path.display());
        }
        Ok(())
    }
}

fn lost_keys(path: &Path) -> String {
    format!(
        "this database was made with keys, and the key file {} cannot be used; restore it from a backup, or name it by --key-file",
        path.display()
    )
}
