//! Everything that plays: the databases, the hub as two processes, the platform, the acquirers, one clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use charging::{Charging, Connections};
use domain::clock::SeededEntropy;
use domain::ids::MerchantId;
use domain::{Clock, ManualClock, Minter};
use gateways::{Connect, Transport};
use hub::Hub;
use jiff::{SignedDuration, Timestamp};
use platform::{Platform, Route, Settings};
use providers::Catalogue;
use sandbox::{Account, DuplicateMode, DuplicateRule, Sandbox};
use secrecy::SecretString;
use storage::{Backend, Location, Store, Transaction, users};
use tokio::runtime::Handle;
use vault::{KeyRing, Vault};

use crate::backend::StoppedBackend;
use crate::databases::Databases;
use crate::dice::Dice;
use crate::drive::nap;
use crate::network::{Network, StoppedTransport};
use crate::pause::StoppedPause;
use crate::planted::Planted;
use crate::process::Process;
use crate::scheduler::Scheduler;
use crate::shop::{self, ACCOUNTS, Duplicates, SALVAGE};
use crate::touched::Touched;

/// When every seed begins.
const START: &str = "2026-03-01T12:00:00Z";
/// Hosts of the hub's processes, the acquirers and the platform.
pub(crate) const HUB_HOSTS: [&str; 2] = ["127.0.0.1:8090", "127.0.0.1:8093"];
const HUB_NAMES: [&str; 2] = ["hub A", "hub B"];
const SANDBOX_HOST: &str = "127.0.0.1:8092";
const PLATFORM_HOST: &str = "127.0.0.1:8091";
/// The roles that have a database.
pub(crate) const ROLES: [&str; 2] = ["hub", "platform"];
/// Moments in which a database that was put away is let go.
const NAPS_MAX: u32 = 5_000;
/// The password of every shop's user.
pub(crate) const PASSWORD: &str = "simulated-tea-1";

/// A hub process of today.
#[derive(Debug)]
pub(crate) struct HubLife {
    pub(crate) process: Arc<Process>,
    pub(crate) hub: Hub,
}

/// The platform process of today.
#[derive(Debug)]
pub(crate) struct PlatformLife {
    pub(crate) process: Arc<Process>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) charging: Charging,
}

/// A role's database, and what belongs to it in every process.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) store: Store,
    pub(crate) touched: Arc<Touched>,
    vault: Arc<Vault>,
}

/// Everything that plays.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) network: Arc<Network>,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) hub_role: Role,
    pub(crate) platform_role: Role,
    pub(crate) hubs: Vec<HubLife>,
    pub(crate) platform: PlatformLife,
    pub(crate) merchants: Vec<MerchantId>,
    /// Tasks that never end: the databases' writers.
    pub(crate) resting_tasks: usize,
    /// Where the databases lie.
    pub(crate) folder: PathBuf,
    plant: Planted,
    entropy: SeededEntropy,
}

/// A user of the CRM-compatible API of a shop.
pub(crate) fn login(shop: usize) -> String {
    format!("shop{shop}")
}

impl Role {
    async fn open(location: &Location, clock: &ManualClock, seed: u64) -> Result<Self> {
        let store = Store::open(location).await?;
        let ring = KeyRing::generate(clock, &SeededEntropy::new(seed));
        Ok(Self { store, touched: Arc::default(), vault: Arc::new(Vault::new(ring)) })
    }
}

