//! The HTTP server.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use web::Limits;

use crate::{AccountError, Platform, evaluate, orders, outcome, sandbox, token, tokenize, transmit};

/// The largest request body taken, bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The API under `/v1/`; double slashes in paths count as one, as old clients write them.
pub fn router(platform: Arc<Platform>) -> Router {
    let api = Router::new()
        .route("/v1/oauth2/token", post(token::endpoint))
        .route("/v1/tokenize", post(tokenize::endpoint))
        .route("/v1/evaluate", post(evaluate::endpoint))
        .route("/v1/capture", post(orders::capture::endpoint))
        .route("/v1/orders", get(orders::list::endpoint))
        .route("/v1/orders/{id}", get(orders::get::endpoint))
        .route("/v1/orders/{id}/refund", post(orders::refund::endpoint))
        .route("/v1/orders/{id}/cancel", post(orders::cancel::endpoint))
        .route("/v1/orders/{id}/external-cancel", post(orders::cancel::external_endpoint))
        .route("/v1/transmit", post(transmit::endpoint))
        .route("/v1/outcome", post(outcome::endpoint));
    let api = if platform.settings.sandbox { with_controls(api) } else { api };
    let api = web::fallbacks(api.with_state(platform));
    let outer = Router::new().fallback(move |mut request: Request| {
        let api = api.clone();
        async move {
            *request.uri_mut() = single_slashes(request.uri());
            api.oneshot(request).await
        }
    });
    web::layers(outer, Limits { body_bytes_max: BODY_BYTES_MAX, ..Limits::default() })
}

/// The sandbox's own calls; a service for real money does not know them.
fn with_controls(api: Router<Arc<Platform>>) -> Router<Arc<Platform>> {
    api.route("/sandbox/orders/{id}/chargeback", post(sandbox::chargeback::endpoint))
        .route("/sandbox/orders/{id}/refund", post(sandbox::refund::endpoint))
}

/// Serves until `shutdown` is done; then waits for the rescues under way.
pub async fn serve(
    listener: TcpListener,
    platform: Arc<Platform>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    platform.prepare().await.map_err(|error: AccountError| std::io::Error::other(error))?;
    let served = web::serve(listener, router(Arc::clone(&platform)), shutdown).await;
    platform.tracker().close();
    platform.tracker().wait().await;
    served
}

/// The same address with every run of slashes in its path as one.
fn single_slashes(uri: &Uri) -> Uri {
    let path = uri.path();
    if !path.contains("//") {
        return uri.clone();
    }
    let mut short = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !short.ends_with('/') {
            short.push(letter);
        }
    }
    if let Some(query) = uri.query() {
        short.push('?');
        short.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    match PathAndQuery::try_from(short) {
        Ok(short) => parts.path_and_query = Some(short),
        Err(_) => return uri.clone(),
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_slashes_count_as_one() {
        let uri = Uri::from_static("/v1//orders//x/refund?query=a//b");
        assert_eq!(single_slashes(&uri).to_string(), "/v1/orders/x/refund?query=a//b");
        assert_eq!(single_slashes(&Uri::from_static("/v1/orders")).to_string(), "/v1/orders");
    }
}
