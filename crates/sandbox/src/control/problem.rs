//! Refusals of the control API: problem+json (RFC 9457) with every problem found.

use axum::{
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::sandbox::InvalidSpec;

/// A refusal.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
    errors: Vec<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

impl From<InvalidSpec> for Problem {
    fn from(invalid: InvalidSpec) -> Self {
        Self { title: "Invalid request", status: 422, detail: invalid.to_string(), errors: invalid.0 }
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "The sandbox cannot write its journal: {error}");
        let detail = "The journal cannot be written; see the sandbox's log.".to_owned();
        Self { title: "Journal not writable", status: 500, detail, errors: Vec::new() }
    }
}

/// Reads a JSON body, whatever its content type says.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem {
        title: "Unreadable request",
        status: 422,
        detail: error.to_string(),
        errors: vec![error.to_string()],
    })
}
