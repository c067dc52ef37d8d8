#![doc = include_str!("../README.md")]

mod connections;
mod consequences;
mod send;

mod record;

mod resolve;

mod operate;
mod people;

mod driver;

mod memory;
mod restored;
mod stuck;

mod deadlines;
mod wait;

mod books;
mod reconcile;

pub use books::Reconciliation;
pub use connections::{Connections, NoGateway};
pub use consequences::{Consequence, Consequences};
pub use deadlines::TAKE_UP_AFTER_SECS;
pub use driver::{Driver, Swept};
pub use operate::OperateError;
pub use people::{DecideError, Found, Verdict};
pub use reconcile::{LedgerLine, Mismatch, reconcile};
pub use record::Recorded;
pub use resolve::Resolution;
pub use restored::{CHARGING_HELD, HELD_SINCE_BEAT, hold_after_restore};
pub use send::{Answer, reference_of};
pub use stuck::{Stuck, is_outage};
pub use wait::Pause;

use std::sync::Arc;

use domain::Minter;
use storage::Store;
use vault::Vault;

/// The attempt protocol over one store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Charging {
    /// Where we remember.
    pub store: Store,
    /// Sealed cards and credentials.
    pub vault: Arc<Vault>,
    /// Live gateways.
    pub connections: Connections,
    /// Time and ids.
    pub minter: Minter,
    /// How a caller waits between two looks at a charge that another process has under way.
    pub pause: Arc<dyn Pause>,
    memory: Arc<memory::Memory>,
}

impl Charging {
    /// The protocol over these parts.
    pub fn new(store: Store, vault: Arc<Vault>, connections: Connections, minter: Minter) -> Self {
        Self { store, vault, connections, minter, pause: Arc::new(wait::RealTime), memory: Arc::default() }
    }
}
