//! What the resources of a configuration have in common: list, make, show, replace, change, remove.

use std::str::FromStr;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::configuration::Configuration;
use domain::ids::Id;
use domain::placement::Problem as Wrong;
use hub::{Change, Hub};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use web::{Json, Problem};

use super::auth::{Caller, Read, Write};
use super::directory::{Directory, Names, Style};
use super::errors;
use super::page::Page;
use super::patch::patched;

/// A resource of a configuration as requests, answers and configuration files have it.
pub(crate) trait Resource: Serialize + DeserializeOwned + Send + 'static {
    /// Its id.
    type Id: Id + FromStr + Send;
    /// What the hub knows.
    type Domain: Clone + PartialEq + Send;
    /// Its name in paths and in the hub's problems, e.g. `gateway_profiles`.
    const PLURAL: &'static str;

    /// All of them.
    fn all(configuration: &Configuration) -> &[Self::Domain];
    /// Its id.
    fn id_of(one: &Self::Domain) -> Self::Id;
    /// Its number; none when its kind has none.
    fn number_of(one: &Self::Domain) -> Option<i64>;
    /// The id that was given with it.
    fn own_id(&self) -> Option<&str>;
    /// The number that was given with it.
    fn own_number(&self) -> Option<i64>;
    /// As it is shown.
    fn show(one: &Self::Domain, names: &Names) -> Self;
    /// The change that saves it under this id and number; problems with their paths in the request.
    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change;
    /// What a change of this kind would save.
    fn changed(change: &Change) -> Option<&Self::Domain>;
    /// The change that removes it.
    fn removal(id: Self::Id) -> Change;
    /// Whether two things without a number are the same one, for configuration files.
    fn is_same(_: &Self::Domain, _: &Self::Domain) -> bool {
        false
    }
    /// The path in the request of what follows `plural[number].` in a problem of the hub.
    fn rename(&self, rest: &str) -> String {
        rest.to_owned()
    }
}

/// Under what a resource is saved.
pub(crate) struct Saved<'a, R: Resource> {
    /// Its id.
    pub(crate) id: R::Id,
    /// Its number.
    pub(crate) number: i64,
    /// What it replaces.
    pub(crate) known: Option<&'a R::Domain>,
    /// What it may refer to.
    pub(crate) directory: &'a Directory,
    /// The hub, for minting ids.
    pub(crate) hub: &'a Hub,
}

/// The next number after those in use.
pub(crate) fn next_number<R: Resource>(configuration: &Configuration) -> i64 {
    R::all(configuration).iter().filter_map(R::number_of).max().unwrap_or(0).saturating_add(1)
}

async fn load(hub: &Hub, merchant_id: domain::ids::MerchantId) -> Result<Arc<Configuration>, Problem> {
    hub.reload(merchant_id).await.map_err(errors::hub)
}

fn find<'a, R: Resource>(configuration: &'a Configuration, id: &str) -> Result<&'a R::Domain, Problem> {
    let id = id.parse::<R::Id>().map_err(|_| Problem::not_found())?;
    R::all(configuration).iter().find(|one| R::id_of(one) == id).ok_or_else(Problem::not_found)
}

async fn shown<R: Resource>(hub: &Hub, configuration: &Configuration, one: &R::Domain) -> Result<R, Problem> {
    let names = Names::load(hub, configuration, Style::Ids).await.map_err(errors::store)?;
    Ok(R::show(one, &names))
}

pub(crate) async fn list<R: Resource>(hub: &Hub, caller: &Caller<Read>) -> Result<Json<Page<R>>, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    let names = Names::load(hub, &configuration, Style::Ids).await.map_err(errors::store)?;
    Ok(Json(Page::whole(R::all(&configuration).iter().map(|one| R::show(one, &names)).collect())))
}

pub(crate) async fn get<R: Resource>(hub: &Hub, caller: &Caller<Read>, id: &str) -> Result<Json<R>, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    Ok(Json(shown(hub, &configuration, find::<R>(&configuration, id)?).await?))
}

pub(crate) async fn create<R: Resource>(
    hub: &Hub,
    caller: &Caller<Write>,
    body: R,
) -> Result<Response, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    let mut problems = Vec::new();
    if body.own_id().is_some() {
        problems.push(Wrong::new("id", "is given by the server; leave it out"));
    }
    let id: R::Id = hub.minter().mint();
    let number = body.own_number().unwrap_or_else(|| next_number::<R>(&configuration));
    let answer = save(hub, caller, &configuration, &body, id, number, None, problems).await?;
    let location = format!("/v1/{}/{id}", R::PLURAL.replace('_', "-"));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

