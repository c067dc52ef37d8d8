//! What a file would do, resource by resource.

use std::collections::BTreeMap;

use domain::configuration::Configuration;
use domain::ids::{GatewayId, Id};
use domain::placement::Problem as Wrong;
use hub::{Change, Hub, HubError};
use secrecy::{ExposeSecret as _, SecretString};

use super::diff::differences;
use super::document::Document;
use super::plan::{Action, Plan, PlanLine};
use crate::v1::{
    Account, Campaign, CascadeProfile, DeclineMap, Directory, Gateway, GatewayProfile, Names, RecycleProfile,
    Resource, Saved, Setting, Style,
};

/// Compares a file with what is configured.
pub(super) struct Planning<'a> {
    hub: &'a Hub,
    configuration: &'a Configuration,
    directory: Directory,
    names: Names,
    pub(super) plan: Plan,
    removals: Plan,
    pub(super) problems: Vec<Wrong>,
}

impl<'a> Planning<'a> {
    pub(super) fn new(hub: &'a Hub, configuration: &'a Configuration, document: &Document) -> Self {
        let directory = Directory {
            gateways: ids(hub, configuration, &document.gateways),
            gateway_profiles: ids(hub, configuration, &document.gateway_profiles),
            cascade_profiles: ids(hub, configuration, &document.cascade_profiles),
            providers: hub.charging().connections.providers(),
        };
        let names = Names::new(directory.clone(), Style::Numbers);
        let (plan, removals) = (Plan::default(), Plan::default());
        Self { hub, configuration, directory, names, plan, removals, problems: Vec::new() }
    }

    /// The file with environment variables read.
    pub(super) fn with_environment(&mut self, document: &Document) -> Document {
        let mut document = document.clone();
        for gateway in &mut document.gateways {
            let number = gateway.number.unwrap_or(0);
            for (name, setting) in &mut gateway.settings {
                let Setting::Environment(variable) = setting else { continue };
                if let Ok(value) = std::env::var(&variable.env) {
                    *setting = Setting::Text(value);
                } else {
                    let place = format!("gateways[{number}].settings.{name}");
                    let words = format!("the environment variable {} is not set", variable.env);
                    self.problems.push(Wrong::new(place, words));
                    *setting = Setting::Text(String::new());
                }
            }
        }
        document
    }

    /// Plans every resource of the file, and the removal of those that it does not name.
    pub(super) async fn all(&mut self, document: &Document) -> Result<(), HubError> {
        if let Some(account) = &document.account {
            self.account(account);
        }
        self.resources::<CascadeProfile>(&document.cascade_profiles);
        self.gateways(&document.gateways).await?;
        self.resources::<GatewayProfile>(&document.gateway_profiles);
        self.resources::<RecycleProfile>(&document.recycle_profiles);
        self.resources::<DeclineMap>(&document.decline_maps);
        self.resources::<Campaign>(&document.campaigns);
        // What refers comes before what is referred to.
        self.remove::<Campaign>(&document.campaigns);
        self.remove::<DeclineMap>(&document.decline_maps);
        self.remove::<GatewayProfile>(&document.gateway_profiles);
        self.remove::<RecycleProfile>(&document.recycle_profiles);
        self.remove::<Gateway>(&document.gateways);
        self.remove::<CascadeProfile>(&document.cascade_profiles);
        self.plan.lines.append(&mut self.removals.lines);
        self.plan.changes.append(&mut self.removals.changes);
        Ok(())
    }

    fn account(&mut self, account: &Account) {
        let mut problems = Vec::new();
        let wanted = account.read(&mut problems);
        let place = |wrong: Wrong| Wrong { field: format!("account.{}", wrong.field), ..wrong };
        self.problems.extend(problems.into_iter().map(place));
        let known = serde_json::to_value(Account::show(&self.configuration.account)).unwrap_or_default();
        let details = differences(&known, &serde_json::to_value(account).unwrap_or_default());
        self.update("account".to_owned(), details, Change::Account(wanted));
    }

    fn update(&mut self, name: String, details: Vec<String>, change: Change) {
        let action = if details.is_empty() { Action::Unchanged } else { Action::Update };
        if action == Action::Update {
            self.plan.changes.push(change);
        }
        self.plan.lines.push(PlanLine { action, name, details });
    }

    fn resources<R: Resource>(&mut self, list: &[R]) {
        for (at, one) in list.iter().enumerate() {
            let (name, known, change) = self.change(at, one);
            self.add::<R>(name, known, change, Vec::new());
        }
    }

    /// Gateways also differ when a credential does.
    async fn gateways(&mut self, list: &[Gateway]) -> Result<(), HubError> {
        for (at, one) in list.iter().enumerate() {
            let (name, known, change) = self.change(at, one);
            let mut credentials = Vec::new();
            if let (Some(known), Change::Gateway(_, given)) = (&known, &change) {
                credentials = self.changed_credentials(known.id, given).await?;
            }
            self.add::<Gateway>(name, known, change, credentials);
        }
        Ok(())
    }

