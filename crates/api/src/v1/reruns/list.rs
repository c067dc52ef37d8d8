//! Lists batches of reruns, newest first.

use axum::extract::State;
use domain::ids::RunId;
use hub::Hub;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem, Query};

use super::shown::Reruns;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;
use crate::v1::page::{LIMIT, Limit, Page};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
}

/// Lists batches, newest first, with their progress.
#[utoipa::path(get, path = "/v1/reruns", tag = "reruns", params(Paging),
    responses((status = 200, description = "A page of batches.", body = inline(Page<Reruns>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(query): Query<Paging>,
) -> Result<Json<Page<Reruns>>, Problem> {
    let wrong = |_| Problem::invalid([("cursor", "is no cursor of a page; take it from next_cursor")]);
    let before: Option<RunId> = query.cursor.map(|text| text.parse()).transpose().map_err(wrong)?;
    let limit = query.limit.map_or(LIMIT, |limit| limit.0);
    let found = hub.store().list_runs(caller.merchant_id, before, limit.saturating_add(1)).await;
    let mut runs = found.map_err(errors::store)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next_cursor = runs.last().filter(|_| more).map(|run| run.id.to_string());
    let mut items = Vec::with_capacity(runs.len());
    for run in runs {
        let progress = hub.find_run(caller.merchant_id, run.id).await.map_err(errors::hub)?;
        items.extend(progress.map(Reruns::from));
    }
    Ok(Json(Page { items, next_cursor }))
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list))
}
