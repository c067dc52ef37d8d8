//! `GET /v1/orders/{id}`: one order.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::orders::row::row;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    get(&platform, &id, &headers).await.unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn get(platform: &Platform, id: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let recovery = platform.order(account.merchant_id, id).await?;
    let whole: Value = envelope(true, row(&recovery));
    Ok(json_response(StatusCode::OK, &whole))
}
