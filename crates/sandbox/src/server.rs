//! The HTTP server: the two gateway endpoints with their faults, and our control API beside them.

use std::{sync::Arc, time::Duration};

use axum::{
    RequestExt as _, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;

use crate::{
    control,
    faults::{self, FaultKind, FaultTarget},
    query,
    sandbox::Sandbox,
    transact::{self, Fields, Reply, authenticate},
};

/// The largest request body taken, in bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The gateway (`/api/transact.php`, `/api/query.php`) and the control API (`/sandbox/v1/…`).
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/api/transact.php", post(transact_endpoint))
        .route("/api/query.php", post(query_endpoint))
        .nest("/sandbox/v1", control::router())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(sandbox)
}

/// Serves until `shutdown` is done; requests under way are answered first.
pub async fn serve(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Cannot switch off delayed sending: {error}");
        }
    });
    axum::serve(listener, router(sandbox)).with_graceful_shutdown(shutdown).await
}

async fn transact_endpoint(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(sandbox, FaultTarget::Transact, &headers, &body).await
}

async fn query_endpoint(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(sandbox, FaultTarget::Query, &headers, &body).await
}

/// Looks up the request's fault and acts under it.
async fn answer(sandbox: Arc<Sandbox>, target: FaultTarget, headers: &HeaderMap, body: &[u8]) -> Response {
    let fields = if is_form(headers) { Fields::parse(body) } else { Fields::default() };
    match fault_of(&sandbox, target, &fields) {
        None => act(&sandbox, target, &fields),
        Some(FaultKind::DropBefore) => dropped(),
        Some(FaultKind::ActThenDrop) => {
            act(&sandbox, target, &fields);
            dropped()
        }
        Some(FaultKind::Status5xx { status, acts }) => {
            if acts {
                act(&sandbox, target, &fields);
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            (status, [(header::CONTENT_TYPE, "text/html")], "<html><body>Try again later</body></html>")
                .into_response()
        }
        Some(FaultKind::Slow { latency_ms }) => slow(sandbox, target, fields, latency_ms).await,
        Some(FaultKind::RateLimited) if target == FaultTarget::Query => xml(query::rate_limited()),
        Some(FaultKind::RateLimited) => line(&Reply::rate_limited()),
        Some(FaultKind::TooManyRequests) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some(FaultKind::Code420 { acts }) => lost_at_processor(&sandbox, &fields, 420, acts),
        Some(FaultKind::Code430 { acts }) => lost_at_processor(&sandbox, &fields, 430, acts),
    }
}

fn fault_of(sandbox: &Sandbox, target: FaultTarget, fields: &Fields) -> Option<FaultKind> {
    let account = authenticate(sandbox, fields).map(|account| account.name.as_str()).unwrap_or_default();
    let orderid = if target == FaultTarget::Query { "order_id" } else { "orderid" };
    let request = faults::Request {
        target,
        orderid: fields.get(orderid),
        transaction_type: fields.get("type"),
        account,
    };
    sandbox.lock().faults.take(&request)
}

/// Carries out the request.
fn act(sandbox: &Sandbox, target: FaultTarget, fields: &Fields) -> Response {
    let answer = if target == FaultTarget::Query {
        query::handle(sandbox, fields).map(xml)
    } else {
        transact::handle(sandbox, fields, None).map(|reply| line(&reply))
    };
    answer.unwrap_or_else(|error| journal_failed(&error))
}

/// Waits, then acts, in a task of its own: a caller who hangs up meanwhile does not undo the payment.
async fn slow(sandbox: Arc<Sandbox>, target: FaultTarget, fields: Fields, latency_ms: u64) -> Response {
    let task = tokio::spawn(async move {
        #[expect(clippy::disallowed_methods, reason = "the fault is a real wait, which no due time can be")]
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        act(&sandbox, target, &fields)
    });
    task.await.unwrap_or_else(|_| dropped())
}

/// The processor's answer is lost: with `acts` the payment was made, else it failed there.
fn lost_at_processor(sandbox: &Sandbox, fields: &Fields, code: u16, acts: bool) -> Response {
    let forced = if acts { None } else { Some(code) };
    match transact::handle(sandbox, fields, forced) {
        Ok(reply) if reply.code == 100 => line(&Reply::processor_lost(code).echo(fields)),
        Ok(reply) => line(&reply),
        Err(error) => journal_failed(&error),
    }
}

/// An answer that breaks before its first byte: the server closes the connection having sent nothing.
///
/// The body is longer than its limit, so reading it fails; the head is still unsent at that moment.
fn dropped() -> Response {
    let mut request = Request::new(Body::from("xx"));
    DefaultBodyLimit::max(1).apply(&mut request);
    Response::new(request.with_limited_body().into_body())
}

fn line(reply: &Reply) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=UTF-8")], reply.render()).into_response()
}

fn xml(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=UTF-8")], body).into_response()
}

fn journal_failed(error: &std::io::Error) -> Response {
    tracing::error!(%error, "The sandbox cannot write its journal, nothing was charged: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Whether the body is a form, in any case of the content type; a missing type counts as one.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let text = value.to_str().unwrap_or_default();
    let mime = text.split(';').next().unwrap_or_default();
    mime.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
