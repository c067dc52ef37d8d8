//! A hub as `recoup serve` makes it, over a counted database.

use std::sync::Arc;

use anyhow::Result;
use charging::{Charging, Connections};
use domain::Minter;
use gateways::http::{HttpTransport, TimeLimits};
use hub::Hub;
use providers::Catalogue;
use storage::testing::{On, TestDatabase};
use storage::{Location, Store};
use vault::{KeyRing, SystemEntropy, Vault};

use super::counted::{Counts, counted};
use super::{Database, usage};
use crate::clock::SystemClock;

/// A hub with fresh keys over this database, and what it asks of it.
pub(super) fn hub_over(store: &Store) -> Result<(Hub, Arc<Counts>)> {
    let (store, counts) = counted(store);
    let minter = Minter::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let vault = Arc::new(Vault::new(KeyRing::generate(&SystemClock, &SystemEntropy)));
    let transport = Arc::new(HttpTransport::new(TimeLimits::default())?);
    let catalogue = Arc::new(Catalogue::new(transport, Arc::new(SystemClock), minter.clone()));
    let connections = Connections::new(catalogue, store.clone(), Arc::clone(&vault), false);
    Ok((Hub::new(Charging::new(store, vault, connections, minter)), counts))
}

/// A fresh database.
pub(super) async fn fresh(only: Database) -> TestDatabase {
    TestDatabase::new(match only {
        Database::Sqlite => On::Sqlite,
        Database::Postgres => On::Postgres,
    })
    .await
}

/// Processor time of a PostgreSQL database's sessions so far, microseconds; 0 on SQLite.
pub(super) fn server_micros(home: &TestDatabase) -> u64 {
    match home.location() {
        Location::Sqlite(_) => 0,
        Location::Postgres { url, .. } => usage::sessions_micros(url.rsplit('/').next().unwrap_or_default()),
    }
}
