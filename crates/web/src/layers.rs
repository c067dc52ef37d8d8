//! What stands around every handler, from the outside in: trace and request id, security headers, panics, load, size.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::problem::Problem;
use crate::request_id::RequestIds;
use crate::{overload, panics, security, size, trace};

/// Largest request body unless [`Limits`] says otherwise, bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Most requests handled at once unless [`Limits`] says otherwise.
pub const REQUEST_COUNT_MAX: usize = 1024;

/// The limits of one server. There is no time limit: dropping a handler halfway could leave a charge in doubt.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request body, bytes; an extractor may have a lower limit of its own.
    pub body_bytes_max: usize,
    /// Most requests handled at once, over all routes; what comes on top is answered 503 and not begun.
    pub request_count_max: usize,
    /// Where request ids come from.
    pub request_ids: RequestIds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            request_count_max: REQUEST_COUNT_MAX,
            request_ids: RequestIds::default(),
        }
    }
}

/// Puts the layers around every route that `router` has so far, its fallbacks included. Call it last.
pub fn layers(router: Router, limits: Limits) -> Router {
    let permits = Arc::new(Semaphore::new(limits.request_count_max.min(Semaphore::MAX_PERMITS)));
    // The last one stands outermost.
    router
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body_bytes_max))
        .layer(from_fn_with_state(limits.body_bytes_max, size::refuse_large))
        .layer(from_fn_with_state(permits, overload::shed))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn(security::set_headers))
        .layer(from_fn_with_state(limits.request_ids, trace::follow))
}

/// Answers unknown addresses and methods with a [`Problem`] instead of an empty body. Call it before [`layers`].
pub fn fallbacks(router: Router) -> Router {
    router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
}
