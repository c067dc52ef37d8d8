//! Shows an attempt.

use axum::extract::State;
use domain::ids::AttemptId;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::Attempt;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;

/// Shows one attempt.
#[utoipa::path(get, path = "/v1/attempts/{id}", tag = "attempts",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "As it stands.", body = Attempt)))]
async fn get(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<Attempt>, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    let found = hub.store().find_attempt(caller.merchant_id, id).await.map_err(errors::store)?;
    found.map(|attempt| Json(Attempt::from(&attempt))).ok_or_else(Problem::not_found)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get))
}
