//! Problem documents as they are written.
#![cfg(test)]

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use recoup_web::problem::CONTENT_TYPE;
use recoup_web::{FieldError, Problem};
use rstest::rstest;

async fn json(response: Response) -> serde_json::Value {
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_problem_is_written_as_a_problem_document() {
    let response = Problem::invalid([("card.number", "is missing")]).into_response();
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
    let expected = serde_json::json!({
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "invalid_fields",
        "detail": "Some fields are wrong; each is listed with what to do about it.",
        "errors": [{"field": "card.number", "message": "is missing"}],
    });
    assert_eq!(json(response).await, expected);
}

#[rstest]
#[case(Problem::bad_request("bad_cursor", "…"), 400, "bad_cursor")]
#[case(Problem::unauthorized(), 401, "unauthorized")]
#[case(Problem::forbidden(), 403, "forbidden")]
#[case(Problem::not_found(), 404, "not_found")]
#[case(Problem::method_not_allowed(), 405, "method_not_allowed")]
#[case(Problem::conflict("order_paid", "…"), 409, "order_paid")]
#[case(Problem::too_large(), 413, "too_large")]
#[case(Problem::unsupported_media_type("text/csv"), 415, "unsupported_media_type")]
#[case(Problem::too_many_requests(9), 429, "too_many_requests")]
#[case(Problem::overloaded(9), 503, "overloaded")]
#[tokio::test]
async fn each_kind_has_its_status_and_code(
    #[case] problem: Problem,
    #[case] status: u16,
    #[case] code: &str,
) {
    let response = problem.into_response();
    assert_eq!(response.status(), status);
    assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
    let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
    assert_eq!(retry_after, matches!(status, 429 | 503).then(|| HeaderValue::from_static("9")));
    let document = json(response).await;
    assert_eq!((&document["status"], &document["code"]), (&status.into(), &code.into()));
}

#[tokio::test]
async fn an_internal_problem_tells_the_caller_nothing_of_its_cause() {
    let response = Problem::internal("password of the database is hunter2").into_response();
    assert_eq!(response.status(), 500);
    assert!(!json(response).await.to_string().contains("hunter2"));
}

#[test]
fn problems_of_a_configuration_keep_their_places() {
    let wrong = domain::placement::Problem::new("gateways[4].cascade_all", "turn it off");
    let problem = Problem::from(vec![wrong]);
    assert_eq!(problem.errors(), [FieldError::from(("gateways[4].cascade_all", "turn it off"))]);
}