impl World {
    /// A world in this folder.
    pub(crate) async fn new(
        seed: u64,
        folder: &Path,
        databases: &Databases,
        scheduler: Arc<Scheduler>,
        plant: Planted,
    ) -> Result<Self> {
        let clock = Arc::new(ManualClock::new(START.parse()?));
        let dice = Dice::new(seed ^ 0x0C0F);
        let [hub, platform] = ROLES;
        let hub_role = Role::open(&databases.fresh(folder, hub).await?, &clock, seed).await?;
        let platform_role = Role::open(&databases.fresh(folder, platform).await?, &clock, !seed).await?;
        let any: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let duplicates = Duplicates { by_order: !dice.one_in(3), overridable: dice.one_in(2) };
        let sandbox = Arc::new(acquirers(any, duplicates)?);
        let network = Arc::new(Network::default());
        network.serve(
            SANDBOX_HOST,
            sandbox::router(Arc::clone(&sandbox)),
            Arc::new(Process::new("acquirers")),
        );
        let entropy = SeededEntropy::new(seed ^ 0xE117);
        let parts =
            Parts { clock: &clock, scheduler: &scheduler, network: &network, plant, entropy: &entropy };
        let hubs =
            HUB_NAMES.iter().zip(HUB_HOSTS).map(|(name, host)| parts.hub(&hub_role, name, host)).collect();
        let platform = parts.platform(&platform_role);
        let mut world = Self {
            clock,
            scheduler,
            network,
            sandbox,
            hub_role,
            platform_role,
            hubs,
            platform,
            merchants: Vec::new(),
            resting_tasks: Handle::current().metrics().num_alive_tasks(),
            folder: folder.to_owned(),
            plant,
            entropy,
        };
        for at in 0..=dice.place(3) {
            world
                .open_shop(&dice, at, duplicates)
                .await
                .with_context(|| format!("shop {at} was not opened"))?;
        }
        Ok(world)
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            clock: &self.clock,
            scheduler: &self.scheduler,
            network: &self.network,
            plant: self.plant,
            entropy: &self.entropy,
        }
    }

    /// Starts what has crashed again, over the same database.
    pub(crate) fn restart_dead(&mut self) {
        for (at, host) in HUB_HOSTS.iter().enumerate() {
            let Some(life) = self.hubs.get(at) else { continue };
            if life.process.is_dead() {
                let fresh = self.parts().hub(&self.hub_role, life.process.name, host);
                if let Some(life) = self.hubs.get_mut(at) {
                    *life = fresh;
                }
            }
        }
        if self.platform.process.is_dead() {
            self.platform = self.parts().platform(&self.platform_role);
        }
    }

    /// Ends the hub's processes, puts this file in the place of their database and begins others over it.
    pub(crate) async fn replace_hub_database(&mut self, path: &Path) -> Result<()> {
        for life in &self.hubs {
            life.process.crash();
        }
        let fresh = Store::open(&Location::Sqlite(path.to_owned())).await?;
        let old = std::mem::replace(&mut self.hub_role.store, fresh);
        self.restart_dead();
        old.close().await;
        drop(old);
        // Its writer ends when nobody can write any more.
        for _ in 0..NAPS_MAX {
            if Handle::current().metrics().num_alive_tasks() <= self.resting_tasks {
                return Ok(());
            }
            nap().await;
        }
        bail!("somebody still holds the database that was put away")
    }

    /// The living hub process of this number, or the other one.
    pub(crate) fn hub(&self, at: usize) -> &HubLife {
        let last = self.hubs.len().saturating_sub(1);
        self.hubs.get(at.min(last)).unwrap_or_else(|| unreachable!("there are hubs"))
    }

    /// A moment from now.
    pub(crate) fn clock_in(&self, by: SignedDuration) -> Timestamp {
        self.clock.now().saturating_add(by).unwrap_or(Timestamp::MAX)
    }

    async fn open_shop(&mut self, dice: &Dice, at: usize, duplicates: Duplicates) -> Result<()> {
        let serial = u32::try_from(at)?.saturating_add(1);
        let hub = self.hub(0).hub.clone();
        let text = shop::configuration(dice, serial, duplicates);
        let document = match api::apply::parse(&text) {
            Ok(document) => document,
            Err(problems) => bail!("the configuration has problems: {problems:?}\n{text}"),
        };
        let merchant: MerchantId = hub.minter().mint();
        hub.create_merchant(merchant, "Shop").await?;
        api::apply::apply(&hub, merchant, &document, "simulation", "")
            .await
            .map_err(|error| anyhow::anyhow!("{error}\n{text}"))?;
        self.save_user(&hub, merchant, at).await?;
        let salvage =
            hub.reload(merchant).await?.gateways.iter().find(|one| one.number == SALVAGE).map(|one| one.id);
        let salvage = salvage.context("the shop has a salvage gateway")?;
        let mid = self.platform.platform.create_account("Shop", &shop::credentials(serial)).await?;
        let host = HUB_HOSTS.get(at % HUB_HOSTS.len()).context("there are hosts")?;
        let url = format!("http://{host}/webhooks/{salvage}");
        self.platform.platform.set_webhook_url(mid, Some(&url)).await?;
        for (number, account) in (1..).zip(ACCOUNTS.iter().rev().take(1 + dice.place(2))) {
            let mut settings = gateways::Settings::default();
            settings.plain.insert("base_url".to_owned(), format!("http://{SANDBOX_HOST}"));
            settings.plain.insert("duplicate_checks_order_id".to_owned(), duplicates.by_order.to_string());
            settings.plain.insert("dup_seconds_allowed".to_owned(), duplicates.overridable.to_string());
            settings
                .secret
                .insert("security_key".to_owned(), SecretString::from(shop::security_key(account)));
            let route = Route {
                number,
                title: (*account).to_owned(),
                kind: "nmi".to_owned(),
                enabled: true,
                settings,
            };
            self.platform.platform.save_route(mid, &route).await?;
        }
        self.merchants.push(merchant);
        Ok(())
    }

    /// A user whose password is hashed with the least work: passwords are not what is played here.
    async fn save_user(&self, hub: &Hub, merchant_id: MerchantId, at: usize) -> Result<()> {
        let params = Params::new(8, 1, 1, None).map_err(|error| anyhow::anyhow!("{error}"))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(PASSWORD.as_bytes(), b"simulated salt  ")
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let user = users::ApiUser {
            id: hub.minter().mint(),
            merchant_id,
            login: login(at),
            password_hash: hash.to_string(),
            ip_allow: "[]".to_owned(),
        };
        let step = users::upsert(&user, self.clock.now());
        hub.store().commit(Transaction::new("save_api_user").with(step)).await?;
        Ok(())
    }

    /// Takes the servers down and closes the databases.
    pub(crate) async fn close(&self) {
        self.network.clear();
        self.hub_role.store.close().await;
        self.platform_role.store.close().await;
    }
}

