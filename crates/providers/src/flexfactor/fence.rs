//! Makes sure that a submission can have no effect any more (M8).
//!
//! Source: <https://docs.flexfactor.io/docs/cancel>: safe to repeat, and by the merchant's own order id for when the answer
//! to the evaluation never came. No idempotency key goes along: it would replay an old "unknown" instead of looking again.

use domain::doubt::FenceAnswer;
use gateways::{InquireRequest, Method};

use super::client::Client;
use super::operate::is_refusal;

/// Cancels by FlexFactor's id when we have it, and by our reference.
pub(crate) async fn fence(client: &Client, request: &InquireRequest) -> FenceAnswer {
    let by_id = match request.gateway_reference.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Some(cancel(client, &["orders", id, "cancel"]).await),
        None => None,
    };
    if by_id == Some(FenceAnswer::Confirmed) {
        return FenceAnswer::Confirmed;
    }
    match (cancel(client, &["orders", &request.reference, "external-cancel"]).await, by_id) {
        (FenceAnswer::Unknown, Some(FenceAnswer::Failed)) => FenceAnswer::Failed,
        (answer, _) => answer,
    }
}

async fn cancel(client: &Client, segments: &[&str]) -> FenceAnswer {
    match client.call(Method::Post, &client.at(segments, &[]), b"{}".to_vec()).await {
        Ok(answer) if answer.status == 404 => FenceAnswer::Unknown,
        Ok(answer) if (200..=299).contains(&answer.status) && !is_refusal(&answer) => FenceAnswer::Confirmed,
        Ok(_) | Err(_) => FenceAnswer::Failed,
    }
}
