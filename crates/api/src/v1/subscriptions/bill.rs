//! Bills a subscription now, once per `Idempotency-Key`.

use axum::extract::State;
use axum::response::Response;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::{Action, id_of};
use super::reactivate::{SubscriptionNote, check_note};
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::idempotency::IdempotencyKey;

/// Bills the next cycle now, or makes the next re-attempt. Network rules and caps hold here as everywhere: what they
/// hold back is told in `attempt_plan.held`. Refused while an attempt is open. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/bill", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = String, Header, description = "A text of your own: new for each bill, the same for its repetitions.")),
    request_body = SubscriptionNote,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn bill(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json(body): Json<SubscriptionNote>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let action = Action::new(hub.clone(), merchant_id, Some(key), id, "bill", &body)?;
    let work = async move { hub.bill_subscription_now(merchant_id, id, &caller.actor, &body.note).await };
    action.answer(work).await
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(bill))
}
