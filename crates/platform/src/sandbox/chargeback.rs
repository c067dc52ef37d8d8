//! `POST /sandbox/orders/{id}/chargeback`: the issuer takes an order's money back now.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::Money;
use serde_json::json;
use storage::Transaction;
use storage::platform as rows;

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::body::{Body, storable};

/// The issuer's reason unless the request names one.
const REASON: &str = "fraud";
const NOT_POSSIBLE: &str = "Only an order whose money was taken can be charged back, and only once.";

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    charge_back(&platform, &id, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

/// Body, all optional: `amount` (minor units; the whole unless named) and `reason`.
async fn charge_back(
    platform: &Platform,
    id: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse_or_blank(body).ok_or_else(Refusal::not_json)?;
    let recovery = platform.order(account.merchant_id, id).await?;
    let whole = recovery.amount.minor();
    let named = body.integer("amount").filter(|minor| (1..=whole).contains(minor));
    let minor = if body.has("amount") { named } else { Some(whole) };
    let minor = minor.ok_or_else(|| Refusal::field("Amount", "The field Amount is invalid."))?;
    let reason = match storable(&body.text("reason")) {
        reason if reason.is_empty() => REASON.to_owned(),
        reason => reason,
    };
    let amount = Money::new(minor, recovery.amount.currency());
    let mid = account.merchant_id;
    let transaction = Transaction::new("charge_back")
        .with(rows::charge_back_recovery(mid, recovery.id, platform.now()))
        .with(platform.tell_chargeback(mid, recovery.id, amount, &reason));
    match platform.store().commit(transaction).await {
        Ok(_) => {
            let own = json!({"orderId": recovery.id.uuid(), "result": "Success", "status": "SUCCESS"});
            Ok(json_response(StatusCode::OK, &envelope(true, own)))
        }
        Err(error) if error.is_conflict_in(rows::CHARGED_BACK_BEFORE) => {
            Err(Refusal::titled(StatusCode::CONFLICT, NOT_POSSIBLE))
        }
        Err(error) => Err(error.into()),
    }
}
