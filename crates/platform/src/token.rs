//! `POST /v1/oauth2/token`: an access token for a key pair.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::answer::{Refusal, envelope, json_response};
use crate::body::Body;
use crate::{Platform, bearer};

const TOO_OFTEN: &str = "Too many token calls for this AppKey; a token is good for ten minutes, so keep it.";

/// Any `Authorization` header is ignored: clients send stale ones along.
pub(crate) async fn endpoint(State(platform): State<Arc<Platform>>, body: Bytes) -> Response {
    issue(&platform, &body).await.unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

async fn issue(platform: &Platform, body: &Bytes) -> Result<Response, Refusal> {
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let key = body.text("appkey");
    if !platform.token_limit.enter(&key, platform.settings.token_calls_per_minute_max, platform.now()) {
        return Err(Refusal::titled(StatusCode::TOO_MANY_REQUESTS, TOO_OFTEN));
    }
    let Some(account) = platform.account_of_key(&key, &body.text("appsecret")).await? else {
        platform.token_limit.count_wrong(&key);
        // 400, not 401: so the real service answers.
        return Err(Refusal::titled(StatusCode::BAD_REQUEST, "The AppKey or the AppSecret is wrong."));
    };
    let nonce = platform.minter.uuid();
    let (token, until) = bearer::issue(&platform.vault, account.merchant_id, nonce, platform.now());
    let own = json!({
        "accessToken": token,
        // How clients exchange it is documented nowhere; it is nobody's key here.
        "refreshToken": platform.minter.uuid().simple().to_string(),
        "expires": until,
        "id": account.id.uuid(),
        "session": null,
        "daysToEnforceMFA": null,
        "skipAvailable": null,
    });
    Ok(json_response(StatusCode::OK, &envelope(true, own)))
}
