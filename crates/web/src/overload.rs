//! A limit on how many requests run at once.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// When a caller that was turned away may come back, seconds.
const RETRY_AFTER_SECS: u32 = 1;

/// Runs the request if a permit is free, else turns it away at once: a checkout that waits in a queue is lost too, and
/// one that was surely not begun can be sent again.
pub(crate) async fn shed(State(permits): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = permits.try_acquire() else {
        tracing::warn!("Turned a request away: as many as allowed are running");
        return Problem::overloaded(RETRY_AFTER_SECS).into_response();
    };
    next.run(request).await
}
