//! Changing the configuration: as one snapshot, checked as a whole, saved with who and why.

use std::collections::BTreeMap;

use domain::configuration::{Account, Campaign, CascadeProfile, Configuration, Gateway, GatewayProfile};
use domain::decline_map::DeclineMap;
use domain::ids::{
    CampaignId, CascadeProfileId, DeclineMapId, GatewayId, GatewayProfileId, MerchantId, RecycleProfileId,
};
use domain::placement::{Problem, check};
use domain::recycle::RecycleProfile;
use gateways::Settings;
use secrecy::SecretString;
use storage::{Step, StoreError, Transaction, configuration as rows, merchants};
use thiserror::Error;

use crate::{Hub, HubError};

mod checks;
mod in_use;

use checks::{check_account, check_title};
use in_use::{Work, in_use};

/// One change of a configuration.
#[derive(Debug, Clone)]
pub enum Change {
    /// The account's settings.
    Account(Account),
    /// A gateway; `secrets` replaces the credentials it names and keeps the others.
    Gateway(Box<Gateway>, BTreeMap<String, SecretString>),
    /// A gateway profile.
    GatewayProfile(GatewayProfile),
    /// A cascade profile.
    CascadeProfile(CascadeProfile),
    /// A recycle profile.
    RecycleProfile(RecycleProfile),
    /// A decline map, with its number.
    DeclineMap(DeclineMap, i64),
    /// A campaign with its products.
    Campaign(Campaign),
    /// Removes a gateway; refused while something names it, an attempt is open there or subscriptions rest on it (R49).
    DeleteGateway(GatewayId),
    /// Removes a gateway profile.
    DeleteGatewayProfile(GatewayProfileId),
    /// Removes a cascade profile.
    DeleteCascadeProfile(CascadeProfileId),
    /// Removes a recycle profile; subscriptions on its gateways are then not tried again.
    DeleteRecycleProfile(RecycleProfileId),
    /// Removes a decline map.
    DeleteDeclineMap(DeclineMapId),
    /// Removes a campaign; refused while subscriptions that were sold in it run.
    DeleteCampaign(CampaignId),
}

/// Why a change was not made; nothing was saved.
#[derive(Debug, Error)]
pub enum ConfigureError {
    /// Rules are broken; each problem names its place.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// Somebody else changed the configuration meanwhile.
    #[error("the configuration was changed by somebody else; load it again and repeat the change")]
    ChangedMeanwhile,
    /// The hub could not.
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl From<StoreError> for ConfigureError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict_in(merchants::CHANGED_BY_ANOTHER) {
            Self::ChangedMeanwhile
        } else {
            Self::Hub(HubError::Store(error))
        }
    }
}

/// What was saved, and what its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The new version.
    pub version: i64,
    /// Saved, but without effect as written (M27).
    pub warnings: Vec<Problem>,
}

