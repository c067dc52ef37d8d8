#![doc = include_str!("../README.md")]

mod configure;
mod import;
mod view;

mod checkout;
mod draft;
mod effects;
mod standing;

mod aftermath;
mod alerts;
mod cancel;
mod people;
mod refunds;

mod leads;

mod salvage_class;
mod stored_charge;

mod billing;

mod subscriptions;

mod retention;
mod work;

mod rerun;

mod reports;

mod running;

pub use aftermath::Aftermath;
pub use billing::Swept;
pub use charging::Verdict;
pub use configure::{Change, ConfigureError, Outcome as ConfigureOutcome};
pub use import::{Import, ImportAnswer, ImportLine, RawCard};
pub use leads::{Lead, LeadAnswer};
pub use people::PersonError;
pub use refunds::OrderRefund;
pub use reports::{ChargebackMark, LateDecision, Received};
pub use rerun::{
    Judged, PREVIEW_MAX, RUN_ITEMS_MAX, Rerun, RerunAnswer, RunOrders, RunProgress, RunsSwept, Skip, SkipKind,
};
pub use subscriptions::SubscriptionChange;
pub use view::OrderView;
pub use work::Pass;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use charging::Charging;
use domain::Minter;
use domain::configuration::Configuration;
use domain::ids::MerchantId;
use storage::{Store, StoreError};
use thiserror::Error;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use vault::Vault;

/// Why the hub could not do what it was asked, through no fault of the asker.
#[derive(Debug, Error)]
pub enum HubError {
    /// The store did not answer, or holds something that fits no state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such merchant.
    #[error("there is no such merchant")]
    NoMerchant,
    /// A charge ended without an answer; the order is in the store.
    #[error("the charge was interrupted; its state is kept and worked on")]
    Interrupted,
}

/// The CRM side of Recoup. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    pub(crate) charging: Charging,
    pub(crate) tracker: TaskTracker,
    pub(crate) running: running::Running,
    configurations: Arc<RwLock<HashMap<MerchantId, Arc<Configuration>>>>,
    pub(crate) tickets: Arc<Mutex<HashMap<Uuid, (u64, u64)>>>,
}

impl Hub {
    /// A hub over the attempt protocol.
    pub fn new(charging: Charging) -> Self {
        Self {
            charging,
            tracker: TaskTracker::new(),
            running: running::Running::default(),
            configurations: Arc::default(),
            tickets: Arc::default(),
        }
    }

    /// Where we remember.
    pub fn store(&self) -> &Store {
        &self.charging.store
    }

    /// Sealed cards and credentials.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.charging.vault
    }

    /// Time and ids.
    pub fn minter(&self) -> &Minter {
        &self.charging.minter
    }

    /// The attempt protocol.
    pub fn charging(&self) -> &Charging {
        &self.charging
    }

    /// What follows when the driver or a person settles an attempt.
    pub fn aftermath(&self) -> Arc<Aftermath> {
        Arc::new(Aftermath::new(self.clone()))
    }

    /// Runs work that goes on when its caller hangs up, and that a shutdown waits for.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tracker.spawn(work)
    }

    /// Waits until all work that was spawned has ended: a shutdown loses no charge and leaves nothing half done.
    pub async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// A merchant's configuration, as this process knows it; an intent made under an old one is made again.
    pub async fn configuration(&self, merchant_id: MerchantId) -> Result<Arc<Configuration>, HubError> {
        let known =
            self.configurations.read().unwrap_or_else(PoisonError::into_inner).get(&merchant_id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        self.reload(merchant_id).await
    }

    /// Reads a merchant's configuration anew.
    pub async fn reload(&self, merchant_id: MerchantId) -> Result<Arc<Configuration>, HubError> {
        let connections = &self.charging.connections;
        let capabilities = |kind: &str| connections.provider(kind).map(|provider| provider.capabilities);
        let fresh = self.store().find_configuration(merchant_id, &capabilities).await?;
        let fresh = Arc::new(fresh.ok_or(HubError::NoMerchant)?);
        let mut known = self.configurations.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(merchant_id, Arc::clone(&fresh));
        Ok(fresh)
    }
}
