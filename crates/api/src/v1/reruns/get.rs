//! Shows a batch of reruns with its progress.

use axum::extract::State;
use domain::ids::RunId;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::Reruns;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;

/// Shows a batch with its progress.
#[utoipa::path(get, path = "/v1/reruns/{id}", tag = "reruns",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "As it stands.", body = Reruns)))]
async fn get(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<Reruns>, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::not_found())?;
    let found = hub.find_run(caller.merchant_id, id).await.map_err(errors::hub)?;
    found.map(|progress| Json(progress.into())).ok_or_else(Problem::not_found)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get))
}
