//! Pauses a subscription.

use axum::extract::State;
use axum::response::Response;
use hub::Hub;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::{Action, MaybeKey, id_of};
use super::reactivate::check_note;
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::values::Instant;

/// When it is paused, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseSubscription {
    /// From when on; now when left out.
    #[serde(default)]
    from: Option<Instant>,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Pauses a subscription now or from a date on. What a salvage gateway works on is asked to stop; an approval that came
/// first is kept. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/pause", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = PauseSubscription,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn pause(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<PauseSubscription>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let (merchant_id, from) = (caller.merchant_id, body.from.map(|at| at.0));
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "pause", &body)?;
    let work = async move { hub.pause_subscription(merchant_id, id, from, &caller.actor, &body.note).await };
    action.answer(work).await
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(pause))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"note": "On holiday."}), json!({"from": "2027-01-01T00:00:00Z", "note": "Asked by phone."})]
}
