//! What reaches the log at its most talkative (M33).
#![cfg(test)]

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::{get, post};
use recoup_web::{Json, Limits, Pairs, Path, Problem, Query, fallbacks, layers};
use rstest::rstest;
use tower::ServiceExt as _;
use tracing::level_filters::LevelFilter;

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Everything that this thread logs goes here until the guard is dropped.
    fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape matters")]
struct Page {
    limit: u8,
}

fn app() -> Router {
    let router = Router::new()
        .route("/order/import/", post(async |parameters: Pairs| format!("{parameters:?}")).get(async || "ok"))
        .route("/json", post(async |_body: Json<Page>| "ok"))
        .route("/query", get(async |_query: Query<Page>| "ok"))
        .route("/orders/{id}", get(async |_id: Path<u8>| "ok"))
        .route("/panic", get(async || -> &'static str { panic!("card 4111111111111111") }))
        .route("/broken", get(async || Problem::internal("the disk is full")));
    layers(fallbacks(router), Limits::default())
}

const NUMBER: &str = "4111111111111111";
const SECRETS: [&str; 4] = [NUMBER, "s3cr3t", "creditCardNumber", "hunter2"];
const FORM: &str = "application/x-www-form-urlencoded";

/// Logs one call and returns its status and the log.
async fn logged(method: &str, uri: &str, content_type: &str, body: &str) -> (u16, String) {
    let log = Log::default();
    let guard = log.capture();
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", content_type)
        .header("authorization", "Bearer s3cr3t")
        .header("cookie", "session=hunter2")
        .header("x-request-id", NUMBER)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let status = app().oneshot(request).await.unwrap().status().as_u16();
    drop(guard);
    (status, log.text())
}

#[rstest]
#[case::form(
    "POST",
    "/order/import/?creditCardNumber=4111111111111111",
    FORM,
    "creditCardNumber=4111111111111111",
    200
)]
#[case::query_only("GET", "/order/import/?creditCardNumber=4111111111111111&CVV=s3cr3t", "", "", 200)]
#[case::wrong_type("POST", "/order/import/?creditCardNumber=4111111111111111", "text/plain", "hunter2", 415)]
#[case::unknown_field(
    "POST",
    "/json",
    "application/json",
    r#"{"creditCardNumber": "4111111111111111"}"#,
    422
)]
#[case::wrong_value("POST", "/json", "application/json", r#"{"limit": "4111111111111111"}"#, 422)]
#[case::broken_json("POST", "/json", "application/json", r#"{"limit": s3cr3t"#, 400)]
#[case::wrong_query("GET", "/query?limit=4111111111111111", "", "", 422)]
#[case::number_in_the_path("GET", "/orders/4111111111111111?a=s3cr3t", "", "", 404)]
#[case::unknown_address("GET", "/nowhere?creditCardNumber=4111111111111111", "", "", 404)]
#[case::wrong_method("DELETE", "/order/import/?creditCardNumber=4111111111111111", "", "", 405)]
#[case::panic("GET", "/panic?creditCardNumber=4111111111111111", "", "", 500)]
#[tokio::test]
async fn m33_no_query_string_header_or_body_reaches_the_log(
    #[case] method: &str,
    #[case] uri: &str,
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] status: u16,
) {
    let (answered, log) = logged(method, uri, content_type, body).await;
    assert_eq!(answered, status);
    assert!(log.contains(&format!("http.status={status}")), "{log}");
    assert!(log.contains(&format!("http.method={method}")), "{log}");
    assert!(!log.contains('?'), "{log}");
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn m33_the_log_names_method_path_and_id() {
    let (_, log) = logged("GET", "/order/import/?a=b", "", "").await;
    for part in [
        "http.method=GET",
        "http.path=\"/order/import/\"",
        "request.id=1",
        "Answered GET /order/import/ with 200",
    ] {
        assert!(log.contains(part), "{part} not in {log}");
    }
}

#[tokio::test]
async fn an_internal_problem_is_logged_once_as_an_error() {
    let (status, log) = logged("GET", "/broken", "", "").await;
    assert_eq!(status, 500);
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{log}");
    assert!(errors[0].contains("the disk is full"), "{log}");
}

#[tokio::test]
async fn a_panic_is_logged_once_as_an_error() {
    let (_, log) = logged("GET", "/panic", "", "").await;
    assert_eq!(log.lines().filter(|line| line.contains("ERROR")).count(), 1, "{log}");
}