    /// Its name, what is known under it, and the change that saves it.
    fn change<R: Resource>(&mut self, at: usize, one: &R) -> (String, Option<R::Domain>, Change) {
        let number = one.own_number().unwrap_or(0);
        let place = one
            .own_number()
            .map_or_else(|| format!("{}[{at}]", R::PLURAL), |number| format!("{}[{number}]", R::PLURAL));
        let known = self.known(one);
        let id = known.as_ref().map_or_else(|| self.fresh_id::<R>(number), R::id_of);
        let saved = Saved { id, number, known: known.as_ref(), directory: &self.directory, hub: self.hub };
        let mut problems = Vec::new();
        let change = one.change(&saved, &mut problems);
        let whole = |wrong: Wrong| Wrong { field: format!("{place}.{}", wrong.field), ..wrong };
        self.problems.extend(problems.into_iter().map(whole));
        (place, known, change)
    }

    /// The id that references to it were promised.
    fn fresh_id<R: Resource>(&self, number: i64) -> R::Id {
        let promised = match R::PLURAL {
            "gateways" => find(&self.directory.gateways, number),
            "gateway_profiles" => find(&self.directory.gateway_profiles, number),
            "cascade_profiles" => find(&self.directory.cascade_profiles, number),
            _ => None,
        };
        promised.map_or_else(|| self.hub.minter().mint(), R::Id::from_uuid)
    }

    /// What the file's entry is now: by number, and decline maps by what they match.
    fn known<R: Resource>(&self, one: &R) -> Option<R::Domain> {
        let all = R::all(self.configuration);
        if let Some(number) = one.own_number() {
            return all.iter().find(|known| R::number_of(known) == Some(number)).cloned();
        }
        let saved = Saved {
            id: self.hub.minter().mint(),
            number: 0,
            known: None,
            directory: &self.directory,
            hub: self.hub,
        };
        let change = one.change(&saved, &mut Vec::new());
        let wanted = R::changed(&change)?;
        all.iter().find(|known| R::is_same(known, wanted)).cloned()
    }

    fn add<R: Resource>(
        &mut self,
        name: String,
        known: Option<R::Domain>,
        change: Change,
        credentials: Vec<String>,
    ) {
        let shown = |one: &R::Domain| serde_json::to_value(R::show(one, &self.names)).unwrap_or_default();
        let after = R::changed(&change).map(shown).unwrap_or_default();
        let Some(known) = known else {
            self.plan.changes.push(change);
            let title = after.get("title").or_else(|| after.get("fragment")).map(ToString::to_string);
            self.plan.lines.push(PlanLine {
                action: Action::Create,
                name,
                details: title.into_iter().collect(),
            });
            return;
        };
        let mut details = differences(&shown(&known), &after);
        details.extend(credentials);
        self.update(name, details, change);
    }

    /// Names of credentials whose value in the file is another one than ours.
    async fn changed_credentials(
        &self,
        id: GatewayId,
        given: &BTreeMap<String, SecretString>,
    ) -> Result<Vec<String>, HubError> {
        let merchant_id = self.configuration.merchant_id;
        let sealed = self.hub.store().find_sealed_credentials(merchant_id, id).await?;
        let opened =
            sealed.and_then(|sealed| self.hub.vault().open_secrets(merchant_id, id.uuid(), &sealed).ok());
        let known = opened.unwrap_or_default();
        let differs = |name: &str, secret: &SecretString| {
            known.get(name).is_none_or(|known| known.expose_secret() != secret.expose_secret())
        };
        let changed = given.iter().filter(|(name, secret)| differs(name, secret));
        Ok(changed.map(|(name, _)| format!("credential {name}: changed")).collect())
    }

    fn remove<R: Resource>(&mut self, list: &[R]) {
        let kept: Vec<R::Id> =
            list.iter().filter_map(|one| self.known(one)).map(|one| R::id_of(&one)).collect();
        for one in R::all(self.configuration).iter().filter(|one| !kept.contains(&R::id_of(one))) {
            let shown = serde_json::to_value(R::show(one, &self.names)).unwrap_or_default();
            let title = shown.get("title").or_else(|| shown.get("fragment")).map(ToString::to_string);
            let name =
                R::number_of(one).map_or_else(|| R::id_of(one).to_string(), |number| number.to_string());
            self.removals.lines.push(PlanLine {
                action: Action::Delete,
                name: format!("{}[{name}]", R::PLURAL),
                details: title.into_iter().collect(),
            });
            self.removals.changes.push(R::removal(R::id_of(one)));
        }
    }
}

fn find<I: Id>(known: &[(i64, I)], number: i64) -> Option<uuid::Uuid> {
    known.iter().find(|(one, _)| *one == number).map(|(_, id)| id.uuid())
}

/// The ids that numbers have, or get.
fn ids<R: Resource>(hub: &Hub, configuration: &Configuration, list: &[R]) -> Vec<(i64, R::Id)> {
    let id = |number: i64| {
        let known = R::all(configuration).iter().find(|one| R::number_of(one) == Some(number));
        (number, known.map_or_else(|| hub.minter().mint(), R::id_of))
    };
    list.iter().filter_map(R::own_number).map(id).collect()
}
