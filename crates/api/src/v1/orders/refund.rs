//! Gives money of a paid order back (M16).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::attempt::Attempt;
use domain::ids::{AttemptId, MerchantId, OrderId};
use hub::{Hub, PersonError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::Operation;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::idempotency::{Ended, IdempotencyKey, once};
use crate::v1::values::Money;

/// Most characters of a note.
pub(crate) const NOTE_CHARS_MAX: usize = 500;

/// What is given back, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundOrder {
    /// Which of the order's approved attempts is given back: its sale, or the completion of its trial. Left out: the first of
    /// which something is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt_id: Option<String>,
    /// How much; all that is left of that attempt when left out.
    #[serde(default)]
    amount: Option<Money>,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Refunds a paid order at the gateway that took it. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/orders/{id}/refund", tag = "orders",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = String, Header, description = "A text of your own: new for each refund, the same for its repetitions.")),
    request_body = RefundOrder,
    responses((status = 200, description = "The refund as it stands.", body = Operation)))]
async fn refund(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json(body): Json<RefundOrder>,
) -> Result<Response, Problem> {
    let id: OrderId = id.parse().map_err(|_| Problem::not_found())?;
    check_note(&body.note)?;
    let request = serde_json::to_string(&body).map_err(Problem::internal)?;
    let text = format!("POST /v1/orders/{id}/refund\n{request}");
    let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
    let (merchant_id, worker) = (caller.merchant_id, hub.clone());
    let attempt = match &body.attempt_id {
        Some(attempt) => Some(find_attempt(&hub, merchant_id, id, attempt).await?),
        None => None,
    };
    let work = async move {
        let amount = body.amount.map(domain::Money::from);
        let refunded = match attempt {
            Some(attempt) => worker.refund_attempt(&attempt, amount, &body.note, &caller.actor).await,
            None => worker.refund_order(merchant_id, id, amount, &body.note, &caller.actor).await,
        };
        match refunded {
            Ok(operation) => Ended::done(StatusCode::OK, &Operation::from(operation)),
            // The store or the gateway may have been reached.
            Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
            Err(error) => Ended::Refused(errors::person(error)),
        }
    };
    once(hub, merchant_id, key, fingerprint, work).await
}

/// An attempt of this order; any other is refused by name.
async fn find_attempt(
    hub: &Hub,
    merchant_id: MerchantId,
    order_id: OrderId,
    text: &str,
) -> Result<Attempt, Problem> {
    let unknown = || Problem::invalid([("attempt_id", "this order has no attempt with this id")]);
    let id: AttemptId = text.parse().map_err(|_| unknown())?;
    let found = hub.store().find_attempt(merchant_id, id).await.map_err(errors::store)?;
    found.filter(|attempt| attempt.order_id == order_id).ok_or_else(unknown)
}

/// A note that is too long is refused.
pub(crate) fn check_note(note: &str) -> Result<(), Problem> {
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Problem::invalid([("note", "has at most 500 characters")]));
    }
    Ok(())
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(refund))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"amount": {"amount_minor": 500, "currency": "USD"}, "note": "The parcel was damaged."})]
}
