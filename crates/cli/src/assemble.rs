//! From a place to a running role.

use std::sync::Arc;

use anyhow::{Context, Result};
use charging::{Charging, Connections};
use domain::{Clock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use hub::Hub;
use providers::Catalogue;
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

/// Kinds of gateways that only salvage.
pub(crate) fn salvage_kinds() -> Vec<&'static str> {
    providers::providers()
        .iter()
        .filter(|provider| provider.capabilities.is_salvage_only())
        .map(|provider| provider.kind)
        .collect()
}
