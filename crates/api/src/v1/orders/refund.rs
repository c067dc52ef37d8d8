//! Gives money of a paid order back (M16).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::OrderId;
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
    /// How much; all that is left when left out.
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
    let work = async move {
        let amount = body.amount.map(domain::Money::from);
        match worker.refund_order(merchant_id, id, amount, &body.note, &caller.actor).await {
            Ok(operation) => Ended::done(StatusCode::OK, &Operation::from(operation)),
            // The store or the gateway may have been reached.
            Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
            Err(error) => Ended::Refused(errors::person(error)),
        }
    };
    once(hub, merchant_id, key, fingerprint, work).await
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
