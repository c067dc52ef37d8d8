//! Alerts: what a person must look at.

use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::AlertId;
use hub::Hub;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::auth::{Caller, Operate, Read};
use super::errors;
use super::orders::check_note;
use super::page::Page;
use super::values::Instant;

/// Most alerts of an answer.
const ALERTS_MAX: i64 = 1_000;

/// Something a person must look at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Alert {
    /// Its id.
    id: String,
    /// Its kind, e.g. `late_approval`.
    kind: String,
    /// The order it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// The attempt it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_id: Option<String>,
    /// What happened and what to do.
    words: String,
    /// When.
    created_at: Instant,
}

/// Lists alerts that nobody has closed, oldest first, at most 1,000.
#[utoipa::path(get, path = "/v1/alerts", tag = "operations",
    responses((status = 200, description = "Open alerts.", body = inline(Page<Alert>))))]
async fn list(State(hub): State<Hub>, caller: Caller<Read>) -> Result<Json<Page<Alert>>, Problem> {
    let alerts = hub.store().list_open_alerts(caller.merchant_id, ALERTS_MAX).await.map_err(errors::store)?;
    let shown = |alert: storage::alerts::Alert| Alert {
        id: alert.id.to_string(),
        kind: alert.kind,
        order_id: alert.order_id.map(|id| id.to_string()),
        attempt_id: alert.attempt_id.map(|id| id.to_string()),
        words: alert.words,
        created_at: alert.created_at.into(),
    };
    Ok(Json(Page::whole(alerts.into_iter().map(shown).collect())))
}

/// What was done about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseAlert {
    /// What was done about it; goes into the audit log.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
}

/// Closes an alert that a person has seen to. What it was about is not changed by that. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/alerts/{id}/close", tag = "operations",
    params(("id" = String, Path, description = "Its id.")), request_body = CloseAlert,
    responses((status = 204, description = "It is closed.")))]
async fn close(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<CloseAlert>,
) -> Result<StatusCode, Problem> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found())?;
    check_note(&body.note)?;
    if body.note.trim().is_empty() {
        return Err(Problem::invalid([("note", "say what was done about it")]));
    }
    hub.close_alert(caller.merchant_id, id, &body.note, &caller.actor).await.map_err(errors::person)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(close))
}
