//! `POST /sandbox/v1/faults` sets a fault, `GET` lists those waiting, `DELETE` takes them away.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State, http::StatusCode};

use super::problem::{self, Problem};
use crate::{faults::Fault, sandbox::Sandbox};

pub(super) async fn add(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<StatusCode, Problem> {
    sandbox.add_fault(problem::read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list(State(sandbox): State<Arc<Sandbox>>) -> Json<Vec<Fault>> {
    Json(sandbox.list_faults())
}

pub(super) async fn clear(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.clear_faults();
    StatusCode::NO_CONTENT
}
