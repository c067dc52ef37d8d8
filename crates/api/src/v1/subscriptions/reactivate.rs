//! Bills a subscription again.

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

/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// Why an action is done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionNote {
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(super) note: String,
}

/// A note that is too long is refused.
pub(super) fn check_note(note: &str) -> Result<(), Problem> {
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Problem::invalid([("note", "has at most 500 characters")]));
    }
    Ok(())
}

/// Bills a subscription again after a pause, a cancellation or a failure: tomorrow, or on its date when that is still
/// to come. Also undoes what is scheduled. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/reactivate", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = SubscriptionNote,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn reactivate(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<SubscriptionNote>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "reactivate", &body)?;
    let work = async move { hub.reactivate_subscription(merchant_id, id, &caller.actor, &body.note).await };
    action.answer(work).await
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(reactivate))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"note": "The customer called."})]
}
