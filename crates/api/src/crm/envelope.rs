//! What the layers around the server refuse, in the form of these calls.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};

use super::CALLS;
use super::answer::Answer;

/// Largest problem document that is read, bytes.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Puts the envelope around a finished server (after `web::layers`): for the addresses of these calls an overload, a
/// body over the server's limit or a wrong method is answered with status 200 and `ERROR`, as everything else there.
pub fn envelope(router: Router) -> Router {
    router.layer(from_fn(wrap))
}

async fn wrap(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_ours = CALLS.contains(&path.strip_suffix('/').unwrap_or(path));
    let response = next.run(request).await;
    if !is_ours || response.status() == StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let document = to_bytes(body, DOCUMENT_BYTES_MAX).await.unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap_or_default();
    let detail = document.get("detail").and_then(serde_json::Value::as_str);
    let words = detail.map_or_else(|| format!("Refused with status {}.", parts.status), str::to_owned);
    let (envelope, body) = Answer::Error(words).into_response().into_parts();
    parts.status = envelope.status;
    for name in [header::CONTENT_LENGTH, header::WWW_AUTHENTICATE] {
        parts.headers.remove(name);
    }
    parts.headers.extend(envelope.headers);
    Response::from_parts(parts, body)
}
