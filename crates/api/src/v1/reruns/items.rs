//! Lists the orders of a batch of reruns, each with its verdict.

use axum::extract::State;
use domain::ids::RunId;
use hub::Hub;
use serde::Deserialize;
use storage::runs::ItemVerdict;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem, Query};

use super::shown::{RerunItem, RerunVerdict};
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;
use crate::v1::page::{LIMIT, Limit, Page};

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those with this verdict.
    #[serde(default)]
    #[param(inline)]
    verdict: Option<RerunVerdict>,
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
}

/// Lists the orders of a batch in its order, each with its verdict and why.
#[utoipa::path(get, path = "/v1/reruns/{id}/items", tag = "reruns",
    params(("id" = String, Path, description = "Its id."), Filter),
    responses((status = 200, description = "A page of orders.", body = inline(Page<RerunItem>))))]
async fn items(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
    Query(query): Query<Filter>,
) -> Result<Json<Page<RerunItem>>, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::not_found())?;
    let wrong = |_| Problem::invalid([("cursor", "is no cursor of a page; take it from next_cursor")]);
    let after: i64 = query.cursor.map_or(Ok(0), |text| text.parse()).map_err(wrong)?;
    let store = hub.store();
    let run = store.find_run(caller.merchant_id, id).await.map_err(errors::store)?;
    run.ok_or_else(Problem::not_found)?;
    let limit = query.limit.map_or(LIMIT, |limit| limit.0);
    let verdict = query.verdict.map(ItemVerdict::from);
    let found = store.list_run_items(caller.merchant_id, id, after, verdict, limit.saturating_add(1)).await;
    let mut items = found.map_err(errors::store)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|item| item.position.to_string());
    Ok(Json(Page { items: items.into_iter().map(RerunItem::from).collect(), next_cursor }))
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(items))
}
