//! Live gateways, made from configuration and kept while it does not change.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::configuration::{Gateway as Configured, Provider};
use domain::ids::{GatewayId, MerchantId};
use gateways::{Connect, Gateway, Settings, SettingsError};
use storage::{Store, StoreError};
use thiserror::Error;
use vault::{Vault, VaultError};

/// Why a configured gateway cannot be used.
#[derive(Debug, Error)]
pub enum NoGateway {
    /// Its settings make no gateway.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its credentials cannot be opened.
    #[error("the credentials of this gateway cannot be opened")]
    Vault(#[from] VaultError),
    /// Its credentials cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This database was made under a movable clock and never meets a real gateway (M31).
    #[error(
        "this database was made under a movable clock; it never calls a gateway that is not on this machine"
    )]
    MovableClock,
}

/// A live gateway, and the version of the configuration that it was made from.
type Live = (i64, Arc<dyn Gateway>);

/// Live gateways. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections {
    connect: Arc<dyn Connect>,
    store: Store,
    vault: Arc<Vault>,
    movable_clock: bool,
    live: Arc<RwLock<HashMap<(MerchantId, GatewayId), Live>>>,
    call_secs_max: Arc<AtomicI64>,
}

impl Connections {
    /// Gateways made by `connect`; with `movable_clock` only those on this machine.
    pub fn new(connect: Arc<dyn Connect>, store: Store, vault: Arc<Vault>, movable_clock: bool) -> Self {
        Self { connect, store, vault, movable_clock, live: Arc::default(), call_secs_max: Arc::default() }
    }

    /// The catalogue.
    pub fn providers(&self) -> Vec<Provider> {
        self.connect.providers()
    }

    /// The provider of a kind.
    pub fn provider(&self, kind: &str) -> Option<Provider> {
        self.connect.provider(kind)
    }

    /// Tries settings without keeping anything.
    pub fn check(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, NoGateway> {
        self.allowed(self.connect.connect(kind, settings)?)
    }

    /// The live gateway of a configured one, as of this version of the configuration.
    pub async fn gateway(
        &self,
        merchant_id: MerchantId,
        version: i64,
        configured: &Configured,
    ) -> Result<Arc<dyn Gateway>, NoGateway> {
        let key = (merchant_id, configured.id);
        let known = self.live.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((_, live)) = known.filter(|(made_from, _)| *made_from == version) {
            return Ok(live);
        }
        let sealed = self.store.find_sealed_credentials(merchant_id, configured.id).await?;
        let secret = match sealed {
            Some(sealed) => self.vault.open_secrets(merchant_id, configured.id.uuid(), &sealed)?,
            None => std::collections::BTreeMap::new(),
        };
        let settings = Settings { plain: configured.settings.clone(), secret };
        let made = self.check(&configured.kind, &settings)?;
        self.call_secs_max.fetch_max(made.time_limit_secs(), Ordering::Relaxed);
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let newer = live.get(&key).is_some_and(|(made_from, _)| *made_from > version);
        if !newer {
            live.insert(key, (version, Arc::clone(&made)));
        }
        Ok(made)
    }

    /// The longest time that one call to any gateway of this process may take, seconds; 0 while there is none.
    pub fn call_secs_max(&self) -> i64 {
        self.call_secs_max.load(Ordering::Relaxed)
    }

    fn allowed(&self, gateway: Arc<dyn Gateway>) -> Result<Arc<dyn Gateway>, NoGateway> {
        if self.movable_clock && !gateway.is_local() { Err(NoGateway::MovableClock) } else { Ok(gateway) }
    }
}
