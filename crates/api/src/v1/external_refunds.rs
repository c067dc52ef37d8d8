//! Books money that was given back outside; nothing is sent (M16, Q33).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::AttemptId;
use hub::{Hub, PersonError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::auth::{Caller, Operate};
use super::errors;
use super::idempotency::{Ended, IdempotencyKey, once};
use super::orders::Operation;
use super::values::Money;

/// What was given back, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalRefund {
    /// How much; all that is left when left out.
    #[serde(default)]
    amount: Option<Money>,
    /// The gateway's id of the refund.
    #[serde(default)]
    #[schema(max_length = 200)]
    gateway_reference: String,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Books money that was given back outside on an approved attempt; nothing is sent to the gateway. Needs the scope
/// `operate`.
#[utoipa::path(post, path = "/v1/attempts/{id}/external-refund", tag = "attempts",
    params(("id" = String, Path, description = "The attempt's id."),
        ("Idempotency-Key" = String, Header, description = "A text of your own: new for each refund, the same for its repetitions.")),
    request_body = ExternalRefund,
    responses((status = 200, description = "The refund as it is booked.", body = Operation)))]
async fn book(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json(body): Json<ExternalRefund>,
) -> Result<Response, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    let request = serde_json::to_string(&body).map_err(Problem::internal)?;
    let text = format!("POST /v1/attempts/{id}/external-refund\n{request}");
    let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
    let (merchant_id, worker) = (caller.merchant_id, hub.clone());
    let work = async move {
        let amount = body.amount.map(domain::Money::from);
        let (reference, note) = (body.gateway_reference, body.note);
        match worker.book_refund(merchant_id, id, amount, &reference, &note, &caller.actor).await {
            Ok(operation) => Ended::done(StatusCode::OK, &Operation::from(operation)),
            Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
            Err(error) => Ended::Refused(errors::person(error)),
        }
    };
    once(hub, merchant_id, key, fingerprint, work).await
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(book))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![
        json!({"amount": {"amount_minor": 500, "currency": "USD"}, "gateway_reference": "r-1", "note": "Refunded in the gateway's panel."}),
    ]
}
