//! JSON bodies, in and out.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::rejection::{field_error, innermost, shown};

/// A JSON body: as an argument of a handler it is read, as its answer it is written. Whatever is wrong is a [`Problem`]:
/// 415 for another content type, 413 when too large, 400 `invalid_json` for broken JSON, 422 for fields that do not fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(value) = axum::Json::from_request(request, state).await.map_err(problem)?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(axum::http::header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

fn problem(rejection: JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => Problem::invalid([field_error(&innermost(&error))]),
        JsonRejection::JsonSyntaxError(error) => {
            let detail = format!("The body is not JSON: {}.", shown(&innermost(&error)));
            Problem::bad_request("invalid_json", detail)
        }
        JsonRejection::MissingJsonContentType(_) => Problem::unsupported_media_type("application/json"),
        other => unreadable(other.status()),
    }
}

/// The body could not be read to its end: too large, or the caller went away.
pub(crate) fn unreadable(status: axum::http::StatusCode) -> Problem {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large();
    }
    Problem::bad_request("unreadable_body", "The body ended early or could not be read.")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::DefaultBodyLimit;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is tested")]
    struct Item {
        quantity: u8,
    }

    async fn read(content_type: &str, body: String) -> Result<Json<Order>, Problem> {
        let mut request =
            Request::post("/").header("content-type", content_type).body(Body::from(body)).unwrap();
        DefaultBodyLimit::max(100).apply(&mut request);
        Json::from_request(request, &()).await
    }

    #[rstest]
    #[case(r#"{"items": [{"quantity": "4111111111111111"}]}"#, "items[0].quantity", "expected u8")]
    #[case(r#"{"items": [{"quantity": 4111111111111111}]}"#, "items[0].quantity", "expected u8")]
    #[case(r#"{"items": [{}]}"#, "items[0].quantity", "is missing")]
    #[case(r#"{"items": [], "cvv": "987"}"#, "cvv", "is not a known field; expected `items`")]
    #[case(r#"{"items": [{"q": 1}]}"#, "items[0].q", "is not a known field; expected `quantity`")]
    #[case(r#""4111111111111111""#, "", "expected struct Order")]
    #[tokio::test]
    async fn a_field_that_does_not_fit_is_named_and_its_value_is_not_repeated(
        #[case] body: &str,
        #[case] field: &str,
        #[case] message: &str,
    ) {
        let problem = read("application/json", body.to_owned()).await.unwrap_err();
        assert_eq!(problem.status(), 422);
        assert_eq!(problem.errors(), [(field, message).into()]);
    }

    #[rstest]
    #[case("application/json", r#"{"items""#.to_owned(), 400, "invalid_json")]
    #[case("application/json", String::new(), 400, "invalid_json")]
    #[case("text/plain", r#"{"items": []}"#.to_owned(), 415, "unsupported_media_type")]
    #[case("application/json", " ".repeat(101), 413, "too_large")]
    #[tokio::test]
    async fn a_body_that_is_not_ours_is_refused(
        #[case] content_type: &str,
        #[case] body: String,
        #[case] status: u16,
        #[case] code: &str,
    ) {
        let problem = read(content_type, body).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
    }

    #[tokio::test]
    async fn a_good_body_is_read() {
        let body = r#"{"items": [{"quantity": 2}]}"#.to_owned();
        assert_eq!(read("application/json; charset=utf-8", body).await.unwrap().0.items.len(), 1);
    }
}