pub(crate) async fn replace<R: Resource>(
    hub: &Hub,
    caller: &Caller<Write>,
    id: &str,
    body: R,
) -> Result<Json<R>, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    let known = find::<R>(&configuration, id)?;
    let id = R::id_of(known);
    let mut problems = Vec::new();
    if body.own_id().is_some_and(|given| given.parse::<R::Id>().ok() != Some(id)) {
        problems.push(Wrong::new("id", "is not the id in the address"));
    }
    let number = body.own_number().or_else(|| R::number_of(known)).unwrap_or(0);
    save(hub, caller, &configuration, &body, id, number, Some(known), problems).await.map(Json)
}

/// A merge patch (RFC 7396): what is named is replaced, `null` removes, what is not named stays.
pub(crate) async fn patch<R: Resource>(
    hub: &Hub,
    caller: &Caller<Write>,
    id: &str,
    patch: Value,
) -> Result<Json<R>, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    let known = find::<R>(&configuration, id)?;
    let current = shown::<R>(hub, &configuration, known).await?;
    let body = patched(&current, patch).await?;
    replace(hub, caller, id, body).await
}

pub(crate) async fn remove<R: Resource>(
    hub: &Hub,
    caller: &Caller<Write>,
    id: &str,
) -> Result<StatusCode, Problem> {
    let configuration = load(hub, caller.merchant_id).await?;
    let change = R::removal(R::id_of(find::<R>(&configuration, id)?));
    let saved = hub.configure(caller.merchant_id, vec![change], &caller.actor, &caller.note).await;
    saved.map_err(errors::remove)?;
    Ok(StatusCode::NO_CONTENT)
}

#[expect(
    clippy::too_many_arguments,
    reason = "what is saved, under what, for whom; bundled they would not read better"
)]
async fn save<R: Resource>(
    hub: &Hub,
    caller: &Caller<Write>,
    configuration: &Configuration,
    body: &R,
    id: R::Id,
    number: i64,
    known: Option<&R::Domain>,
    mut problems: Vec<Wrong>,
) -> Result<R, Problem> {
    let directory = Directory::of(hub, configuration);
    let change = body.change(&Saved { id, number, known, directory: &directory, hub }, &mut problems);
    let rename = |wrong: Wrong| renamed(body, number, wrong);
    if !problems.is_empty() {
        // Everything at once: what the hub would refuse too, field by field.
        let (more, _) = hub.check_changes(caller.merchant_id, vec![change]).await.map_err(errors::hub)?;
        for wrong in more.into_iter().map(rename) {
            if !problems.iter().any(|known| known.field == wrong.field) {
                problems.push(wrong);
            }
        }
        return Err(Problem::from(problems));
    }
    let saved = hub.configure(caller.merchant_id, vec![change], &caller.actor, &caller.note).await;
    saved.map_err(|error| errors::configure(error, rename))?;
    let fresh = hub.configuration(caller.merchant_id).await.map_err(errors::hub)?;
    let one = R::all(&fresh).iter().find(|one| R::id_of(one) == id).ok_or_else(Problem::not_found)?;
    shown(hub, &fresh, one).await
}

/// The hub's place of a problem as a path of the request.
fn renamed<R: Resource>(body: &R, number: i64, wrong: Wrong) -> Wrong {
    let own = format!("{}[{number}]", R::PLURAL);
    match wrong.field.strip_prefix(&own) {
        None => Wrong { field: body.rename(&wrong.field), ..wrong },
        Some(rest) => Wrong { field: body.rename(rest.trim_start_matches('.')), ..wrong },
    }
}

/// What all resources with a number do alike, inside `impl Resource`: where they are kept and how they are changed.
macro_rules! numbered {
    ($domain:ty, $id:ty, $list:ident, $change:ident, $removal:ident) => {
        type Id = $id;
        type Domain = $domain;
        const PLURAL: &'static str = stringify!($list);

        fn all(configuration: &domain::configuration::Configuration) -> &[$domain] {
            &configuration.$list
        }

        fn id_of(one: &$domain) -> $id {
            one.id
        }

        fn number_of(one: &$domain) -> Option<i64> {
            Some(one.number)
        }

        fn own_id(&self) -> Option<&str> {
            self.id.as_deref()
        }

        fn own_number(&self) -> Option<i64> {
            self.number
        }

        fn changed(change: &hub::Change) -> Option<&$domain> {
            if let hub::Change::$change(one) = change { Some(one) } else { None }
        }

        fn removal(id: $id) -> hub::Change {
            hub::Change::$removal(id)
        }
    };
}
pub(crate) use numbered;