fn acquirers(clock: Arc<dyn Clock>, duplicates: Duplicates) -> Result<Sandbox> {
    let mode = if duplicates.by_order { DuplicateMode::CardAmountOrder } else { DuplicateMode::CardAmount };
    let rule = DuplicateRule { mode, override_allowed: duplicates.overridable, ..DuplicateRule::default() };
    let account = |name: &&str| Account::new(name, &shop::security_key(name), name, "password");
    let accounts = ACCOUNTS.iter().map(account).collect();
    Ok(Sandbox::new(sandbox::Settings { accounts, duplicates: rule, ..sandbox::Settings::default() }, clock)?)
}

/// What every process is made of.
struct Parts<'a> {
    clock: &'a Arc<ManualClock>,
    scheduler: &'a Arc<Scheduler>,
    network: &'a Arc<Network>,
    plant: Planted,
    entropy: &'a SeededEntropy,
}

impl Parts<'_> {
    fn transport(&self, process: &Arc<Process>) -> Arc<dyn Transport> {
        let stopped = Arc::new(StoppedTransport {
            network: Arc::clone(self.network),
            process: Arc::clone(process),
            scheduler: Arc::clone(self.scheduler),
        });
        self.plant.transport(stopped, process.name)
    }

    fn charging(&self, role: &Role, process: &Arc<Process>) -> Charging {
        let stopped: Arc<dyn Backend> = Arc::new(StoppedBackend {
            inner: Arc::clone(role.store.backend()),
            process: Arc::clone(process),
            scheduler: Arc::clone(self.scheduler),
            touched: Arc::clone(&role.touched),
        });
        let store = Store::over(self.plant.backend(stopped, process.name));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(self.clock);
        let minter = Minter::new(Arc::clone(&clock), Arc::new(SeededEntropy::new(self.entropy.next_u64())));
        let catalogue: Arc<dyn Connect> =
            Arc::new(Catalogue::new(self.transport(process), clock, minter.clone()));
        let vault = Arc::clone(&role.vault);
        let connections = Connections::new(
            self.plant.connect(catalogue, process.name, self.scheduler),
            store.clone(),
            Arc::clone(&vault),
            true,
        );
        let mut charging = Charging::new(store, vault, connections, minter);
        charging.pause =
            Arc::new(StoppedPause { process: Arc::clone(process), scheduler: Arc::clone(self.scheduler) });
        charging
    }

    fn hub(&self, role: &Role, name: &'static str, host: &'static str) -> HubLife {
        let process = Arc::new(Process::new(name));
        let hub = Hub::new(self.charging(role, &process));
        let calls = api::crm::router(hub.clone(), api::crm::Settings::default());
        let webhooks = api::webhooks::router(hub.clone(), api::webhooks::Settings::default());
        let whole = web::layers(web::fallbacks(calls.merge(webhooks)), web::Limits::default());
        self.network.serve(host, api::crm::envelope(whole), Arc::clone(&process));
        HubLife { process, hub }
    }

    fn platform(&self, role: &Role) -> PlatformLife {
        let process = Arc::new(Process::new("platform"));
        let charging = self.charging(role, &process);
        let settings = Settings {
            sandbox_amount_limits: false,
            token_calls_per_minute_max: 100_000,
            ..Settings::sandbox()
        };
        let (vault, minter) = (Arc::clone(&charging.vault), charging.minter.clone());
        let platform = Platform::new(charging.clone(), vault, minter, settings)
            .with_webhook_transport(self.transport(&process));
        let platform = Arc::new(platform);
        self.network.serve(PLATFORM_HOST, platform::router(Arc::clone(&platform)), Arc::clone(&process));
        PlatformLife { process, platform, charging }
    }
}
