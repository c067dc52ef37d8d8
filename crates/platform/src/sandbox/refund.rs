//! `POST /sandbox/orders/{id}/refund`: somebody refunds an order in the service's portal now.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Money;

use crate::Platform;
use crate::answer::Refusal;
use crate::body::Body;

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

/// Body, optional: `amount` (minor units; what is left unless named). Answers as a refund by the merchant does.
async fn refund(
    platform: &Arc<Platform>,
    id: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse_or_blank(body).ok_or_else(Refusal::not_json)?;
    let recovery = platform.order(account.merchant_id, id).await?;
    let left = recovery.amount.minor().saturating_sub(recovery.refunded_minor);
    let minor =
        if body.has("amount") { body.integer("amount").filter(|minor| *minor > 0) } else { Some(left) };
    let minor = minor.ok_or_else(|| Refusal::field("Amount", "The field Amount is invalid."))?;
    let amount = Money::new(minor, recovery.amount.currency());
    platform.refund(recovery, None, amount, "The order was refunded in the portal.").await
}
