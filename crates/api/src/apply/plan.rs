//! From a file to changes: what is made, changed, removed and left alone; then all of it in one transaction.

use std::collections::BTreeMap;
use std::fmt;

use domain::configuration::Configuration;
use domain::ids::{GatewayId, Id, MerchantId};
use domain::placement::Problem as Wrong;
use hub::{Change, ConfigureError, Hub, HubError};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::diff::differences;
use super::document::{ApplyProblem, Document};
use crate::v1::{
    Account, Campaign, CascadeProfile, DeclineMap, Directory, Gateway, GatewayProfile, Names, Resource,
    Saved, Setting, Style,
};

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It stays as it is.
    Unchanged,
}

/// One resource of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// What happens to it.
    pub action: Action,
    /// Which it is, e.g. `gateways[17]`.
    pub name: String,
    /// What differs, one field each; credentials by name only.
    pub details: Vec<String>,
}

impl fmt::Display for PlanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => "+ create",
            Action::Update => "~ update",
            Action::Delete => "- delete",
            Action::Unchanged => "  unchanged",
        };
        write!(f, "{sign} {}", self.name)?;
        for detail in &self.details {
            write!(f, "\n      {detail}")?;
        }
        Ok(())
    }
}

/// What a file would do. Printing it shows no credential.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Every resource, in the order of the file; removals last.
    pub lines: Vec<PlanLine>,
    /// Saved, but without effect as written (M27).
    pub warnings: Vec<String>,
    changes: Vec<Change>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many resources this happens to.
    pub fn count(&self, action: Action) -> usize {
        self.lines.iter().filter(|line| line.action == action).count()
    }
}

/// Why a file was not applied; nothing was saved.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Something is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<ApplyProblem>),
    /// Somebody else changed the configuration meanwhile.
    #[error("the configuration was changed by somebody else meanwhile; run it again")]
    ChangedMeanwhile,
    /// The hub could not.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// What applying a file would do.
pub async fn plan(hub: &Hub, merchant_id: MerchantId, document: &Document) -> Result<Plan, ApplyError> {
    let configuration = hub.reload(merchant_id).await?;
    let mut planning = Planning::new(hub, &configuration, document);
    let document = planning.with_environment(document);
    planning.all(&document).await?;
    let Planning { plan, problems, .. } = planning;
    let places = |wrong: Wrong| (decline_map_place(&plan.changes, &document, &wrong.field), wrong.message);
    let (found, warnings) = hub.check_changes(merchant_id, plan.changes.clone()).await?;
    let mut all: Vec<(String, String)> =
        problems.into_iter().map(|wrong| (wrong.field, wrong.message)).collect();
    for (place, message) in found.into_iter().map(places) {
        if !all.iter().any(|(known, _)| *known == place) {
            all.push((place, message));
        }
    }
    if !all.is_empty() {
        let problems = all.iter().map(|(place, message)| document.problem(place, message));
        return Err(ApplyError::Problems(problems.collect()));
    }
    let warnings = warnings.into_iter().map(|wrong| {
        let (place, message) = places(wrong);
        document.problem(&place, &message).to_string()
    });
    let warnings = warnings.collect();
    Ok(Plan { warnings, ..plan })
}

/// Applies a file, all or nothing, and tells what it did. Applied again it does nothing.
pub async fn apply(
    hub: &Hub,
    merchant_id: MerchantId,
    document: &Document,
    actor: &str,
    note: &str,
) -> Result<Plan, ApplyError> {
    let plan = plan(hub, merchant_id, document).await?;
    if plan.is_empty() {
        return Ok(plan);
    }
    match hub.configure(merchant_id, plan.changes.clone(), actor, note).await {
        Ok(_) => Ok(plan),
        Err(ConfigureError::Invalid(problems)) => {
            let problems = problems.iter().map(|wrong| document.problem(&wrong.field, &wrong.message));
            Err(ApplyError::Problems(problems.collect()))
        }
        Err(ConfigureError::ChangedMeanwhile) => Err(ApplyError::ChangedMeanwhile),
        Err(ConfigureError::Hub(error)) => Err(error.into()),
    }
}

/// The hub knows decline maps by a number that the file does not have; here is the position in the file.
fn decline_map_place(changes: &[Change], document: &Document, place: &str) -> String {
    let Some((number, rest)) = place.strip_prefix("decline_maps[").and_then(|rest| rest.split_once(']'))
    else {
        return place.to_owned();
    };
    let fragment = changes.iter().find_map(|change| match change {
        Change::DeclineMap(map, of) if of.to_string() == number => Some(map.fragment.clone()),
        _ => None,
    });
    let at = document.decline_maps.iter().position(|map| Some(map.fragment()) == fragment.as_deref());
    at.map_or_else(|| place.to_owned(), |at| format!("decline_maps[{at}]{rest}"))
}

struct Planning<'a> {
    hub: &'a Hub,
    configuration: &'a Configuration,
    directory: Directory,
    names: Names,
    plan: Plan,
    removals: Plan,
    problems: Vec<Wrong>,
}

impl<'a> Planning<'a> {
    fn new(hub: &'a Hub, configuration: &'a Configuration, document: &Document) -> Self {
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
    fn with_environment(&mut self, document: &Document) -> Document {
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

    async fn all(&mut self, document: &Document) -> Result<(), HubError> {
        if let Some(account) = &document.account {
            self.account(account);
        }
        self.resources::<CascadeProfile>(&document.cascade_profiles);
        self.gateways(&document.gateways).await?;
        self.resources::<GatewayProfile>(&document.gateway_profiles);
        self.resources::<DeclineMap>(&document.decline_maps);
        self.resources::<Campaign>(&document.campaigns);
        // What refers comes before what is referred to.
        self.remove::<Campaign>(&document.campaigns);
        self.remove::<DeclineMap>(&document.decline_maps);
        self.remove::<GatewayProfile>(&document.gateway_profiles);
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
