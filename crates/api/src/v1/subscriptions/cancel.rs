//! Ends a subscription.

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
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};

/// When it ends, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelSubscription {
    /// After the next bill instead of now.
    #[serde(default)]
    after_next_bill: bool,
    /// Why; kept with the subscription and in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Ends a subscription now or after its next bill. What a salvage gateway works on is asked to stop; what is approved
/// nevertheless is given back. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = CancelSubscription,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn cancel(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<CancelSubscription>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let (merchant_id, later) = (caller.merchant_id, body.after_next_bill);
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "cancel", &body)?;
    let work =
        async move { hub.cancel_subscription(merchant_id, id, later, &body.reason, &caller.actor).await };
    action.answer(work).await
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(cancel))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"after_next_bill": true, "reason": "Too expensive."})]
}
