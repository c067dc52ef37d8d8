//! The service's parts in one place.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use charging::{Charging, Consequences};
use domain::configuration::Configuration;
use domain::ids::MerchantId;
use domain::{Clock, Minter};
use gateways::Transport;
use gateways::http::{HttpTransport, TimeLimits};
use jiff::Timestamp;
use storage::{Store, StoreError};
use vault::Vault;
use web::Tracker;

use crate::pretend::PretendAcquirer;
use crate::security_codes::SecurityCodes;
use crate::settings::Settings;
use crate::token_limit::TokenLimit;

/// Time limits of a webhook: receivers answer at once or are tried later.
const WEBHOOK_LIMITS: TimeLimits = TimeLimits { connect_secs: 5, total_secs: 15 };

/// A FlexFactor-compatible recovery service over the attempt protocol.
#[derive(Debug)]
pub struct Platform {
    pub(crate) charging: Charging,
    pub(crate) vault: Arc<Vault>,
    pub(crate) minter: Minter,
    pub(crate) settings: Settings,
    pub(crate) security_codes: SecurityCodes,
    pub(crate) pretend: Arc<PretendAcquirer>,
    pub(crate) tracker: Tracker,
    pub(crate) webhook_transport: Option<Arc<dyn Transport>>,
    pub(crate) token_limit: TokenLimit,
    configurations: RwLock<HashMap<MerchantId, Arc<Configuration>>>,
}

impl Platform {
    /// A service over these parts.
    pub fn new(charging: Charging, vault: Arc<Vault>, minter: Minter, settings: Settings) -> Self {
        Self {
            charging,
            vault,
            minter,
            settings,
            security_codes: SecurityCodes::default(),
            pretend: Arc::new(PretendAcquirer),
            tracker: Tracker::new(),
            webhook_transport: webhook_transport(),
            token_limit: TokenLimit::default(),
            configurations: RwLock::default(),
        }
    }

    /// The same service with another way to send its webhooks: the simulation has its own.
    #[must_use]
    pub fn with_webhook_transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { webhook_transport: Some(transport), ..self }
    }

    /// What follows from the outcomes of this service's attempts: for a [`charging::Driver`].
    pub fn consequences(self: &Arc<Self>) -> Arc<dyn Consequences> {
        Arc::<Self>::clone(self)
    }

    /// The clock of the process.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.minter.clock()
    }

    /// Rescues run on this tracker, whether or not their caller waits: the process ends after them.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub(crate) fn store(&self) -> &Store {
        &self.charging.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.minter.now()
    }

    /// An account's routes and their version; loaded again when the version has changed.
    pub(crate) async fn configuration(
        &self,
        merchant_id: MerchantId,
    ) -> Result<Option<Arc<Configuration>>, StoreError> {
        let Some(version) = self.store().find_config_version(merchant_id).await? else { return Ok(None) };
        if let Some(known) = self.known_configuration(merchant_id, version) {
            return Ok(Some(known));
        }
        let providers = self.charging.connections.clone();
        let capabilities = move |kind: &str| providers.provider(kind).map(|one| one.capabilities);
        let Some(loaded) = self.store().find_configuration(merchant_id, &capabilities).await? else {
            return Ok(None);
        };
        let loaded = Arc::new(loaded);
        let mut kept = self.configurations.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(merchant_id, Arc::clone(&loaded));
        Ok(Some(loaded))
    }

    fn known_configuration(&self, merchant_id: MerchantId, version: i64) -> Option<Arc<Configuration>> {
        let known = self.configurations.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&merchant_id).filter(|known| known.version == version).map(Arc::clone)
    }
}

/// Pooled HTTPS of its own, so that slow receivers and acquirers do not share limits.
fn webhook_transport() -> Option<Arc<dyn Transport>> {
    match HttpTransport::new(WEBHOOK_LIMITS) {
        Ok(transport) => Some(Arc::new(transport)),
        Err(error) => {
            tracing::error!(error = %error, "No webhook can be sent: the HTTP client cannot be set up");
            None
        }
    }
}
