//! What the resources of a configuration have in common: list, make, show, replace, change, remove.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
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

/// What a patch makes of a resource, read and refused like any other body.
pub(crate) async fn patched<R: Serialize + DeserializeOwned>(
    current: &R,
    patch: Value,
) -> Result<R, Problem> {
    if !patch.is_object() {
        return Err(Problem::invalid([("", "is an object with the fields to change")]));
    }
    let mut whole = serde_json::to_value(current).map_err(Problem::internal)?;
    merge(&mut whole, patch);
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(whole.to_string()))
        .map_err(Problem::internal)?;
    let Json(body) = Json::from_request(request, &()).await?;
    Ok(body)
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                if change.is_null() {
                    fields.remove(&name);
                } else {
                    merge(fields.entry(name).or_insert(Value::Null), change);
                }
            }
        }
        (into, Value::Object(changes)) => {
            *into = Value::Object(serde_json::Map::new());
            merge(into, Value::Object(changes));
        }
        (into, patch) => *into = patch,
    }
}

/// The six endpoints of a resource, as `fn routes()` of the module that uses it.
macro_rules! endpoints {
    ($resource:ty, $tag:literal, $all:literal, $one:literal) => {
        use $crate::v1::page::Page;

        /// Lists all.
        #[utoipa::path(get, path = $all, tag = $tag,
            responses((status = 200, description = "All of them.", body = inline(Page<$resource>))))]
        async fn list(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Read>,
        ) -> Result<web::Json<Page<$resource>>, web::Problem> {
            $crate::v1::resource::list(&hub, &caller).await
        }

        /// Makes one.
        #[utoipa::path(post, path = $all, tag = $tag, request_body = $resource,
            responses((status = 201, description = "Made.", body = $resource)))]
        async fn create(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Json(body): web::Json<$resource>,
        ) -> Result<axum::response::Response, web::Problem> {
            $crate::v1::resource::create(&hub, &caller, body).await
        }

        /// Shows one.
        #[utoipa::path(get, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            responses((status = 200, description = "As it stands.", body = $resource)))]
        async fn get(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Read>,
            web::Path(id): web::Path<String>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::get(&hub, &caller, &id).await
        }

        /// Replaces one.
        #[utoipa::path(put, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            request_body = $resource, responses((status = 200, description = "As it stands now.", body = $resource)))]
        async fn replace(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
            web::Json(body): web::Json<$resource>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::replace(&hub, &caller, &id, body).await
        }

        /// Changes one by a merge patch (RFC 7396): what is named is replaced, null removes, the rest stays.
        #[utoipa::path(patch, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            request_body(content = Object, content_type = "application/json"),
            responses((status = 200, description = "As it stands now.", body = $resource)))]
        async fn patch(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
            web::Json(body): web::Json<serde_json::Value>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::patch(&hub, &caller, &id, body).await
        }

        /// Removes one; refused with 409 `in_use` while something depends on it.
        #[utoipa::path(delete, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            responses((status = 204, description = "Removed.")))]
        async fn remove(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
        ) -> Result<axum::http::StatusCode, web::Problem> {
            $crate::v1::resource::remove::<$resource>(&hub, &caller, &id).await
        }

        /// Its routes.
        pub(crate) fn routes() -> utoipa_axum::router::OpenApiRouter<hub::Hub> {
            utoipa_axum::router::OpenApiRouter::new()
                .routes(utoipa_axum::routes!(list, create))
                .routes(utoipa_axum::routes!(get, replace, patch, remove))
        }
    };
}
pub(crate) use endpoints;
