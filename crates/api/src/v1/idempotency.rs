//! `Idempotency-Key`: the same key and request replays the stored answer (M3).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::ids::MerchantId;
use hub::Hub;
use serde::Serialize;
use storage::{Transaction, idempotency};
use web::Problem;

use super::errors;

/// The header.
pub(crate) const KEY_HEADER: &str = "idempotency-key";
/// Set on an answer that was stored before.
const REPLAYED_HEADER: &str = "idempotency-replayed";
/// Most characters of a key.
const KEY_CHARS_MAX: usize = 255;

/// The key of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(KEY_HEADER) else {
            let words = "Send an Idempotency-Key: a text of your own, new for each order and the same for its repetitions.";
            return Err(Problem::bad_request("idempotency_key_missing", words));
        };
        let key = value.to_str().unwrap_or_default().trim();
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > KEY_CHARS_MAX || !visible {
            let words = "An Idempotency-Key is 1 to 255 visible characters of ASCII without blanks.";
            return Err(Problem::bad_request("idempotency_key_malformed", words));
        }
        Ok(Self(key.to_owned()))
    }
}

/// How the work under a key ended.
pub(crate) enum Ended {
    /// Done; this answer is kept and replayed.
    Done(StatusCode, String),
    /// Refused before anything was done: the key may be used again.
    Refused(Problem),
    /// Nobody knows what was done: the key stays taken, so that nothing is done twice.
    Unknown(Problem),
}

impl Ended {
    /// Done, with this answer.
    pub(crate) fn done(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self::Done(status, body),
            Err(error) => Self::Unknown(Problem::internal(error)),
        }
    }
}

/// Does the work once per key. It goes on when the caller hangs up, so that the answer is there when the caller asks
/// again.
pub(crate) async fn once(
    hub: Hub,
    merchant_id: MerchantId,
    IdempotencyKey(key): IdempotencyKey,
    fingerprint: String,
    work: impl Future<Output = Ended> + Send + 'static,
) -> Result<Response, Problem> {
    let now = hub.minter().now();
    let take = Transaction::new("take_idempotency_key").with(idempotency::take(
        merchant_id,
        &key,
        &fingerprint,
        now,
    ));
    let worker = hub.clone();
    let task = worker.spawn(async move {
        match hub.store().commit(take).await {
            Ok(_) => {}
            Err(error) if error.is_conflict_in(idempotency::KEY_USED) => {
                return used_before(&hub, merchant_id, &key, &fingerprint).await;
            }
            Err(error) => return Err(errors::store(error)),
        }
        match work.await {
            Ended::Done(status, body) => {
                let kept = idempotency::answer(merchant_id, &key, i64::from(status.as_u16()), &body);
                keep(&hub, kept).await;
                Ok(answer(status, body))
            }
            Ended::Refused(problem) => {
                keep(&hub, idempotency::forget(merchant_id, &key)).await;
                Err(problem)
            }
            Ended::Unknown(problem) => Err(problem),
        }
    });
    task.await.map_err(Problem::internal)?
}

/// The answer is due to the caller also when it cannot be kept.
async fn keep(hub: &Hub, step: storage::Step) {
    if let Err(error) = hub.store().commit(Transaction::new("end_idempotency_key").with(step)).await {
        tracing::error!(error = %error, "An idempotency key could not be ended");
    }
}

async fn used_before(
    hub: &Hub,
    merchant_id: MerchantId,
    key: &str,
    fingerprint: &str,
) -> Result<Response, Problem> {
    let in_use = || {
        let words = "A request with this Idempotency-Key is under way, or was cut off. Ask again in a moment; if this \
                     answer stays, look the order up before you send it under a new key.";
        Problem::conflict("idempotency_key_in_use", words)
    };
    let kept = hub.store().find_idempotency_key(merchant_id, key).await.map_err(errors::store)?;
    let kept = kept.ok_or_else(in_use)?;
    if kept.fingerprint != fingerprint {
        let words = "This Idempotency-Key was used for another request; send a new key for a new order.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", words));
    }
    let (status, body) = kept.answer.ok_or_else(in_use)?;
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| Problem::internal("a stored answer has no HTTP status"))?;
    let mut response = answer(status, body);
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    Ok(response)
}

fn answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
