//! Stops a batch of reruns.

use axum::extract::State;
use domain::ids::RunId;
use hub::Hub;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::Reruns;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;

/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// Why it is stopped.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelReruns {
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Stops a batch: what still waits is left alone, what is under way ends by itself. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/reruns/{id}/cancel", tag = "reruns",
    params(("id" = String, Path, description = "Its id.")), request_body = CancelReruns,
    responses((status = 200, description = "As it stands now.", body = Reruns)))]
async fn cancel(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<CancelReruns>,
) -> Result<Json<Reruns>, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::not_found())?;
    if body.note.chars().count() > NOTE_CHARS_MAX {
        return Err(Problem::invalid([("note", "has at most 500 characters")]));
    }
    let done = hub.cancel_run(caller.merchant_id, id, &body.note, &caller.actor).await;
    done.map(|progress| Json(progress.into())).map_err(errors::person)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(cancel))
}
