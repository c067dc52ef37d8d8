//! From a place to a running role.

use std::sync::Arc;

use anyhow::{Context, Result};
use charging::{Charging, Connections};
use domain::{Clock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use hub::Hub;
use providers::Catalogue;
use storage::doctor::Broken;
use storage::{Store, Transaction, marks};
use vault::SystemEntropy;

use crate::place::{Held, Place};

/// A database made under a movable clock never meets a real gateway, for good (M31).
const MOVABLE_CLOCK: &str = "movable_clock";

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
    use gateways::Settings;
    use secrecy::SecretString;

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
}
