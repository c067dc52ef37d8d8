//! From a place to a running role.

use std::sync::Arc;

use anyhow::{Context, Result};
use charging::{Charging, Connections};
use domain::{Clock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use hub::{CHARGING_HELD, HELD_SINCE_BEAT, Hub};
use providers::Catalogue;
use storage::doctor::Broken;
use storage::{Store, Transaction, marks};
use vault::SystemEntropy;

use crate::place::{Held, Place};

/// A database made under a movable clock never meets a real gateway, for good (M31).
const MOVABLE_CLOCK: &str = "movable_clock";

/// An older newest heartbeat at start means a restored backup, seconds (M31).
const HEARTBEAT_SECS_MAX: i64 = 3_600;

/// The attempt protocol over a place, and the lock that keeps others out.
pub(crate) struct Assembled {
    /// The attempt protocol.
    pub(crate) charging: Charging,
    /// Held as long as the role runs.
    pub(crate) held: Held,
}

/// Opens a place and puts the attempt protocol on it.
pub(crate) async fn assemble(place: &Place, clock: Arc<dyn Clock>, limits: TimeLimits) -> Result<Assembled> {
    let held = place.hold()?;
    let store = place.open_store().await?;
    let movable = is_movable(&store, clock.as_ref()).await?;
    let vault = Arc::new(place.open_vault(&store, clock.as_ref()).await?);
    let minter = Minter::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let transport = Arc::new(HttpTransport::new(limits).context("the HTTP client cannot be set up")?);
    let catalogue = Arc::new(Catalogue::new(transport, clock, minter.clone()));
    let connections = Connections::new(catalogue, store.clone(), Arc::clone(&vault), movable);
    Ok(Assembled { charging: Charging::new(store, vault, connections, minter), held })
}

/// A hub over a place.
pub(crate) async fn hub(place: &Place, clock: Arc<dyn Clock>, limits: TimeLimits) -> Result<(Hub, Held)> {
    let assembled = assemble(place, clock, limits).await?;
    Ok((Hub::new(assembled.charging), assembled.held))
}

async fn is_movable(store: &Store, clock: &dyn Clock) -> Result<bool> {
    if store.find_mark(MOVABLE_CLOCK).await?.is_some() {
        return Ok(true);
    }
    if clock.is_movable() {
        let mark = Transaction::new("mark_movable_clock").with(marks::set(MOVABLE_CLOCK, "yes"));
        store.commit(mark).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Since when automatic charging is held, and why, when it is: this database looks like a restored backup (M31).
///
/// A newest heartbeat of more than an hour ago at start means that other processes may have charged since. The mark
/// stays until reconciliation has passed; whatever charges by itself asks for it first.
pub(crate) async fn hold_after_restore(store: &Store, clock: &dyn Clock) -> Result<Option<String>> {
    if let Some(held) = store.find_mark(CHARGING_HELD).await? {
        return Ok(Some(held));
    }
    let Some(last) = store.last_heartbeat().await? else { return Ok(None) };
    let now = clock.now();
    if now.duration_since(last).as_secs() <= HEARTBEAT_SECS_MAX {
        return Ok(None);
    }
    let words = format!("since {now}: the last heartbeat is of {last}, so this may be a restored backup");
    let hold = Transaction::new("hold_charging")
        .with(marks::set(CHARGING_HELD, &words))
        .with(marks::set(HELD_SINCE_BEAT, &last.to_string()));
    store.commit(hold).await?;
    Ok(Some(words))
}

/// Every broken invariant of a database, the hub's and the platform's, and how many were checked.
pub(crate) async fn broken_invariants(store: &Store) -> Result<(Vec<Broken>, usize)> {
    let (mut broken, orders) = store.list_broken_invariants(&salvage_kinds()).await?;
    let (recoveries, more) = store.list_broken_recoveries().await?;
    broken.extend(recoveries);
    Ok((broken, orders.saturating_add(more)))
}

/// Kinds of gateways that only salvage.
fn salvage_kinds() -> Vec<&'static str> {
    providers::providers()
        .iter()
        .filter(|provider| provider.capabilities.is_salvage_only())
        .map(|provider| provider.kind)
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::ManualClock;
    use gateways::Settings;
    use secrecy::SecretString;
    use storage::testing::{On, TestDatabase};

    use super::*;
    use crate::clock::{DemoClock, SystemClock};

    fn clocks() -> [Arc<dyn Clock>; 2] {
        [Arc::new(DemoClock::default()), Arc::new(SystemClock)]
    }

    fn real_gateway() -> Settings {
        let mut settings = Settings::default();
        settings.plain.insert("base_url".into(), "https://secure.nmi.com".into());
        settings.secret.insert("security_key".into(), SecretString::from("k"));
        settings
    }

    #[tokio::test]
    async fn m31_a_database_made_under_a_movable_clock_refuses_real_gateways_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path().join("demo"));
        for clock in clocks() {
            let role = assemble(&place, clock, TimeLimits::default()).await.unwrap();
            let refused = role.charging.connections.check("nmi", &real_gateway()).unwrap_err();
            assert!(refused.to_string().contains("movable clock"), "{refused}");
            role.charging.store.close().await;
        }
        let other = Place::folder(folder.path().join("real"));
        let role = assemble(&other, Arc::new(SystemClock), TimeLimits::default()).await.unwrap();
        assert!(role.charging.connections.check("nmi", &real_gateway()).is_ok());
    }

    #[tokio::test]
    async fn one_process_at_a_time_uses_a_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path().to_path_buf());
        let role = assemble(&place, Arc::new(SystemClock), TimeLimits::default()).await.unwrap();
        let error = place.hold().unwrap_err().to_string();
        assert!(error.contains("in use by a running server"), "{error}");
        drop(role.held);
        assert!(place.hold().is_ok());
    }

    #[tokio::test]
    async fn a_database_with_sealed_rows_is_not_given_fresh_keys() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path().to_path_buf());
        let role = assemble(&place, Arc::new(SystemClock), TimeLimits::default()).await.unwrap();
        role.charging.store.close().await;
        drop(role);
        std::fs::remove_file(folder.path().join("keys.json")).unwrap();
        let error = assemble(&place, Arc::new(SystemClock), TimeLimits::default()).await.err().unwrap();
        assert!(format!("{error:#}").contains("restore it from a backup"), "{error:#}");
    }

    #[rstest::rstest]
    #[case::sqlite(On::Sqlite)]
    #[case::postgres(On::Postgres)]
    #[tokio::test]
    async fn m31_an_old_heartbeat_at_start_holds_automatic_charging(#[case] on: On) {
        let database = TestDatabase::new(on).await;
        let store = database.open().await;
        let clock = ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap());
        assert_eq!(hold_after_restore(&store, &clock).await.unwrap(), None, "a new database is no backup");
        store.commit(Transaction::new("beat").with(marks::beat("hub", clock.now()))).await.unwrap();
        clock.advance(jiff::SignedDuration::from_secs(3_600));
        assert_eq!(hold_after_restore(&store, &clock).await.unwrap(), None);
        clock.advance(jiff::SignedDuration::from_secs(1));
        let held = hold_after_restore(&store, &clock).await.unwrap().unwrap();
        store.commit(Transaction::new("beat").with(marks::beat("hub", clock.now()))).await.unwrap();
        assert_eq!(
            hold_after_restore(&store, &clock).await.unwrap(),
            Some(held),
            "a fresh beat does not lift it"
        );
        store.close().await;
    }
}
