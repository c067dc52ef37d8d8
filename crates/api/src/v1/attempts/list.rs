//! Lists attempts in doubt.

use axum::extract::State;
use hub::Hub;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem, Query};

use super::shown::Attempt;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;
use crate::v1::page::{LIMIT_MAX, Limit, Page};

/// A state that attempts are listed by.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Listed {
    /// The gateway may have acted and nobody knows.
    InDoubt,
}

/// Which attempts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Their state.
    #[param(inline)]
    state: Listed,
    /// Most of them, 1 to 200.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
}

/// Lists the attempts of a state, oldest first. Orders list their own attempts.
#[utoipa::path(get, path = "/v1/attempts", tag = "attempts", params(Filter),
    responses((status = 200, description = "The attempts.", body = inline(Page<Attempt>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Attempt>>, Problem> {
    let limit = filter.limit.map_or(LIMIT_MAX, |limit| limit.0);
    let found = match filter.state {
        Listed::InDoubt => hub.store().list_attempts_in_doubt(caller.merchant_id, limit).await,
    };
    let found = found.map_err(errors::store)?;
    Ok(Json(Page::whole(found.iter().map(Attempt::from).collect())))
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list))
}
