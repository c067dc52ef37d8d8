//! `POST /v1/capture`: takes money that is held.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::ids::OperationId;
use gateways::OperationKind;
use serde_json::json;
use storage::operations::Operation;
use storage::platform::{Recovery, RecoveryState};

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::body::Body;
use crate::orders::{Ended, UNDER_WAY, ended, state_of};

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    capture(&platform, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

const REQUIRED: [(&str, &str, &str); 4] = [
    ("idempotencykey", "IdempotencyKey", "The IdempotencyKey field is required."),
    ("orderid", "OrderId", "The OrderId field is required."),
    ("amount", "Amount", "The Amount field is required."),
    ("currency", "Currency", "The Currency field is required."),
];

async fn capture(platform: &Arc<Platform>, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let missing: Vec<_> = REQUIRED
        .into_iter()
        .filter(|(path, _, _)| body.text(path).is_empty())
        .map(|(_, name, message)| (name, message.to_owned()))
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::Invalid(missing));
    }
    let recovery = platform.order(account.merchant_id, &body.text("orderid")).await?;
    let id = platform.operation_id("capture", &recovery, &body.text("idempotencykey"))?;
    let exact = body.integer("amount") == Some(recovery.amount.minor())
        && body.text("currency").eq_ignore_ascii_case(recovery.amount.currency().code());
    if let Some(known) = platform.store().find_operation(account.merchant_id, id).await? {
        if !exact {
            let title = "This idempotencyKey was used for another capture.";
            return Err(Refusal::titled(StatusCode::CONFLICT, title));
        }
        return Ok(response(&recovery, &state_of(known)?));
    }
    if !exact {
        return Ok(failed(&recovery, "Only the whole amount in the order's currency can be captured."));
    }
    if recovery.state != RecoveryState::CaptureRequired {
        return Ok(failed(&recovery, "The order does not wait for a capture."));
    }
    let runner = Arc::clone(platform);
    let task = platform.tracker.spawn(async move { runner.run_capture(recovery, id).await });
    task.await.unwrap_or_else(|_| Err(Refusal::titled(StatusCode::GATEWAY_TIMEOUT, UNDER_WAY)))
}

impl Platform {
    async fn run_capture(&self, recovery: Recovery, id: OperationId) -> Result<Response, Refusal> {
        let Some(attempt) = self.approved_attempt(&recovery).await? else {
            return Ok(failed(&recovery, "The order does not wait for a capture."));
        };
        let why = "The merchant captures the order.";
        let operation = Operation {
            id,
            ..self.charging.new_operation(OperationKind::Capture, &attempt, recovery.amount, why)
        };
        let result = self.charging.operate(&operation, &attempt, self).await;
        Ok(response(&recovery, &ended(result)?))
    }
}

fn response(recovery: &Recovery, ended: &Ended) -> Response {
    match ended {
        Ended::Done(operation) => {
            let own = json!({
                "orderId": recovery.id.uuid(),
                "orderSessionKey": recovery.id.uuid(),
                "transactionId": operation.id.uuid(),
                "result": "Success",
                "status": "SUCCESS",
            });
            json_response(StatusCode::OK, &envelope(true, own))
        }
        Ended::Refused(operation) => {
            failed(recovery, operation.text.as_deref().unwrap_or("The acquirer refused the capture."))
        }
    }
}

fn failed(recovery: &Recovery, message: &str) -> Response {
    let own = json!({
        "orderId": recovery.id.uuid(),
        "orderSessionKey": recovery.id.uuid(),
        "result": "Failed",
        "status": "FAILED",
        "errors": [{"item1": message, "item2": null, "item3": null, "item4": true}],
        "responseMessage": message,
    });
    json_response(StatusCode::OK, &envelope(false, own))
}
