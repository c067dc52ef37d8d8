//! One span and one line per request. They hold method and path, never the query string or a header (M33).

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::rejection::shown;
use crate::request_id::{self, RequestIds};

/// Gives the request its id, runs it in its span, logs its end, and sends the id back.
pub(crate) async fn follow(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.of(request.headers());
    let method = request.method().clone();
    let path = shown(request.uri().path());
    request.extensions_mut().insert(id.clone());

    let span = tracing::info_span!("request", request.id = %id, http.method = %method, http.path = path);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;

    let status = response.status().as_u16();
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(
            http.status = status,
            http.elapsed_ms = millis,
            "Answered {method} {path} with {status} in {millis} ms"
        );
    });
    response.headers_mut().insert(request_id::HEADER, id.header_value());
    response
}