struct Applied {
    configuration: Configuration,
    steps: Vec<Step>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Hub {
    /// Makes a new tenant with an empty configuration.
    pub async fn create_merchant(&self, id: MerchantId, title: &str) -> Result<(), HubError> {
        let now = self.minter().now();
        let account = Account { title: title.to_owned(), ..Account::default() };
        let transaction = Transaction::new("create_merchant")
            .with(merchants::insert(id, title, now))
            .with(rows::save_account(id, &account, now));
        self.store().commit(transaction).await?;
        Ok(())
    }

    /// Makes changes to a configuration, all or none.
    pub async fn configure(
        &self,
        merchant_id: MerchantId,
        changes: Vec<Change>,
        actor: &str,
        note: &str,
    ) -> Result<Outcome, ConfigureError> {
        let current = self.reload(merchant_id).await?;
        let applied = self.apply(&current, changes).await?;
        if !applied.problems.is_empty() {
            return Err(ConfigureError::Invalid(applied.problems));
        }
        let title = &applied.configuration.account.title;
        let what = format!("changed the configuration (version {})", current.version.saturating_add(1));
        let transaction = Transaction::new("configure")
            .with(merchants::raise_version(merchant_id, current.version, title))
            .with_all(applied.steps)
            .with(self.audited(merchant_id, actor, &what, note));
        self.store().commit(transaction).await?;
        let fresh = self.reload(merchant_id).await?;
        Ok(Outcome { version: fresh.version, warnings: applied.warnings })
    }

    /// Everything wrong with changes, without saving them; and what would be saved without effect.
    pub async fn check_changes(
        &self,
        merchant_id: MerchantId,
        changes: Vec<Change>,
    ) -> Result<(Vec<Problem>, Vec<Problem>), HubError> {
        let current = self.reload(merchant_id).await?;
        let applied = self.apply(&current, changes).await?;
        Ok((applied.problems, applied.warnings))
    }

    async fn apply(&self, current: &Configuration, changes: Vec<Change>) -> Result<Applied, HubError> {
        let mut applied = Applied {
            configuration: current.clone(),
            steps: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        for change in changes {
            self.apply_one(&mut applied, change).await?;
        }
        let problems = check(&applied.configuration);
        applied.problems.extend(problems);
        Ok(applied)
    }

    #[expect(clippy::too_many_lines, reason = "an arm per kind of change")]
    async fn apply_one(&self, applied: &mut Applied, change: Change) -> Result<(), HubError> {
        let merchant_id = applied.configuration.merchant_id;
        let now = self.minter().now();
        let Applied { configuration: known, steps, problems, warnings } = applied;
        match change {
            Change::Account(account) => {
                problems.extend(check_account(&account));
                steps.push(rows::save_account(merchant_id, &account, now));
                known.account = account;
            }
            Change::Gateway(gateway, secrets) => return self.apply_gateway(applied, *gateway, secrets).await,
            Change::GatewayProfile(profile) => {
                check_title(&profile.title, &format!("gateway_profiles[{}]", profile.number), problems);
                steps.push(rows::save_gateway_profile(merchant_id, &profile, now));
                put(&mut known.gateway_profiles, profile, |one| one.id);
            }
            Change::CascadeProfile(profile) => {
                check_title(&profile.title, &format!("cascade_profiles[{}]", profile.number), problems);
                steps.push(rows::save_cascade_profile(merchant_id, &profile, now));
                put(&mut known.cascade_profiles, profile, |one| one.id);
            }
            Change::RecycleProfile(profile) => {
                check_title(&profile.title, &format!("recycle_profiles[{}]", profile.number), problems);
                steps.push(rows::save_recycle_profile(merchant_id, &profile, now));
                put(&mut known.recycle_profiles, profile, |one| one.id);
            }
            Change::DeclineMap(map, number) => {
                let path = format!("decline_maps[{number}]");
                if let Err(wrong) = map.check() {
                    problems.extend(wrong.into_iter().map(|one| Problem::new(&path, one.to_string())));
                }
                if let Some(warning) = map.warning() {
                    warnings.push(Problem::new(&path, warning.to_string()));
                }
                steps.push(rows::save_decline_map(merchant_id, &map, number, now));
                put(&mut known.decline_maps, map, |one| one.id);
            }
            Change::Campaign(campaign) => {
                check_title(&campaign.title, &format!("campaigns[{}]", campaign.number), problems);
                steps.push(rows::save_campaign(merchant_id, &campaign, now));
                put(&mut known.campaigns, campaign, |one| one.id);
            }
            Change::DeleteGateway(id) => {
                problems.extend(in_use(known, id, &self.work_at(merchant_id, id).await?));
                known.gateways.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "gateway", id.uuid()));
            }
            Change::DeleteGatewayProfile(id) => {
                known.gateway_profiles.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "gateway_profile", id.uuid()));
            }
            Change::DeleteCascadeProfile(id) => {
                known.cascade_profiles.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "cascade_profile", id.uuid()));
            }
            Change::DeleteRecycleProfile(id) => {
                known.recycle_profiles.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "recycle_profile", id.uuid()));
            }
            Change::DeleteDeclineMap(id) => {
                known.decline_maps.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "decline_map", id.uuid()));
            }
            Change::DeleteCampaign(id) => {
                problems.extend(self.sold_in(merchant_id, known, id).await?);
                known.campaigns.retain(|one| one.id != id);
                steps.push(rows::delete(merchant_id, "campaign", id.uuid()));
            }
        }
        Ok(())
    }

    /// Running subscriptions that were sold in a campaign: its switches hold for their bills too, such as that for recycle
    /// billing.
    async fn sold_in(
        &self,
        merchant_id: MerchantId,
        known: &Configuration,
        id: CampaignId,
    ) -> Result<Option<Problem>, HubError> {
        let running = self.store().count_subscriptions_in_campaign(merchant_id, id).await?;
        let number = known.campaigns.iter().find(|one| one.id == id).map_or(0, |campaign| campaign.number);
        let words = format!("{running} running subscriptions were sold in it; cancel them first");
        Ok((running > 0).then(|| Problem::new(format!("campaigns[{number}]"), words)))
    }

    async fn work_at(&self, merchant_id: MerchantId, id: GatewayId) -> Result<Work, HubError> {
        Ok(Work {
            has_open_attempt: self.store().find_open_attempt_at(merchant_id, id).await?.is_some(),
            subscription_count: self.store().count_subscriptions_on_gateway(merchant_id, id).await?,
        })
    }

    /// Checks a gateway's settings under its provider's form (R10, R13, R14) and seals its credentials (R22).
    async fn apply_gateway(
        &self,
        applied: &mut Applied,
        mut gateway: Gateway,
        secrets: BTreeMap<String, SecretString>,
    ) -> Result<(), HubError> {
        let merchant_id = applied.configuration.merchant_id;
        let path = format!("gateways[{}]", gateway.number);
        check_title(&gateway.title, &path, &mut applied.problems);
        let Some(provider) = self.charging.connections.provider(&gateway.kind) else {
            let kinds: Vec<&str> = self.charging.connections.providers().iter().map(|one| one.kind).collect();
            let words = format!("there is no provider {:?}; there are {}", gateway.kind, kinds.join(", "));
            applied.problems.push(Problem::new(format!("{path}.kind"), words));
            return Ok(());
        };
        gateway.capabilities = provider.capabilities;
        let kept = applied.configuration.gateway(gateway.id).cloned();
        if kept.as_ref().is_some_and(|kept| kept.kind != gateway.kind) {
            applied
                .problems
                .push(Problem::new(format!("{path}.kind"), "the kind of a gateway cannot be changed"));
        }
        let secret = match self.store().find_sealed_credentials(merchant_id, gateway.id).await? {
            Some(sealed) => {
                self.vault().open_secrets(merchant_id, gateway.id.uuid(), &sealed).unwrap_or_default()
            }
            None => BTreeMap::new(),
        };
        let before = kept.map(|kept| kept.settings).unwrap_or_default();
        let mut settings = Settings { plain: std::mem::take(&mut gateway.settings), secret };
        settings.renew(&provider, &before, secrets, self.minter().now());
        gateway.settings.clone_from(&settings.plain);
        let problems = settings.check(&provider);
        if problems.is_empty()
            && let Err(error) = self.charging.connections.check(&gateway.kind, &settings)
        {
            applied.problems.push(Problem::new(format!("{path}.settings"), error.to_string()));
        }
        let at =
            |problem: Problem| Problem::new(format!("{path}.settings.{}", problem.field), problem.message);
        applied.problems.extend(problems.into_iter().map(at));
        let entropy = self.minter().entropy();
        let sealed =
            self.vault().seal_secrets(entropy.as_ref(), merchant_id, gateway.id.uuid(), &settings.secret);
        let now = self.minter().now();
        applied.steps.push(rows::save_gateway(merchant_id, &gateway, Some(sealed), now));
        put(&mut applied.configuration.gateways, gateway, |one| one.id);
        Ok(())
    }
}

fn put<T, I: PartialEq>(list: &mut Vec<T>, item: T, id: impl Fn(&T) -> I) {
    let wanted = id(&item);
    match list.iter_mut().find(|one| id(one) == wanted) {
        Some(place) => *place = item,
        None => list.push(item),
    }
}
