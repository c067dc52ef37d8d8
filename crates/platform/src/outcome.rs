//! `POST /v1/outcome`: where an order stands, as it was asked for before there was `GET /orders/{id}`.
//!
//! Source: <https://docs.flexfactor.io/docs/outcome-1>.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::ids::RecoveryId;
use serde_json::json;
use storage::platform::RecoveryState;
use uuid::Uuid;

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::body::Body;
use crate::webhooks::confirmation_id;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    outcome(&platform, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn outcome(platform: &Platform, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let key = body.text("ordersessionkey");
    if key.is_empty() {
        let message = "The OrderSessionKey field is required.";
        return Err(Refusal::field("OrderSessionKey", message));
    }
    let found = match key.parse::<Uuid>() {
        Ok(id) => platform.store().find_recovery(account.merchant_id, RecoveryId::from_uuid(id)).await?,
        Err(_) => None,
    };
    let status = found.as_ref().map_or("NOTFOUND", |recovery| word_of(recovery.state));
    let own = json!({
        "result": if found.is_some() { "Success" } else { "Failed" },
        "status": status,
        "confirmationId": found.as_ref().map(|recovery| confirmation_id(recovery.id)),
    });
    Ok(json_response(StatusCode::OK, &envelope(found.is_some(), own)))
}

/// The documented words know no hold, challenge or refund: a hold is still in work, a refund was an approval.
fn word_of(state: RecoveryState) -> &'static str {
    match state {
        RecoveryState::Approved | RecoveryState::Refunded => "APPROVED",
        RecoveryState::Doubtful | RecoveryState::Declined => "DECLINED",
        RecoveryState::Expired => "EXPIRED",
        RecoveryState::Cancelled => "CANCELLED",
        RecoveryState::Open => "SUBMITTED",
        RecoveryState::Processing | RecoveryState::CaptureRequired | RecoveryState::Challenge => "PROCESSING",
    }
}
