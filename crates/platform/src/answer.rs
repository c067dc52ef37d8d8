//! Answers: the envelope, the two shapes of validation errors, trace ids.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Minter;
use serde_json::{Map, Value, json};
use storage::StoreError;

/// An error that ends a request.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// 400, a flat map from the service's own field names to messages (shape B of the service's observed errors).
    Invalid(Vec<(&'static str, String)>),
    /// Any status with a title (shape A, as documented).
    Titled(StatusCode, String),
    /// 401.
    Unauthorized,
    /// 503: the database did not answer.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Refusal {
    pub(crate) fn titled(status: StatusCode, title: &str) -> Self {
        Self::Titled(status, title.to_owned())
    }

    pub(crate) fn field(name: &'static str, message: &str) -> Self {
        Self::Invalid(vec![(name, message.to_owned())])
    }

    pub(crate) fn not_json() -> Self {
        Self::titled(StatusCode::BAD_REQUEST, "The body is not a JSON object.")
    }

    pub(crate) fn not_found() -> Self {
        Self::titled(StatusCode::NOT_FOUND, "There is no such order.")
    }

    pub(crate) fn in_progress(title: &str) -> Self {
        Self::titled(StatusCode::CONFLICT, title)
    }

    /// The response, under a fresh trace id.
    pub(crate) fn into_response(self, minter: &Minter) -> Response {
        let trace = trace_id(minter);
        match self {
            Self::Invalid(problems) => {
                let mut map = Map::new();
                map.insert("TraceId".to_owned(), json!([trace]));
                for (name, message) in problems {
                    map.insert(name.to_owned(), json!([message]));
                }
                json_response(StatusCode::BAD_REQUEST, &Value::Object(map))
            }
            Self::Titled(status, title) => titled(status, &title, &trace),
            Self::Unauthorized => {
                let mut response = titled(
                    StatusCode::UNAUTHORIZED,
                    "The access token is missing, unknown or expired.",
                    &trace,
                );
                let scheme = axum::http::HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
                response
            }
            Self::Store(error) => {
                tracing::error!(error = %error, trace.id = trace, "A request failed at the database");
                titled(StatusCode::SERVICE_UNAVAILABLE, "The service cannot answer now.", &trace)
            }
        }
    }
}

fn titled(status: StatusCode, title: &str, trace: &str) -> Response {
    json_response(status, &json!({"status": status.as_u16(), "title": title, "traceId": trace}))
}

/// A JSON response that no cache keeps.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// A trace id in the form of the W3C's `traceparent`.
fn trace_id(minter: &Minter) -> String {
    let span = minter.uuid().simple().to_string();
    format!("00-{}-{}-01", minter.uuid().simple(), span.get(16..).unwrap_or_default())
}

/// The members that most answers share, with these over them.
pub(crate) fn envelope(success: bool, own: Value) -> Value {
    let mut whole = json!({
        "success": success,
        "result": null,
        "status": null,
        "statusCode": null,
        "errors": [],
        "customProperties": {},
    });
    if let (Value::Object(whole), Value::Object(own)) = (&mut whole, own) {
        whole.extend(own);
    }
    whole
}
