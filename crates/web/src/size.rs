//! A limit on the body's size that also holds for handlers which read the body by themselves.

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

/// Refuses a body whose announced length is too large. The layer inside counts the bytes of bodies that announce none;
/// it would answer these in plain text.
pub(crate) async fn refuse_large(
    State(body_bytes_max): State<usize>,
    request: Request,
    next: Next,
) -> Response {
    let bytes_max = u64::try_from(body_bytes_max).unwrap_or(u64::MAX);
    if request.body().size_hint().lower() > bytes_max {
        return Problem::too_large().into_response();
    }
    next.run(request).await
}
