//! `POST /v1/orders/{id}/refund`: gives money back, in major units.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use charging::OperateError;
use domain::ids::OperationId;
use domain::money::Money;
use gateways::OperationKind;
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;
use storage::operations::Operation;
use storage::platform::{Recovery, RecoveryState};

use crate::answer::{Refusal, envelope, json_response};
use crate::body::Body;
use crate::evaluate::read::is_possible_id;
use crate::orders::{Ended, UNDER_WAY, ended, state_of};
use crate::{Platform, order_of};

/// The service's code for "more than is left", as observed.
const TOO_MUCH: &str = "2001";

/// Why, in the books.
const WHY: &str = "The merchant refunds the order.";
/// The same refund without a key asked for again within this time is the same refund.
const REPEATED_WITHIN_MINUTES: i64 = 10;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    refund(&platform, &id, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn refund(
    platform: &Arc<Platform>,
    id: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let recovery = platform.order(account.merchant_id, id).await?;
    let amount = amount(&body, &recovery)?;
    let key = body.text("idempotencykey");
    if !is_possible_id(&key) {
        return Err(Refusal::field("IdempotencyKey", "The field IdempotencyKey is invalid."));
    }
    let id = match key.as_str() {
        "" => None,
        key => Some(platform.operation_id("refund", &recovery, key)?),
    };
    let known = match id {
        Some(id) => platform.known_refund(&recovery, id, amount).await?,
        None => platform.repeated_refund(&recovery, amount).await?,
    };
    match known {
        Some(known) => Ok(known),
        None => platform.refund(recovery, id, amount, WHY).await,
    }
}

impl Platform {
    /// The answer to a refund whose key was used before.
    async fn known_refund(
        &self,
        recovery: &Recovery,
        id: OperationId,
        amount: Money,
    ) -> Result<Option<Response>, Refusal> {
        let Some(known) = self.store().find_operation(recovery.merchant_id, id).await? else {
            return Ok(None);
        };
        if known.amount != amount {
            let title = "This idempotencyKey was used for another refund.";
            return Err(Refusal::titled(StatusCode::CONFLICT, title));
        }
        Ok(Some(response(recovery, state_of(known)?)))
    }

    /// The answer to a refund without a key that was made a short while ago: the documents say that a repeated call does
    /// not refund twice, and clients send no key. What was refunded whole is answered as more than is left.
    async fn repeated_refund(&self, recovery: &Recovery, amount: Money) -> Result<Option<Response>, Refusal> {
        if recovery.state != RecoveryState::Approved {
            return Ok(None);
        }
        let since = self.now() - SignedDuration::from_mins(REPEATED_WITHIN_MINUTES);
        let all = self.store().list_operations_of_order(recovery.merchant_id, order_of(recovery.id)).await?;
        // One that is under way is answered with 409, as any other.
        let is_same = |one: &Operation| {
            (one.kind.as_str(), one.state.as_str(), one.why.as_str()) == ("refund", "done", WHY)
                && one.amount == amount
                && one.created_at > since
        };
        match all.into_iter().rev().find(is_same) {
            Some(known) => Ok(Some(response(recovery, state_of(known)?))),
            None => Ok(None),
        }
    }

    /// Gives money back, on a task of its own; `id` when the request has a key.
    pub(crate) async fn refund(
        self: &Arc<Self>,
        recovery: Recovery,
        id: Option<OperationId>,
        amount: Money,
        why: &'static str,
    ) -> Result<Response, Refusal> {
        match recovery.state {
            RecoveryState::Approved => {}
            RecoveryState::Refunded => return Ok(too_much(&recovery)),
            RecoveryState::Processing
            | RecoveryState::Open
            | RecoveryState::Doubtful
            | RecoveryState::CaptureRequired
            | RecoveryState::Declined
            | RecoveryState::Challenge
            | RecoveryState::Expired
            | RecoveryState::Cancelled => {
                let title = "Only an order whose money was taken can be refunded.";
                return Err(Refusal::titled(StatusCode::BAD_REQUEST, title));
            }
        }
        let runner = Arc::clone(self);
        let task = self.tracker.spawn(async move { runner.run_refund(recovery, id, amount, why).await });
        task.await.unwrap_or_else(|_| Err(Refusal::titled(StatusCode::GATEWAY_TIMEOUT, UNDER_WAY)))
    }
}

/// Major units as number or text, e.g. `12.34`, in no more digits than the currency has.
fn amount(body: &Body, recovery: &Recovery) -> Result<Money, Refusal> {
    let text = body.text("amounttorefund");
    if text.is_empty() {
        return Err(Refusal::field("AmountToRefund", "The AmountToRefund field is required."));
    }
    let amount = text
        .parse::<Decimal>()
        .ok()
        .and_then(|major| Money::parse_in(&major.normalize().to_string(), recovery.amount.currency()).ok())
        .filter(|amount| !amount.is_zero() && !amount.is_negative());
    amount.ok_or_else(|| Refusal::field("AmountToRefund", "The field AmountToRefund is invalid."))
}

impl Platform {
    async fn run_refund(
        &self,
        recovery: Recovery,
        id: Option<OperationId>,
        amount: Money,
        why: &str,
    ) -> Result<Response, Refusal> {
        let Some(attempt) = self.approved_attempt(&recovery).await? else {
            return Ok(too_much(&recovery));
        };
        let new = self.charging.new_operation(OperationKind::Refund, &attempt, amount, why);
        let operation = Operation { id: id.unwrap_or(new.id), ..new };
        let result = self.charging.operate(&operation, &attempt, self).await;
        if matches!(result, Err(OperateError::TooMuch | OperateError::NotApproved)) {
            return Ok(too_much(&recovery));
        }
        Ok(response(&recovery, ended(result)?))
    }
}

fn response(recovery: &Recovery, ended: Ended) -> Response {
    match ended {
        Ended::Done(operation) => {
            let own = json!({
                "orderId": recovery.id.uuid(),
                "result": "Success",
                "status": "SUCCESS",
                "responseCode": "100",
                "responseMessage": "APPROVED",
                "transactionId": operation.id.uuid(),
            });
            json_response(StatusCode::OK, &envelope(true, own))
        }
        Ended::Refused(operation) => {
            let code = operation.code.unwrap_or_default();
            let words = operation.text.unwrap_or_default();
            failed(recovery, &code, &words)
        }
    }
}

fn too_much(recovery: &Recovery) -> Response {
    failed(recovery, TOO_MUCH, "The amount to refund is more than what is left of the order.")
}

fn failed(recovery: &Recovery, code: &str, message: &str) -> Response {
    let own = json!({
        "orderId": recovery.id.uuid(),
        "result": "Failed",
        "status": "FAILED",
        "responseCode": code,
        "responseMessage": message,
        "transactionId": null,
        "errors": [{"item1": message, "item2": code, "item3": code, "item4": true}],
    });
    json_response(StatusCode::OK, &envelope(false, own))
}
