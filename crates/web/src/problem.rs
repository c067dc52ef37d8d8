//! The one shape of our errors: problem documents, <https://www.rfc-editor.org/rfc/rfc9457>.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path of the field, e.g. `card.number` or `items[0].quantity`; empty for the request as a whole.
    pub field: String,
    /// What is wrong and how to mend it. It never repeats the value that was sent.
    pub message: String,
}

impl<F: Into<String>, M: Into<String>> From<(F, M)> for FieldError {
    fn from((field, message): (F, M)) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// An error as the caller sees it. A handler returns it as `Err`; it becomes `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_secs: Option<u32>,
}

/// The document as it is written. `type` is `about:blank`: the code says which problem it is, and `title` is the
/// phrase of the status, as the standard asks for then.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem with this status, stable `code` (lower case, underscores) and sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after_secs: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 422, code `invalid_fields`: understood, but these fields are wrong.
    pub fn invalid<E: Into<FieldError>>(errors: impl IntoIterator<Item = E>) -> Self {
        let errors: Vec<FieldError> = errors.into_iter().map(Into::into).collect();
        let detail = "Some fields are wrong; each is listed with what to do about it.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", detail) }
    }

    /// 404, code `not_found`. The same for what does not exist and what belongs to someone else.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// 409: the request does not fit the present state.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 401, code `unauthorized`; the answer carries `WWW-Authenticate: Bearer`.
    pub fn unauthorized() -> Self {
        let detail = "Credentials are missing, unknown or no longer valid.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403, code `forbidden`: known, but not allowed to do this.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "These credentials do not permit this.")
    }

    /// 405, code `method_not_allowed`.
    pub fn method_not_allowed() -> Self {
        let detail = "This address does not take this method; the Allow header names those that it takes.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 413, code `too_large`: the body has more bytes than are taken here.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is larger than is taken here.")
    }

    /// 415, code `unsupported_media_type`; `expected` is the content type to send.
    pub fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("Send the body with the content type {expected}.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 429, code `too_many_requests`; `retry_after_secs` is when to come back, in seconds.
    pub fn too_many_requests(retry_after_secs: u32) -> Self {
        let detail = format!("Too many requests; try again in {retry_after_secs} s.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self { retry_after_secs: Some(retry_after_secs), ..problem }
    }

    /// 503, code `overloaded`: this request was not begun. `retry_after_secs` is when to come back, in seconds.
    pub fn overloaded(retry_after_secs: u32) -> Self {
        let detail = "The server is at its limit and did not begin this request; try again.";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        Self { retry_after_secs: Some(retry_after_secs), ..problem }
    }

    /// 500, code `internal`. `error` is logged here, once, with its causes, and never told to the caller.
    pub fn internal(error: impl fmt::Display) -> Self {
        tracing::error!(error = %format_args!("{error:#}"), "A request failed inside: {error:#}");
        Self::internal_silently()
    }

    /// As [`Problem::internal`], for whoever has logged the cause already.
    pub(crate) fn internal_silently() -> Self {
        let detail = "Something went wrong on our side. The x-request-id of this answer finds it in the log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code: lower case, underscores.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong field by field; empty unless the code is `invalid_fields`.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<Vec<domain::placement::Problem>> for Problem {
    fn from(problems: Vec<domain::placement::Problem>) -> Self {
        Self::invalid(problems.into_iter().map(|one| (one.field, one.message)))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).expect("strings and numbers always become JSON");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}
