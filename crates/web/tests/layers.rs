//! The layers around a router: ids, headers, limits, panics, fallbacks; in process.
#![cfg(test)]

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use recoup_web::{Limits, RequestId, Shutdown, fallbacks, layers};
use rstest::rstest;
use tower::ServiceExt as _;

fn app(limits: Limits) -> Router {
    let router = Router::new()
        .route("/id", get(async |Extension(id): Extension<RequestId>| id.to_string()))
        .route("/cached", get(async || [(header::CACHE_CONTROL, "max-age=60")]))
        .route("/panic", get(async || -> &'static str { panic!("4111111111111111") }))
        .route("/bytes", post(async |body: axum::body::Bytes| body.len().to_string()))
        .route("/raw", post(async |body: Body| to_bytes(body, usize::MAX).await.is_ok().to_string()));
    layers(fallbacks(router), limits)
}

async fn call(router: Router, request: Request<Body>) -> Response {
    router.oneshot(request).await.unwrap()
}

fn get_request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_has_one_id_in_handler_and_answer() {
    let router = app(Limits::default());
    let response = call(router.clone(), get_request("/id")).await;
    assert_eq!(response.headers()["x-request-id"], "1");
    assert_eq!(text(response).await, "1");

    let request = Request::get("/id").header("x-request-id", "checkout-5").body(Body::empty()).unwrap();
    let response = call(router, request).await;
    assert_eq!(response.headers()["x-request-id"], "checkout-5");
    assert_eq!(text(response).await, "checkout-5");
}

#[rstest]
#[case("/id", 200)]
#[case("/panic", 500)]
#[case("/nowhere", 404)]
#[case("/bytes", 405)]
#[tokio::test]
async fn every_answer_carries_the_security_headers_and_an_id(#[case] path: &str, #[case] status: u16) {
    let response = call(app(Limits::default()), get_request(path)).await;
    assert_eq!(response.status(), status);
    let headers = response.headers();
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert!(headers.contains_key("x-request-id"));
    let is_problem = headers["content-type"] == "application/problem+json";
    assert_eq!(is_problem, status >= 400);
    assert_eq!(headers.contains_key("allow"), status == 405);
    assert!(!text(response).await.contains("4111"));
}

#[tokio::test]
async fn a_handlers_own_cache_rule_stays() {
    let response = call(app(Limits::default()), get_request("/cached")).await;
    assert_eq!(response.headers()["cache-control"], "max-age=60");
}

#[rstest]
#[case::announced("/bytes", Body::from(vec![b'x'; 11]), 413)]
#[case::announced_and_read_raw("/raw", Body::from(vec![b'x'; 11]), 413)]
#[case::just_fits("/bytes", Body::from(vec![b'x'; 10]), 200)]
#[tokio::test]
async fn a_body_over_the_limit_is_refused(#[case] path: &str, #[case] body: Body, #[case] status: u16) {
    let limits = Limits { body_bytes_max: 10, ..Limits::default() };
    let response = call(app(limits), Request::post(path).body(body).unwrap()).await;
    assert_eq!(response.status(), status);
    assert_eq!(text(response).await.contains("\"too_large\""), status == 413);
}

#[tokio::test]
async fn the_default_limit_of_axum_does_not_apply_below_ours() {
    let limits = Limits { body_bytes_max: 4 * 1024 * 1024, ..Limits::default() };
    let body = Body::from(vec![b'x'; 3 * 1024 * 1024]);
    let response = call(app(limits), Request::post("/bytes").body(body).unwrap()).await;
    assert_eq!(text(response).await, "3145728");
}

#[tokio::test]
async fn the_request_over_the_limit_is_turned_away_and_the_place_is_free_afterwards() {
    let (entered, leave) = (Shutdown::new(), Shutdown::new());
    let (enter, left) = (entered.clone(), leave.clone());
    let slow = async move || {
        enter.request();
        left.requested().await;
        "done"
    };
    let router = Router::new().route("/slow", get(slow)).route("/quick", get(async || "quick"));
    let router = layers(router, Limits { request_count_max: 1, ..Limits::default() });

    let first = tokio::spawn(call(router.clone(), get_request("/slow")));
    entered.requested().await;
    let second = call(router.clone(), get_request("/quick")).await;
    assert_eq!(second.status(), 503);
    assert_eq!(second.headers()["retry-after"], "1");
    leave.request();
    assert_eq!(text(first.await.unwrap()).await, "done");
    assert_eq!(call(router, get_request("/quick")).await.status(), 200);
}
